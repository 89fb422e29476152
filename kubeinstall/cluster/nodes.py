"""What the cluster itself says of its nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any, TypeVar

from kubeinstall.cluster.answering import Answering
from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.cluster.joining import CA_COMMAND, TOKENS, Authority, authority
from kubeinstall.cluster.settings import KUBEADM, PROXY, Settings
from kubeinstall.engine.types import Output
from kubeinstall.facts.addons import PREFIX
from kubeinstall.facts.kubeadm import ADMIN
from kubeinstall.facts.values import dns_name, document, ip, ipv4, ipv4_network, shown, word
from kubeinstall.files.kubelet import config_map, runtime_of
from kubeinstall.operations.nodes import CORDONED, NOTES
from kubeinstall.releases import Version

if TYPE_CHECKING:
    from kubeinstall.engine.session import Session

_T = TypeVar("_T")

NETWORK_ADDONS = ("flannel", "calico", "calico-operator", "canal")
"""The addons that are pod networks; the inventory chooses at most one."""
SOCKET = "kubeadm.alpha.kubernetes.io/cri-socket"
"""kubeadm's annotation with the socket of the node's runtime."""


NO_CLUSTER = "no cluster"
"""The answer of a host on which nothing of a control plane is."""
_TRACES = (
    ADMIN,
    "/etc/kubernetes/manifests/kube-apiserver.yaml",
    "/var/lib/etcd/member",
)
"""With one of these there is a cluster, or the beginning of one, whoever answers."""


_SECONDS = 40
_CALICO = "/etc/cni/net.d/10-calico.conflist"
_POOL = (
    f"{KUBECTL} get ippools.crd.projectcalico.org default-ipv4-ippool"
    " -o 'jsonpath={.spec.blockSize}'"
)
"""Asked only where Calico is: where it is not, the API server would be searched for the kind."""


def question(version: Version) -> str:
    """What is asked of a control plane; ``Nodes.read`` reads the answer."""
    own = (config_map(version), KUBEADM, PROXY, NOTES)
    names = " ".join([*own, *(PREFIX + name for name in NETWORK_ADDONS)])
    maps = f"{KUBECTL} -n kube-system get configmap {names} --ignore-not-found -o json"
    traces = " || ".join(f"[ -e {path} ]" for path in _TRACES)
    return (
        f"{traces} || {{ printf '{NO_CLUSTER}'; exit 0; }}\n"
        f"{KUBECTL} get nodes -o json && printf '\\036' && {CA_COMMAND} && printf '\\036' && "
        f"{{ {maps} 2>/dev/null; printf '\\036'; {KUBECTL} get --raw /version 2>/dev/null; "
        "printf '\\036'; ls /etc/cni/net.d 2>/dev/null; printf '\\036'; "
        f"! [ -e {_CALICO} ] || {_POOL} 2>/dev/null; printf '\\036'; "
        f"{KUBECTL} {TOKENS} 2>/dev/null; true; }}"
    )


class Standing(StrEnum):
    """Whether there is a cluster, as far as its control planes can be asked."""

    NONE = "none"
    ANSWERED = "answered"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Nodes:
    """The nodes, and the cluster's certificate authority.

    Args:
        standing: no answer is not the same as no cluster.
        host: the control plane that was asked.
        reason: why the cluster cannot be asked; empty unless it is unknown.
        items: the node objects; none unless the cluster answered.
        authority: None: the cluster did not answer, or there is none.
        kubelets: the ConfigMap with the configuration of all kubelets; empty without one.
        network_addons: those of ``NETWORK_ADDONS`` that kubeinstall has put into the cluster.
        settings: what the cluster was made with.
        left_tokens: a run that was killed has left a token to join with.
        owned: what is noted of each node's labels and taints; None: nothing was ever noted.
    """

    standing: Standing = Standing.NONE
    reason: str = ""
    host: str = ""
    items: tuple[dict[str, Any], ...] = ()
    authority: Authority | None = None
    kubelets: dict[str, Any] = field(default_factory=dict)
    network_addons: frozenset[str] = frozenset()
    settings: Settings = field(default_factory=Settings)
    left_tokens: bool = False
    owned: dict[str, str] | None = None

    @classmethod
    def unknown(cls, reason: str, host: str) -> Nodes:
        """A cluster that cannot be asked, and why."""
        return cls(Standing.UNKNOWN, reason, host)

    @classmethod
    def read(cls, answer: Output, host: str) -> Nodes:
        """Read the answer to ``question``, which ``host`` gave.

        Only a host that says so has no cluster: anything that is not understood is unknown.
        """
        if not answer.ok:
            said = (answer.stderr or answer.stdout).split("\n")
            lines = [" ".join(line.split()) for line in said if line.strip()]
            return cls.unknown(
                (lines or [f"kubectl exited with code {answer.exit_code}"])[-1][:300], host
            )
        if answer.stdout.strip() == NO_CLUSTER:
            return cls(host=host)
        return cls.parse(answer.stdout, host)

    @classmethod
    def parse(cls, text: str, host: str) -> Nodes:
        """Read what the cluster says; what does not fit is an unknown cluster, not none."""
        nodes, ca, maps, version, cni, size, tokens = (*text.split("\036"), *[""] * 6)[:7]
        try:
            items = tuple(filter(None, map(_node, document(nodes)["items"])))
            listed = [_object(one) for one in document(maps.strip() or "{}").get("items", [])]
            found = {one["metadata"]["name"]: one for one in listed if one}
            addons = frozenset(name for name in NETWORK_ADDONS if PREFIX + name in found)
            kubelets = next((found[name] for name in found if name.startswith("kubelet-")), {})
            settings = Settings.parse(found, version, cni, size)
            left = bool(tokens.strip())
            return cls(
                Standing.ANSWERED,
                "",
                host,
                items,
                authority(ca),
                kubelets,
                addons,
                settings,
                left,
                _notes(found),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return cls.unknown(f"its answer cannot be read ({type(error).__name__})", host)

    @property
    def pod_cidrs(self) -> dict[str, IPv4Network]:
        """Node name to its share of the pod network, for nodes that have got one."""
        return {name: cidr for name in self._each if (cidr := _good(_share, self.node(name)))}

    @property
    def addresses(self) -> dict[str, IPv4Address]:
        """Node name to the IPv4 address that the cluster knows it by: the first internal one."""
        found = {name: _good(_address, self.node(name)) for name in self._each}
        return {name: address for name, address in found.items() if address}

    def fault(self, name: str) -> str:
        """What a node says of itself and is not of the form it should have; empty: nothing."""
        for read in (_share, _address):
            try:
                read(self.node(name))
            except ValueError as error:
                return str(error)
        return ""

    @property
    def _each(self) -> tuple[str, ...]:
        return tuple(node["metadata"]["name"] for node in self.items)

    @property
    def names(self) -> frozenset[str] | None:
        """The nodes' names; None: no cluster has answered."""
        if self.standing is not Standing.ANSWERED:
            return None
        return frozenset(self._each)

    def node(self, name: str) -> dict[str, Any]:
        """The node of that name; empty where there is none."""
        return next((node for node in self.items if node["metadata"]["name"] == name), {})

    def annotations(self, name: str) -> dict[str, str]:
        """A node's annotations."""
        found = self.node(name).get("metadata", {}).get("annotations") or {}
        return {str(key): str(value) for key, value in found.items()}

    @property
    def cordoned(self) -> frozenset[str]:
        """Nodes that we have cordoned."""
        return frozenset(name for name in self._each if CORDONED in self.annotations(name))

    def runtime(self, name: str) -> str:
        """A node's runtime, by kubeadm's note or the kubelet's own word; empty: not known."""
        known = runtime_of(self.annotations(name).get(SOCKET, ""))
        if known:
            return known.value
        told = (self.node(name).get("status", {}).get("nodeInfo") or {}).get(
            "containerRuntimeVersion"
        )
        try:
            return word(str(told or "").partition(":")[0])
        except ValueError:
            return ""


