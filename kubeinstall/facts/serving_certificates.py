"""The certificates that kubelets ask of the cluster, to show to whoever calls them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from pyinfra.api.facts import FactBase

from kubeinstall.facts.kubeadm import ADMIN
from kubeinstall.facts.kubectl import kubectl
from kubeinstall.facts.values import dns_name, line, listed

SIGNER = "kubernetes.io/kubelet-serving"
REQUESTS = f"get csr --field-selector=spec.signerName={SIGNER} -o json"
"""What kubectl is asked; ``pending`` reads the answer."""


@dataclass(frozen=True)
class ServingRequest:
    """A request that nobody has approved or denied yet.

    Args:
        name: of the object.
        requestor: who the API server says it is from, e.g. ``system:node:w1``.
        usages: what the certificate should be for.
        pem: the request itself (PKCS #10).
    """

    name: str
    requestor: str
    usages: tuple[str, ...]
    pem: str


def pending(text: str) -> list[ServingRequest]:
    """The requests that wait for an answer; junk counts as none."""
    try:
        items = listed(text)
    except ValueError:
        return []
    return [
        found for item in items if not item["status"].get("conditions") if (found := _request(item))
    ]


def _request(item: dict[str, Any]) -> ServingRequest | None:
    """A request; None: it has not the form of one, and nobody needs to answer it.

    Whoever may ask for a certificate may name the request: kubelets call theirs ``csr-x7f2p``.
    """
    spec = item["spec"]
    try:
        usages = tuple(map(line, spec.get("usages") or ()))
        name, pem = dns_name(item["metadata"]["name"]), base64.b64decode(spec["request"]).decode()
        return ServingRequest(name, line(spec["username"]), usages, pem)
    except (ValueError, LookupError, TypeError):
        return None


class ServingRequests(FactBase[list[ServingRequest]]):
    """The requests of kubelets that wait for an answer; none while there is no cluster."""

    @staticmethod
    def default() -> list[ServingRequest]:
        return []

    def command(self) -> str:
        # A fact's command exits with 0: without an answer of the API server there are no requests.
        return f"[ ! -e {ADMIN} ] || {kubectl()} {REQUESTS} 2>/dev/null || true"

    def process(self, output: list[str]) -> list[ServingRequest]:
        return pending("\n".join(output))
