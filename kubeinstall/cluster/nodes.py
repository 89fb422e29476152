"""What the cluster itself says of its nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from kubeinstall.cluster.answering import Answering
from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.cluster.joining import CA_COMMAND, TOKENS, Authority, authority
from kubeinstall.cluster.node import Node, is_texts, parsed
from kubeinstall.cluster.settings import KUBEADM, PROXY, Settings
from kubeinstall.engine.types import Output
from kubeinstall.facts.addons import PREFIX
from kubeinstall.facts.kubeadm import ADMIN
from kubeinstall.facts.values import document
from kubeinstall.files.kubelet import SharedConfig, config_map
from kubeinstall.operations.nodes import NOTES
from kubeinstall.releases import Version

if TYPE_CHECKING:
    from kubeinstall.engine.session import Session

NETWORK_ADDONS = ("flannel", "calico", "calico-operator", "canal")
"""The addons that are pod networks; the inventory chooses at most one."""
NO_CLUSTER = "no cluster"
"""The answer of a host on which nothing of a control plane is."""
_TRACES = (
    ADMIN,
    "/etc/kubernetes/manifests/kube-apiserver.yaml",
    "/var/lib/etcd/member",
)
"""With one of these there is a cluster, or the beginning of one, whoever answers."""


_SECONDS = 40
_MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
# The API server's image tells its version without a start of kubectl, unless it has another tag.
_VERSION = f"""\
said=$(sed -n 's|^ *image: .*/kube-apiserver:\\(v[0-9.]*\\)$|\\1|p' {_MANIFEST} 2>/dev/null)
if [ "$said" ]; then printf '{{"gitVersion": "%s"}}' "$said"
else {KUBECTL} get --raw /version 2>/dev/null; fi"""
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
        f"{{ {maps} 2>/dev/null; printf '\\036'; {_VERSION}; "
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
        items: the nodes; none unless the cluster answered.
        authority: None: the cluster did not answer, or there is none.
        kubelets: the configuration of all kubelets; None: the cluster has none.
        network_addons: those of ``NETWORK_ADDONS`` that kubeinstall has put into the cluster.
        settings: what the cluster was made with.
        left_tokens: a run that was killed has left a token to join with.
        owned: what is noted of each node's labels and taints; None: nothing was ever noted.
    """

    standing: Standing = Standing.NONE
    reason: str = ""
    host: str = ""
    items: tuple[Node, ...] = ()
    authority: Authority | None = None
    kubelets: SharedConfig | None = None
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
            items = parsed(document(nodes)["items"])
            listed = [_object(one) for one in document(maps.strip() or "{}").get("items", [])]
            found = {one["metadata"]["name"]: one for one in listed if one}
            addons = frozenset(name for name in NETWORK_ADDONS if PREFIX + name in found)
            shared = next((found[name] for name in found if name.startswith("kubelet-")), None)
            settings = Settings.parse(found, version, cni, size)
            left = bool(tokens.strip())
            return cls(
                Standing.ANSWERED,
                "",
                host,
                items,
                authority(ca),
                SharedConfig.parse(shared) if shared else None,
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
        return {node.name: node.pod_cidr for node in self.items if node.pod_cidr}

    @property
    def addresses(self) -> dict[str, IPv4Address]:
        """Node name to the IPv4 address that the cluster knows it by: the first internal one."""
        return {node.name: node.address for node in self.items if node.address}

    @property
    def names(self) -> frozenset[str] | None:
        """The nodes' names; None: no cluster has answered."""
        if self.standing is not Standing.ANSWERED:
            return None
        return frozenset(node.name for node in self.items)

    @property
    def control_planes(self) -> tuple[Node, ...]:
        """The nodes that kubeadm has made control planes."""
        return tuple(node for node in self.items if node.is_control_plane)

    def node(self, name: str) -> Node | None:
        """The node of that name; None: there is none."""
        return next((node for node in self.items if node.name == name), None)

    def fault(self, name: str) -> str:
        """What a node reports and is not of the form it should have; empty: nothing."""
        node = self.node(name)
        return node.faults[0] if node and node.faults else ""


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
    return notes if is_texts(notes) else {}


def _object(item: Any) -> dict[str, Any] | None:
    """An object whose parts have the types they should have; None: it is no object."""
    if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict):
        return None
    metadata = item["metadata"]
    texts = [metadata.get(key) or {} for key in ("labels", "annotations")]
    if not isinstance(metadata.get("name"), str) or not all(map(is_texts, texts)):
        return None
    return item
