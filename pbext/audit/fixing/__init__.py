"""
What is mechanical, rewritten.
"""
