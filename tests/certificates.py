"""
A certificate of the tests' own, made anew for each run.
"""

from __future__ import annotations

import datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509, PKey

from twisted.internet.ssl import Certificate, CertificateOptions, optionsForClientTLS

__all__ = ["clientOptions", "serverOptions"]

_NAME = "pond.invalid"


@cache
def _made() -> tuple[Any, Any]:
    """
    @return: a key, and a certificate that it has signed itself.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_NAME)]), False)
        .sign(key, hashes.SHA256())
    )
    return PKey.from_cryptography_key(key), X509.from_cryptography(certificate)


def serverOptions() -> Any:
    """
    @return: what a server of TLS needs.
    """
    key, certificate = _made()
    return CertificateOptions(privateKey=key, certificate=certificate)


def clientOptions() -> Any:
    """
    @return: what a client of that server needs, and trusts it alone.
    """
    return optionsForClientTLS(_NAME, trustRoot=Certificate(_made()[1]))
