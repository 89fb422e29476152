"""A kubeconfig as kubeadm writes it, and as it is handed to the user."""

from __future__ import annotations

from typing import Any

import yaml

from kubeinstall.cluster.admin_conf import access
from tests.unit.certificates import admin_conf

ADMIN = admin_conf()
_SAID = yaml.safe_load(ADMIN)
CA = _SAID["clusters"][0]["cluster"]["certificate-authority-data"]
USER = _SAID["users"][0]["user"]
KEY = USER["client-key-data"]


def ours(name: str = "lab") -> dict[str, Any]:
    return access(ADMIN).kubeconfig(name, "https://10.0.0.10:6443")


def changed(**fields: Any) -> str:
    """The administrator's kubeconfig with other fields of its cluster or user."""
    document = yaml.safe_load(ADMIN)
    for place, values in fields.items():
        document[f"{place}s"][0][place] |= values
    return yaml.safe_dump(document)
