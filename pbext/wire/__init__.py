"""
What lies between values and bytes.  No I/O here, and no transports.
"""
