"""A control plane's admin.conf, parsed into what this machine takes of it.

A kubeconfig can name programs to run and files to read. What a control plane says is taken only as
addresses and PEM; everything else is refused, whatever it is.

Source: the kubeconfig format, Config v1 (kubernetes.io, reference, config-api/kubeconfig).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kubeinstall.certificates import load_pem
from kubeinstall.documents import read
from kubeinstall.inventory.formats import DNS_NAME
from kubeinstall.inventory.model import Document

LISTS = ("clusters", "contexts", "users")
SERVER_NAME = "kubernetes"
"""A name that kubeadm writes into each API server's certificate."""
_CLUSTER = ("server", "certificate-authority-data")
_USER = ("client-certificate-data", "client-key-data")
_FIELD = re.compile(r"[A-Za-z][A-Za-z-]{0,40}")
_PORT = 6443


@dataclass(frozen=True)
class Access:
    """An administrator's way into a cluster.

    Args:
        host: the API server's address or name, by the control plane.
        port: its port.
        authority: the cluster's CA, certificates as PEM.
        certificate: the administrator's, as PEM.
        key: of the certificate, as PEM: a secret.
    """

    host: str
    port: int
    authority: str
    certificate: str
    key: str

    def kubeconfig(self, name: str, server: str, server_name: str = "") -> Document:
        """A kubeconfig of this cluster alone.

        Args:
            name: of the context and the cluster; the user is ``NAME-admin``.
            server: the API server's URL for this machine.
            server_name: a name in its certificate, where that does not have the URL's host.
        """
        cluster = {"server": server, "certificate-authority-data": _encoded(self.authority)}
        if server_name:
            cluster["tls-server-name"] = server_name
        user = dict(zip(_USER, map(_encoded, (self.certificate, self.key)), strict=True))
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": f"{name}-admin", "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": f"{name}-admin"}}],
            "current-context": name,
        }


def access(text: str) -> Access:
    """What a kubeconfig says of its current context.

    Args:
        text: a kubeconfig as kubeadm writes it.

    Raises:
        ValueError: it is not one, or holds more; the message holds no value of the text.
    """
    document = parse(text)
    context = entry(document, "contexts", document.get("current-context", "")).get("context")
    if not isinstance(context, Mapping):
        raise ValueError("it has no current context")
    cluster = entry(document, "clusters", context.get("cluster")).get("cluster")
    user = entry(document, "users", context.get("user")).get("user")
    if not (isinstance(cluster, Mapping) and isinstance(user, Mapping)):
        raise ValueError("it lacks the cluster or the user of its current context")
    _only(cluster, _CLUSTER, "cluster")
    _only(user, _USER, "user")
    host, port = _server(cluster)
    authority, certificate = _pem(cluster, _CLUSTER[1]), _pem(user, _USER[0])
    for field, pem in ((_CLUSTER[1], authority), (_USER[0], certificate)):
        try:
            load_pem(pem)
        except ValueError:
            raise ValueError(f"its {field} is not a certificate") from None
    key = _pem(user, _USER[1])
    try:
        load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"its {_USER[1]} is not a private key") from None
    return Access(host, port, authority, certificate, key)


def names_of(pem: str) -> frozenset[str]:
    """The names and addresses in a certificate; none where it is not one."""
    try:
        (found,) = load_pem(pem)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return frozenset()
    addresses = names.get_values_for_type(x509.IPAddress)
    return frozenset([*names.get_values_for_type(x509.DNSName), *map(str, addresses)])


def parse(text: str) -> Document:
    """A kubeconfig's document; empty text is an empty one.

    Raises:
        ValueError: it is not one; the message holds nothing of the text, which has secrets.
    """
    found = list(read(text))
    if len(found) > 1:
        raise ValueError("it has more than one document")
    document = found[0] if found else {}
    if not isinstance(document, dict):
        raise ValueError("it is not a mapping")
    for key in LISTS:
        entries = document.get(key) or []
        if not isinstance(entries, list) or not all(map(_is_entry, entries)):
            raise ValueError(f"its {key} are not a list of named entries")
    return document


def entry(document: Document, key: str, name: Any) -> Document:
    """The entry of a list with that name; empty if there is none."""
    entries: list[Document] = document.get(key) or []
    return next((found for found in entries if found["name"] == name), {})


def _is_entry(found: Any) -> bool:
    """Whether it is a map with a name, and what it names, if there, is a map too."""
    return (
        isinstance(found, dict)
        and "name" in found
        and all(isinstance(found.get(key) or {}, dict) for key in ("cluster", "context", "user"))
    )


def _only(found: Mapping[Any, Any], fields: Iterable[str], what: str) -> None:
    """Refuse fields that kubeadm does not write: each is a way to run or read something here."""
    for name in found:
        if name not in fields:
            shown = name if isinstance(name, str) and _FIELD.fullmatch(name) else "another field"
            raise ValueError(f"its {what} has {shown}, which kubeadm does not write")
    for name in fields:
        if not isinstance(found.get(name), str):
            raise ValueError(f"its {what} has no {name}")


def _server(cluster: Mapping[str, Any]) -> tuple[str, int]:
    try:
        url = urlsplit(cluster["server"])
        host, port = url.hostname or "", url.port or _PORT
    except ValueError:
        host, port, url = "", 0, urlsplit("")
    # Neither a login, nor a path: the URL is the host and the port.
    plain = f"https://{host}:{port}"
    if (
        cluster["server"].lower() not in (plain, f"https://{host}")
        or not re.fullmatch(DNS_NAME, host)
        or not port
    ):
        raise ValueError("its server is not https://HOST:PORT")
    return host, port


def _pem(found: Mapping[str, Any], field: str) -> str:
    try:
        return base64.b64decode(found[field], validate=True).decode("ascii")
    except ValueError:
        raise ValueError(f"its {field} is not PEM in base64") from None


def _encoded(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()
