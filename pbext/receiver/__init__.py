"""
The commands.
"""
