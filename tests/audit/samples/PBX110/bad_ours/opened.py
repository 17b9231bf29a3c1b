"""
A name for it.
"""

from twisted.spread.jelly import DummySecurityOptions as Open

__all__ = ["Open"]
