"""
The rules of the audit, a family in each module.
"""
