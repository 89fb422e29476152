"""Reading certificates that Kubernetes made."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from kubeinstall.resources import script

if TYPE_CHECKING:
    from cryptography import x509


def load_pem(pem: str) -> list[x509.Certificate]:
    """The certificates in a PEM text, in order.

    Raises:
        ValueError: there is none, or one that cannot be read.
    """
    # Here: most inventories that are only checked name no certificate.
    from cryptography import x509
    from cryptography.utils import CryptographyDeprecationWarning

    with warnings.catch_warnings():
        # kubeadm gave its authorities the serial number 0 until 1.28; no user can do anything now.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_pem_x509_certificates(pem.encode())


CERTIFICATES = script("certificates")
"""Prints certificates only: what else is in these files (private keys) stays on the host."""


def expiries(answer: str) -> Iterator[tuple[str, datetime, datetime]]:
    """Path, begin and end of each certificate in the script's answer."""
    for part in f"\n{answer}".split("\nfile ")[1:]:
        path, _, pem = part.partition("\n")
        for certificate in load_pem(pem) if pem.strip() else ():
            yield path, certificate.not_valid_before_utc, certificate.not_valid_after_utc
