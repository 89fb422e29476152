"""What the cluster itself says of its nodes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kubeinstall.deploys.joining import CA_COMMAND, Authority, authority
from kubeinstall.verify.kubectl import KUBECTL

QUESTION = f"{KUBECTL} get nodes -o json && printf '\\036' && {CA_COMMAND}"


@dataclass(frozen=True)
class Nodes:
    """The nodes, and the cluster's certificate authority.

    Args:
        items: the node objects; none while there is no cluster.
        authority: None: there is no cluster, or its API server does not answer.
    """

    items: tuple[dict[str, Any], ...] = ()
    authority: Authority | None = None

    @classmethod
    def parse(cls, text: str) -> Nodes:
        """Read the answer to ``QUESTION``; anything else counts as no cluster."""
        nodes, _, ca = text.partition("\036")
        try:
            return cls(tuple(json.loads(nodes)["items"]), authority(ca))
        except (ValueError, KeyError, TypeError):
            return cls()

    @property
    def pod_cidrs(self) -> dict[str, str]:
        """Node name to its share of the pod network, for nodes that have got one."""
        shares = {n["metadata"]["name"]: n["spec"].get("podCIDR", "") for n in self.items}
        return {name: share for name, share in shares.items() if share}

    @property
    def addresses(self) -> dict[str, str]:
        """Node name to the IPv4 address that the cluster knows it by."""
        return {
            node["metadata"]["name"]: address["address"]
            for node in self.items
            for address in node["status"].get("addresses", [])
            if address["type"] == "InternalIP" and ":" not in address["address"]
        }

    @property
    def names(self) -> frozenset[str] | None:
        """The nodes' names; None: no cluster could be asked."""
        if self.authority is None:
            return None
        return frozenset(node["metadata"]["name"] for node in self.items)
