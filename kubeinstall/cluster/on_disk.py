"""What a host has of a cluster whose API server does not answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography.x509.oid import NameOID

from kubeinstall.certificates import load_pem
from kubeinstall.facts.values import dns_name
from kubeinstall.releases import Version, version_in
from kubeinstall.resources import script

_USER = "system:node:"
_IMAGE = re.compile(r"/kube-apiserver:(v?[0-9.]+)")

QUESTION = script("nodes/on_disk")
"""Asked of every host; ``OnDisk.parse`` reads the answer."""


@dataclass(frozen=True)
class OnDisk:
    """A host that has been a node.

    Args:
        name: its node's name, by the certificate that the API server has signed for its kubelet.
        kubelet: the version of the package.
        control_plane: an API server or etcd is, or was, on it.
        api_server: the version of the API server by its manifest.
        cni: the names of its CNI configuration files.
    """

    name: str | None = None
    kubelet: Version | None = None
    control_plane: bool = False
    api_server: Version | None = None
    cni: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> OnDisk | None:
        """Read the answer; None: the host is no node. What does not fit its type is not known."""
        said, pem, kubelet, role, image, cni = (*text.split("\036"), *[""] * 6)[:6]
        if said.strip() != "node":
            return None
        tag = _IMAGE.search(image)
        return cls(
            name=_name(pem),
            kubelet=_version(kubelet),
            control_plane=bool(role.strip()),
            api_server=_version(tag[1]) if tag else None,
            cni=frozenset(cni.split()),
        )


def _version(text: str) -> Version | None:
    try:
        return version_in(text)
    except ValueError:
        return None


def _name(pem: str) -> str | None:
    """The node that a kubelet's certificate is for."""
    try:
        subject = load_pem(pem)[0].subject
    except ValueError:
        return None
    names = [str(one.value) for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    name = next((n.removeprefix(_USER) for n in names if n.startswith(_USER)), None)
    try:
        return dns_name(name)
    except ValueError:
        return None
