"""
What the functions of a program do, as far as it can be followed without running
them.
"""
