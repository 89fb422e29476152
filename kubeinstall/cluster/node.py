"""A node of the cluster, parsed once: nothing it reports is used in another form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any, TypeVar

from kubeinstall.facts.values import dns_name, ip, ipv4, ipv4_network, line, shown, word
from kubeinstall.files.kubelet import runtime_of
from kubeinstall.operations.nodes import CORDONED, Taint
from kubeinstall.releases import Version, version_in

CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
"""Labels that kubeadm gives a control plane, and before 1.24 gave it; kubelets may not set them."""
SOCKET = "kubeadm.alpha.kubernetes.io/cri-socket"
"""kubeadm's annotation with the socket of the node's runtime."""
HOSTNAME = "kubernetes.io/hostname"
"""The label that pods are placed by."""
_ROLE = "node-role.kubernetes.io/"
_T = TypeVar("_T")
_Json = Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """A condition of a node, as its kubelet or the node controller reports it.

    Args:
        status: ``True``, ``False`` or ``Unknown``; empty: it is not reported.
    """

    status: str = ""
    reason: str = ""
    message: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is surely so."""
        return self.status == "True"


@dataclass(frozen=True)
class Node:
    """A node. What does not fit its type is not known.

    Args:
        version: of its kubelet.
        roles: by its labels, e.g. ``control-plane``.
        runtime: the name of its container runtime, by kubeadm's note or the kubelet's own word.
        runtime_version: the runtime and its version in the kubelet's words, e.g.
            ``containerd://2.1.4``.
        address: the first internal IPv4 address.
        pod_cidr: its share of the pod network.
        conditions: by their type.
        unschedulable: it is cordoned.
        faults: what it reports and is not of the form it should have.
    """

    name: str
    version: Version | None = None
    roles: frozenset[str] = frozenset()
    runtime: str = ""
    runtime_version: str = ""
    address: IPv4Address | None = None
    pod_cidr: IPv4Network | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    unschedulable: bool = False
    faults: tuple[str, ...] = ()

    @classmethod
    def parse(cls, item: object) -> Node | None:
        """Read a node object; None: it is no node, or its name is none."""
        if not isinstance(item, dict):
            return None
        metadata, spec, status = (item.get(part) or {} for part in ("metadata", "spec", "status"))
        if not all(isinstance(part, dict) for part in (metadata, spec, status)):
            return None
        labels, annotations = (metadata.get(part) or {} for part in ("labels", "annotations"))
        info, taints = status.get("nodeInfo") or {}, spec.get("taints") or []
        if not (is_texts(labels) and is_texts(annotations) and isinstance(info, dict)):
            return None
        if not (isinstance(taints, list) and all(map(_is_taint, taints))):
            return None
        name = _good(dns_name, _text(metadata.get("name")))
        if name is None:
            return None
        (share, fault), (address, wrong) = _read(_share, spec), _read(_address, status)
        runtime = str(info.get("containerRuntimeVersion") or "")
        return cls(
            name=name,
            version=_good(version_in, str(info.get("kubeletVersion") or "")),
            roles=frozenset(k.removeprefix(_ROLE) for k in labels if k.startswith(_ROLE)),
            runtime=_runtime(annotations, runtime),
            runtime_version=_good(line, runtime) or "",
            address=address,
            pod_cidr=share,
            labels=labels,
            annotations=annotations,
            taints=tuple(Taint(t["key"], t["effect"], t.get("value", "")) for t in taints),
            conditions=_conditions(status.get("conditions")),
            unschedulable=bool(spec.get("unschedulable")),
            faults=tuple(filter(None, (fault, wrong))),
        )

    @property
    def is_control_plane(self) -> bool:
        """Whether kubeadm has made it a control plane."""
        return any(label in self.labels for label in CONTROL_PLANE)

    @property
    def is_ready(self) -> bool:
        """Whether its kubelet reports that it can run pods."""
        return self.condition("Ready").holds

    @property
    def is_cordoned_by_us(self) -> bool:
        """Whether kubeinstall has cordoned it, and should uncordon it."""
        return CORDONED in self.annotations

    @property
    def hostname(self) -> str:
        """The name that pods are placed by; empty where its label can be none."""
        return _good(word, self.labels.get(HOSTNAME, "")) or ""

    def condition(self, kind: str) -> Condition:
        """Its condition of that type; one without a status if it has none."""
        return self.conditions.get(kind, Condition())


def parsed(items: Iterable[object]) -> tuple[Node, ...]:
    """The nodes among objects, the first of each name; what is no node is left out."""
    found: dict[str, Node] = {}
    for node in map(Node.parse, items):
        if node:
            found.setdefault(node.name, node)
    return tuple(found.values())


def is_texts(value: object) -> bool:
    """Whether it maps texts to texts."""
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_taint(value: object) -> bool:
    return isinstance(value, dict) and is_texts(value) and {"key", "effect"} <= value.keys()


def _conditions(found: object) -> dict[str, Condition]:
    """By type, the first condition of each."""
    result: dict[str, Condition] = {}
    for one in found if isinstance(found, list) else []:
        if isinstance(one, dict):
            kind, *rest = (_text(one.get(k)) for k in ("type", "status", "reason", "message"))
            result.setdefault(kind, Condition(*rest))
    return result


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _runtime(annotations: Mapping[str, str], reported: str) -> str:
    """The name of its runtime; empty: not known."""
    known = runtime_of(annotations.get(SOCKET, ""))
    return known.value if known else _good(word, reported.partition(":")[0]) or ""


def _good(read: Callable[[str], _T], text: str) -> _T | None:
    """A value of the form it should have; None: it has another one."""
    try:
        return read(text)
    except ValueError:
        return None


def _read(read: Callable[[_Json], _T | None], part: _Json) -> tuple[_T | None, str]:
    """What a part of a node says, and what is wrong with it."""
    try:
        return read(part), ""
    except ValueError as error:
        return None, str(error)


def _share(spec: _Json) -> IPv4Network | None:
    """A node's share of the pod network; None: it has none yet.

    Raises:
        ValueError: what it has is no network.
    """
    said = spec.get("podCIDR")
    try:
        return ipv4_network(said) if said else None
    except ValueError:
        raise ValueError(f"its podCIDR is {shown(said)}") from None


def _address(status: _Json) -> IPv4Address | None:
    """A node's first internal IPv4 address; None: it has not reported one.

    Raises:
        ValueError: what it reports is no address.
    """
    reported = status.get("addresses") or []
    if not isinstance(reported, list):
        raise ValueError(f"its addresses are {shown(reported)}")
    for one in reported:
        if not isinstance(one, dict) or one.get("type") != "InternalIP":
            continue
        said = one.get("address")
        if _is_ipv6(said):
            continue
        try:
            return ipv4(said)
        except ValueError:
            raise ValueError(f"its InternalIP is {shown(said)}") from None
    return None


def _is_ipv6(text: object) -> bool:
    try:
        return ip(text).version == 6
    except ValueError:
        return False
