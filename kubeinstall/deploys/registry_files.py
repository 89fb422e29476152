"""What the inventory says of registries, for whichever runtime there is."""

from __future__ import annotations

from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Registry
from kubeinstall.operations.files import MARKER

_PEM = "-----BEGIN CERTIFICATE-----"


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
        if _PEM in text:
            # What stands before the first certificate is passed over by all who read PEM.
            return f"# {MARKER}.\n{text.rstrip()}\n"
        why = "it has no PEM certificate"
    raise KubeinstallError(
        Finding(
            Kind.INVENTORY,
            f"the CA of {name}, {registry.ca}, is of no use",
            why=why,
            next="a binary certificate is made text of by: openssl x509 -inform der -in FILE",
        )
    )
