"""Reading the OpenPGP keys that package sources are signed with."""

from __future__ import annotations

from pysequoia import Cert


def public_keys(text: str) -> list[Cert]:
    """The keys in an ASCII-armored text, in order.

    Raises:
        ValueError: there is none, or one that cannot be read.
    """
    try:
        certs = Cert.split_bytes(text.encode()) if "PUBLIC KEY BLOCK" in text else []
    except RuntimeError:  # That is what Sequoia's errors are; their text is a stack trace.
        certs = []
    if not certs:
        raise ValueError("it is not an OpenPGP public key")
    return list(certs)
