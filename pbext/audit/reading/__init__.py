"""
Sources, read and not run.
"""
