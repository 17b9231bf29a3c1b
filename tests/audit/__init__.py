"""
Tests of the audit.
"""
