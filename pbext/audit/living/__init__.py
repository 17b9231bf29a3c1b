"""
What lives in a process, and the process in which a program is imported.
"""
