"""Reading certificates that Kubernetes made."""

from __future__ import annotations

import warnings

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning


def load_pem(pem: str) -> list[x509.Certificate]:
    """The certificates in a PEM text, in order.

    Raises:
        ValueError: there is none, or one that cannot be read.
    """
    with warnings.catch_warnings():
        # kubeadm gave its authorities the serial number 0 until 1.28; no user can do anything now.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_pem_x509_certificates(pem.encode())
