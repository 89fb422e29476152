"""What the cluster itself says of its nodes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kubeinstall.addons.objects import parent_name
from kubeinstall.deploys.joining import CA_COMMAND, Authority, authority
from kubeinstall.deploys.kubelet_files import runtime_of
from kubeinstall.engine.types import Output
from kubeinstall.releases import Version
from kubeinstall.verify.kubectl import KUBECTL

NETWORK_ADDONS = ("flannel", "calico", "calico-operator", "canal")
"""The addons that are pod networks; the inventory chooses at most one."""
CORDONED = "kubeinstall.io/cordoned"
"""Annotation of a node that we have cordoned, and shall uncordon."""
SOCKET = "kubeadm.alpha.kubernetes.io/cri-socket"
"""kubeadm's annotation with the socket of the node's runtime."""


def config_map(version: Version) -> str:
    """The name of the kubelets' ConfigMap in kube-system: with the minor before 1.24."""
    early = (version.major, version.minor) < (1, 24)
    return f"kubelet-config-{version.minor_name}" if early else "kubelet-config"


NO_CLUSTER = "no cluster"
"""The answer of a host on which nothing of a control plane is."""
_TRACES = (
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/manifests/kube-apiserver.yaml",
    "/var/lib/etcd/member",
)
"""With one of these there is a cluster, or the beginning of one, whoever answers."""


def question(version: Version) -> str:
    """What is asked of the first control plane; ``Nodes.read`` reads the answer."""
    names = " ".join([config_map(version), *map(parent_name, NETWORK_ADDONS)])
    kubelets = f"{KUBECTL} -n kube-system get configmap {names} --ignore-not-found -o json"
    traces = " || ".join(f"[ -e {path} ]" for path in _TRACES)
    return (
        f"{traces} || {{ printf '{NO_CLUSTER}'; exit 0; }}\n"
        f"{KUBECTL} get nodes -o json && printf '\\036' && {CA_COMMAND} && printf '\\036' && "
        f"{{ {kubelets} 2>/dev/null || true; }}"
    )


class Standing(StrEnum):
    """Whether there is a cluster, as far as its first control plane can be asked."""

    NONE = "none"
    ANSWERED = "answered"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Nodes:
    """The nodes, and the cluster's certificate authority.

    Args:
        standing: no answer is not the same as no cluster.
        reason: why the cluster cannot be asked; empty unless it is unknown.
        items: the node objects; none unless the cluster answered.
        authority: None: the cluster did not answer, or there is none.
        kubelets: the ConfigMap with the configuration of all kubelets; empty without one.
        network_addons: those of ``NETWORK_ADDONS`` that kubeinstall has put into the cluster.
    """

    standing: Standing = Standing.NONE
    reason: str = ""
    items: tuple[dict[str, Any], ...] = ()
    authority: Authority | None = None
    kubelets: dict[str, Any] = field(default_factory=dict)
    network_addons: frozenset[str] = frozenset()

    @classmethod
    def unknown(cls, reason: str) -> Nodes:
        """A cluster that cannot be asked, and why."""
        return cls(Standing.UNKNOWN, reason)

    @classmethod
    def read(cls, answer: Output) -> Nodes:
        """Read the answer to ``question``.

        Only a host that says so has no cluster: anything that is not understood is unknown.
        """
        if not answer.ok:
            said = (answer.stderr or answer.stdout).split("\n")
            lines = [" ".join(line.split()) for line in said if line.strip()]
            return cls.unknown((lines or [f"kubectl ended with code {answer.exit_code}"])[-1][:300])
        if answer.stdout.strip() == NO_CLUSTER:
            return cls()
        return cls.parse(answer.stdout)

    @classmethod
    def parse(cls, text: str) -> Nodes:
        """Read what the cluster says; what does not fit is an unknown cluster, not none."""
        nodes, ca, maps = (*text.split("\036"), "", "")[:3]
        try:
            items = tuple(json.loads(nodes)["items"])
            listed: list[dict[str, Any]] = json.loads(maps or "{}").get("items", [])
            found = {one["metadata"]["name"]: one for one in listed}
            addons = frozenset(name for name in NETWORK_ADDONS if parent_name(name) in found)
            kubelets = next((found[name] for name in found if name.startswith("kubelet-")), {})
            return cls(Standing.ANSWERED, "", items, authority(ca), kubelets, addons)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return cls.unknown(f"its answer cannot be read ({type(error).__name__})")

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
        """The nodes' names; None: no cluster has answered."""
        if self.standing is not Standing.ANSWERED:
            return None
        return frozenset(node["metadata"]["name"] for node in self.items)

    def node(self, name: str) -> dict[str, Any]:
        """The node of that name; empty where there is none."""
        return next((node for node in self.items if node["metadata"]["name"] == name), {})

    def annotations(self, name: str) -> dict[str, str]:
        """A node's annotations."""
        found: dict[str, str] = self.node(name).get("metadata", {}).get("annotations") or {}
        return found

    @property
    def cordoned(self) -> frozenset[str]:
        """Nodes that we have cordoned."""
        names = [node["metadata"]["name"] for node in self.items]
        return frozenset(name for name in names if CORDONED in self.annotations(name))

    def runtime(self, name: str) -> str:
        """A node's runtime, by kubeadm's note or the kubelet's own word; empty: not known."""
        known = runtime_of(self.annotations(name).get(SOCKET, ""))
        told = self.node(name).get("status", {}).get("nodeInfo", {})
        return known.value if known else told.get("containerRuntimeVersion", "").partition(":")[0]
