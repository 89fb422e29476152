"""What the inventory says of registries, for whichever runtime there is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from kubeinstall.certificates import load_pem
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster, Registry
from kubeinstall.operations.docker_logins import desired
from kubeinstall.operations.files import MARKER
from kubeinstall.releases.accelerators import DOCKER_HUB

KUBELET_LOGINS = "/var/lib/kubelet/config.json"
"""Logins that the kubelet hands to whichever runtime pulls for a pod."""

_INDEX = "https://index.docker.io/v1/"
"""What a login for Docker Hub is filed under."""


def logins(cluster: Cluster) -> Mapping[str, str]:
    """The login of each registry that has one, as Docker's config.json wants it; secrets."""
    return {
        _INDEX if name == DOCKER_HUB else name: registry.auth
        for name, registry in cluster.spec.runtime.registries.items()
        if registry.auth
    }


def hidden_logins(cluster: Cluster, path: str) -> Iterable[RenderedFile]:
    """A file with logins, without the secrets.

    Args:
        path: absolute path.
    """
    hidden = desired({}, dict.fromkeys(logins(cluster), "(secret)"))
    if hidden:
        yield RenderedFile(path, json.dumps(hidden, indent=2) + "\n", "600")


def given_ca(name: str, registry: Registry) -> str | None:
    """The CA of a registry's certificate, as a file of ours; None: one that the host knows.

    Args:
        name: the registry, e.g. ``hub.example.org:5000``.

    Raises:
        KubeinstallError: the file cannot be read, or holds no certificate.
    """
    if registry.ca is None:
        return None
    try:
        text = registry.ca.read_text(encoding="utf-8")
    except OSError as error:
        why = error.strerror or str(error)
    except UnicodeDecodeError:
        why = "it is not UTF-8 text"
    else:
        try:
            load_pem(text)
        except ValueError:
            why = "it contains no readable PEM certificate"
        else:
            # What stands before the first certificate is passed over by all who read PEM.
            return f"# {MARKER}.\n{text.rstrip()}\n"
    raise KubeinstallError(
        Finding(
            Kind.INVENTORY,
            f"the CA of {name}, {registry.ca}, cannot be used",
            why=why,
            next="to convert a binary certificate to text: openssl x509 -inform der -in FILE",
        )
    )
