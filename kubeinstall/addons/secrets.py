"""Secrets that an addon is given once: random words, and certificates nobody else has to trust."""

from __future__ import annotations

import secrets
import string
from base64 import b64encode
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kubeinstall.addons.objects import MANAGER, PART_OF, Object, apply_set
from kubeinstall.inventory.catalogue.model import GeneratedSecret

_LETTERS = string.ascii_letters + string.digits
_YEARS = 10
_LONGEST_NAME = 64
_USAGES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
"""Members of one program, e.g. Elasticsearch's nodes, show it to each other."""


def generate(secret: GeneratedSecret, addon: str, namespace: str) -> Object:
    """A new Secret with values of its own; each call makes others."""
    values = {k: _word(length) for k, length in secret.keys.items()}
    if secret.certificate:
        values |= _certificate(secret.certificate.dns)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls" if secret.certificate else "Opaque",
        "metadata": {
            "name": secret.name,
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/managed-by": MANAGER,
                "app.kubernetes.io/part-of": addon,
                PART_OF: apply_set(addon),
            },
        },
        "data": {k: b64encode(v.encode()).decode() for k, v in values.items()},
    }


def _word(length: int) -> str:
    """Letters and digits: they need no quoting anywhere."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _certificate(names: list[str]) -> dict[str, str]:
    """A certificate, its key, and the authority that signed it and nothing else."""
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer, subject = _name(f"{names[0]} authority"), _name(names[0])
    root = (
        _builder(issuer, issuer, authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority, hashes.SHA256())
    )
    leaf = (
        _builder(subject, issuer, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, names)), critical=False)
        .add_extension(x509.ExtendedKeyUsage(_USAGES), critical=False)
        .sign(authority, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "tls.crt": leaf.public_bytes(Encoding.PEM).decode(),
        "tls.key": private.decode(),
        "ca.crt": root.public_bytes(Encoding.PEM).decode(),
    }


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:_LONGEST_NAME])])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
    )