def ask(session: Session, answering: Answering) -> Nodes:
    """What the cluster says, by the control plane that answers.

    If that is none, each control plane is asked whether it has a cluster that does not answer.

    Raises:
        KubeinstallError: the connection is lost, or there was no answer in time.
    """
    script = question(session.cluster.version)
    if not answering.usable:
        return Nodes.unknown(f"{answering.host()} cannot be used", answering.host())
    answer = answering.ask(script, timeout=_SECONDS)
    found = Nodes.read(answer.output, answer.host)
    others = [name for name in answering.usable if name != answer.host]
    if found.standing is Standing.ANSWERED or not others:
        return found
    said = session.ask_all(dict.fromkeys(others, script), timeout=_SECONDS)
    return best([found, *(Nodes.read(output, name) for name, output in said.items())])


def best(found: Iterable[Nodes]) -> Nodes:
    """Of what control planes say: an answer; else a cluster without one; else that there is none.

    So a control plane that was installed again is not taken for a cluster that was never created.
    """
    order = (Standing.ANSWERED, Standing.UNKNOWN, Standing.NONE)
    return min(found, key=lambda one: order.index(one.standing))


def _notes(found: dict[str, dict[str, Any]]) -> dict[str, str] | None:
    """What is noted of nodes in kube-system; None: there is no such ConfigMap."""
    if NOTES not in found:
        return None
    notes = found[NOTES].get("data") or {}
    return notes if _is_texts(notes) else {}


def _good(read: Callable[[dict[str, Any]], _T | None], node: dict[str, Any]) -> _T | None:
    """What a node says of itself; None where it has not the form it should have."""
    try:
        return read(node)
    except ValueError:
        return None


def _object(item: Any) -> dict[str, Any] | None:
    """An object whose parts have the types they should have; None: it is no object."""
    if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict):
        return None
    metadata = item["metadata"]
    texts = [metadata.get(key) or {} for key in ("labels", "annotations")]
    if not isinstance(metadata.get("name"), str) or not all(map(_is_texts, texts)):
        return None
    return item


def _is_texts(value: Any) -> bool:
    """Whether it maps texts to texts."""
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _node(item: Any) -> dict[str, Any] | None:
    """A node whose name is one; None: it is no node."""
    node = _object(item)
    if node is None:
        return None
    spec, status = (node.get(part) or {} for part in ("spec", "status"))
    if not isinstance(spec, dict) or not isinstance(status, dict):
        return None
    taints = spec.get("taints") or []
    typed = isinstance(taints, list) and all(
        _is_texts(taint) and {"key", "effect"} <= taint.keys() for taint in taints
    )
    if not typed or not isinstance(status.get("nodeInfo") or {}, dict):
        return None
    try:
        dns_name(node["metadata"]["name"])
    except ValueError:
        return None
    return {**node, "spec": spec, "status": status}


def _share(node: dict[str, Any]) -> IPv4Network | None:
    """A node's share of the pod network; None: it has none yet.

    Raises:
        ValueError: what it has is no network.
    """
    said = node.get("spec", {}).get("podCIDR")
    try:
        return ipv4_network(said) if said else None
    except ValueError:
        raise ValueError(f"its podCIDR is {shown(said)}") from None


def _address(node: dict[str, Any]) -> IPv4Address | None:
    """A node's first internal IPv4 address; None: it has not reported one.

    Raises:
        ValueError: what it reports is no address.
    """
    reported = node.get("status", {}).get("addresses") or []
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
