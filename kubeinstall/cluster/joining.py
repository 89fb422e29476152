"""What a join needs to know of the cluster: asked of a control plane, kept in memory."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kubeinstall.certificates import load_pem
from kubeinstall.facts.kubeadm import ADMIN, KUBEADM
from kubeinstall.facts.kubectl import Timeout, kubectl
from kubeinstall.resources import script

_TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")
_DESCRIPTION = "kubeinstall: workers join with it"
_MARK = base64.b64encode(_DESCRIPTION.encode()).decode()
_MINUTES_AFTER_INTERRUPT = 2

_CREATE = (
    *(KUBEADM, "--kubeconfig", ADMIN, "token", "create"),
    *("--ttl", "15m0s", "--description", _DESCRIPTION),
)
TOKEN_COMMAND = script("kubeadm/token", _CREATE, kubectl=kubectl(Timeout.POLL))
"""Prints a fresh token that is good for a quarter of an hour, if nobody deletes it before.

It is ready to be joined with: the control plane has signed the cluster's address with it.
"""

TOKENS = (
    "-n kube-system get secrets --field-selector type=bootstrap.kubernetes.io/token "
    f"""-o jsonpath='{{range .items[?(@.data.description=="{_MARK}")]}}"""
    """{.metadata.name}{"\\n"}{end}'"""
)
"""What kubectl is asked for the names of the Secrets with such tokens, one a line."""

_EACH = f"""\
names=$($kubectl {TOKENS}) || exit
for name in $names; do
"""
DELETE_TOKENS = f"""\
{_EACH}  $kubectl -n kube-system delete secret "$name" --ignore-not-found || exit
done"""
"""Deletes all of them, those of a run that was killed too."""

EXPIRE_TOKENS = f"""\
{_EACH}  until=$(date -u -d '+{_MINUTES_AFTER_INTERRUPT} minutes' +%Y-%m-%dT%H:%M:%SZ)
  $kubectl -n kube-system patch secret "$name" \\
    -p '{{"stringData":{{"expiration":"'"$until"'"}}}}' || exit
done"""
"""Leaves joins that still run the time to end; the control plane deletes the tokens then."""

CA_COMMAND = "cat /etc/kubernetes/pki/ca.crt"


@dataclass(frozen=True)
class Authority:
    """The cluster's certificate authority.

    Args:
        sha256: hex fingerprint of its certificate.
        key_hash: ``sha256:`` and the hex digest of its public key, as kubeadm pins it.
    """

    sha256: str
    key_hash: str


def authority(pem: str) -> Authority:
    """Read the authority from the text of ca.crt.

    Raises:
        ValueError: that is no certificate.
    """
    certificate = load_pem(pem)[0]
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    whole = certificate.public_bytes(Encoding.DER)
    return Authority(hashlib.sha256(whole).hexdigest(), f"sha256:{hashlib.sha256(key).hexdigest()}")


def token(output: str) -> str:
    """The token in the output of ``TOKEN_COMMAND``, which may have warnings before it.

    Raises:
        ValueError: there is none.
    """
    lines = output.strip().splitlines()
    if not lines or not _TOKEN.fullmatch(lines[-1].strip()):
        raise ValueError("kubeadm printed no token")
    return lines[-1].strip()
