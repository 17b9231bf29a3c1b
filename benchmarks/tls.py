"""
TLS for the loopback, with the tests' certificate, which nobody checks.
"""

from __future__ import annotations

from functools import cache

from twisted.internet.ssl import CertificateOptions

from tests.certificates import serverOptions

__all__ = ["clientContext", "serverOptions"]


@cache
def clientContext() -> CertificateOptions:
    """
    @return: one for all the connections of this process.
    """
    return CertificateOptions()
