"""
What a program says on the wire, written down, and what a change of it breaks.
"""
