"""Certificates for tests, and a kubeconfig as kubeadm writes it."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Sequence
from functools import cache
from ipaddress import ip_address

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

OLD_CA = """\
-----BEGIN CERTIFICATE-----
MIIBbDCCARKgAwIBAgIBADAKBggqhkjOPQQDAjAVMRMwEQYDVQQDDAprdWJlcm5l
dGVzMB4XDTI2MTEyNjIxMTExNVoXDTM2MTEyMzIxMTExNVowFTETMBEGA1UEAwwK
a3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPpV6fjrI9ZHhhOF
cAmPVZy/y8PZXm7oW4LW5e1dRDFyt4axDkMw9Bpa3PQ1i5EyWQjvuW1cKGA7K81d
4/t+XtSjUzBRMB0GA1UdDgQWBBSQHBPhsV+MIvq+3rQjpM4BuRrCrzAfBgNVHSME
GDAWgBSQHBPhsV+MIvq+3rQjpM4BuRrCrzAPBgNVHRMBAf8EBTADAQH/MAoGCCqG
SM49BAMCA0gAMEUCIE8bDVuMyEhRVvOC4l4knhhWttUG9gRJ0eB0+dGfMIFsAiEA
6r6p583vIc3C3E8iL0SZ3mI3RYqd8Ho7S8ruAPhV2Tc=
-----END CERTIFICATE-----
"""
"""An authority as kubeadm before 1.28 makes it, with the serial number 0."""

_PEM, _FORMAT = Encoding.PEM, PrivateFormat.PKCS8


def certificate(of: str = "kubernetes", names: Sequence[str] = ()) -> x509.Certificate:
    """One that signed itself.

    Args:
        of: its subject.
        names: names and addresses that it is for.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, of)])
    start = datetime.datetime(2026, 1, 1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1))
    )
    if names:
        found = [
            x509.IPAddress(ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names
        ]
        made = made.add_extension(x509.SubjectAlternativeName(found), critical=False)
    return made.sign(key, SHA256())


def pem(names: Sequence[str] = ()) -> str:
    """A certificate as text."""
    return certificate(names=names).public_bytes(_PEM).decode()


@cache
def admin_conf(server: str = "https://10.0.0.10:6443") -> str:
    """An administrator's kubeconfig, the same at each call."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(_PEM, _FORMAT, NoEncryption()).decode()
    authority, own, secret = (
        base64.b64encode(text.encode()).decode() for text in (pem(), pem(), private)
    )
    document = {
        "apiVersion": "v1",
        "clusters": [
            {
                "cluster": {"certificate-authority-data": authority, "server": server},
                "name": "kubernetes",
            }
        ],
        "contexts": [
            {
                "context": {"cluster": "kubernetes", "user": "kubernetes-admin"},
                "name": "kubernetes-admin@kubernetes",
            }
        ],
        "current-context": "kubernetes-admin@kubernetes",
        "kind": "Config",
        "preferences": {},
        "users": [
            {
                "name": "kubernetes-admin",
                "user": {"client-certificate-data": own, "client-key-data": secret},
            }
        ],
    }
    return yaml.safe_dump(document)
