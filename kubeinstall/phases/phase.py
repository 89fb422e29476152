"""One run over the cluster's hosts: what every phase is handed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from kubeinstall.addons.prepared import Prepared
from kubeinstall.cluster import nodes as cluster_nodes
from kubeinstall.cluster.answering import Answering
from kubeinstall.cluster.kubectl import Kubectl
from kubeinstall.cluster.nodes import Nodes, Standing
from kubeinstall.cluster.rolling import Act, Progress, Rolled, Turn, roll
from kubeinstall.deploys.inputs import Later, SystemInputs
from kubeinstall.engine.session import Session
from kubeinstall.engine.types import Deploys, HostResult
from kubeinstall.facts.identity import SystemState
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster, Host, OtherNode
from kubeinstall.report.reporter import Reporter


class Unasked(KubeinstallError):
    """What a phase has to know of the cluster is not known: its API server does not answer."""


@dataclass
class Run:
    """A run: the cluster, its live connections, and what was found out so far.

    Args:
        dry: change nothing, tell what would be changed.
        limit: names of the hosts to change; None: all.
        smoke: True: run the smoke test; False: do not; None: if anything changed.
        abandoned: addons that may go though volumes are bound which only they can delete.
        packages: a reset removes the Kubernetes packages as well.
    """

    cluster: Cluster
    session: Session
    reporter: Reporter
    dry: bool = False
    limit: frozenset[str] | None = None
    smoke: bool | None = None
    abandoned: frozenset[str] = frozenset()
    packages: bool = False
    changed: bool = False
    phase: str = ""
    out: dict[str, Finding] = field(default_factory=dict)
    """Hosts that are out, and why, in the order it happened."""
    errors: list[Finding] = field(default_factory=list)
    """What else makes the run fail."""
    failed_output: dict[str, str] = field(default_factory=dict)
    """Host to what its failed command printed."""
    phases: frozenset[str] = frozenset()
    """Names of the phases of this run."""
    prefetched: bool = False
    systems: Mapping[str, SystemState] = field(default_factory=dict)
    """Host to its operating system, as preflight found it."""
    shared_machine_ids: Mapping[str, str] = field(default_factory=dict)
    """Host to the machine-id that it shares with another and is to renew."""
    clocks_off: frozenset[str] = frozenset()
    """Hosts whose clock preflight found to be wrong."""
    addons: Prepared | None = None
    """The inventory's addons."""
    answering: Answering = field(init=False)
    """Which control plane is asked."""
    _nodes: Nodes | None = None

    def __post_init__(self) -> None:
        self.answering = Answering(self.session)

    @property
    def kubectl(self) -> Kubectl:
        """kubectl on a control plane that answers."""
        return Kubectl(self.answering, self.phase)

    @property
    def exit_code(self) -> int:
        """0, or the code of the first failure's kind."""
        first = next(iter([*self.out.values(), *self.errors]), None)
        return int(first.kind) if first else 0

    def hosts(self) -> list[Host]:
        """Hosts that are connected and not failed, within the limit, control planes first."""
        alive = set(self.session.alive)
        return [h for h in self.cluster.hosts if h.name in alive and self.selected(h.name)]

    def later(self, *phases: Later) -> frozenset[Later]:
        """Those of these phases whose packages may be installed before they run.

        None in a dry run: a plan lists what a phase installs once, under that phase.
        """
        return frozenset(one for one in phases if one.value in self.phases and not self.dry)

    def inputs(self, host: Host, *later: Later) -> SystemInputs:
        """What a deploy is handed that depends on the host's operating system.

        Args:
            later: phases whose packages it may install, if they are still to come.
        """
        return SystemInputs(
            self.cluster, host, self.systems.get(host.name), later=self.later(*later)
        )

    def selected(self, name: str) -> bool:
        """Whether a host is within the limit."""
        return self.limit is None or name in self.limit

    def control_plane(self) -> str:
        """The control plane on which the run changes what is the whole cluster's.

        Empty: none can be used, or the limit has no control plane.
        """
        within = any(self.selected(host.name) for host in self.cluster.control_planes)
        return self.answering.host() if within and self.answering.usable else ""

    def adopt_node_ips(self, node_ips: Mapping[str, IPv4Address]) -> None:
        """Go on with these node addresses, by host name."""
        self._adopt(self.cluster.with_node_ips(node_ips))

    def admit(self, others: Iterable[OtherNode]) -> None:
        """Go on with these nodes beside the inventory's hosts."""
        self._adopt(self.cluster.with_others(others))

    def _adopt(self, cluster: Cluster) -> None:
        self.cluster = self.session.cluster = cluster

    def forget_nodes(self) -> None:
        """What the cluster says of its nodes may be another now."""
        self._nodes = None

    def nodes(self) -> Nodes:
        """What the cluster says of its nodes; none if there is no cluster.

        Raises:
            Unasked: there is a cluster that cannot be asked.
            KubeinstallError: the connection is lost, or there was no answer in time.
        """
        found = self.asked()
        if found.standing is Standing.UNKNOWN:
            raise Unasked(
                Finding(
                    Kind.CLUSTER,
                    "the nodes of the cluster cannot be listed",
                    (found.host,),
                    found.reason,
                    f"{self.cluster.command('up', '--until', 'control-plane')}, "
                    f"which restores what is missing on {found.host} or reports why it cannot",
                )
            )
        return found

    def asked(self) -> Nodes:
        """The same for who can go on without an answer; asked again only after a change.

        Raises:
            KubeinstallError: the connection is lost, or there was no answer in time.
        """
        if self._nodes is None:
            self._nodes = cluster_nodes.ask(self.session, self.answering)
        return self._nodes

    def failed(self, hosts: Iterable[Host]) -> dict[str, Finding]:
        """By name, those of these hosts that are out, and why."""
        failures = self.session.failures
        return {host.name: failures[host.name] for host in hosts if host.name in failures}

    def roll(
        self,
        turns: Sequence[Turn],
        act: Act,
        told: Callable[[Progress, Host], None],
        batch: int = 1,
    ) -> Rolled:
        """Work on nodes some at a time; who fails is out, and the nodes are asked for again.

        Args:
            act: see ``Act``.
            told: called as it goes on.
            batch: how many hosts at a time.
        """
        if not turns:
            return Rolled()
        try:
            rolled = roll(
                turns,
                act,
                self.kubectl,
                self.nodes,
                out=lambda: self.session.failures,
                told=told,
                batch=batch,
            )
        finally:
            self.forget_nodes()
        for name, finding in rolled.failed.items():
            self.session.fail(name, finding)
        return rolled

    def round(self, phase: str, deploys: Deploys, *, spare: bool = False) -> dict[str, HostResult]:
        """Run deploys on their hosts (or plan them), and remember whether anything changed.

        Args:
            spare: a host stays in though one of its operations failed.
        """
        if not deploys:
            return {}
        results = self.session.round(phase, deploys, dry=self.dry, spare=spare)
        if any(result.changed for result in results.values()):
            self.changed = True
            self.forget_nodes()
        for name, result in results.items():
            if result.failed and not spare:
                self.failed_output[name] = result.failed.output
        return results


@dataclass(frozen=True)
class Phase:
    """One step of a run.

    Args:
        name: how ``--from``, ``--until`` and ``--only`` call it.
        title: what it does, for the heading.
        run: does it.
        deploys: what it deploys where; facts for all such phases are read at once.
        needs_control_plane: it asks the cluster, so it cannot run once every control plane failed.
        planned: a dry run goes through it.
        connects: it is what connects to the hosts, so it needs none to begin.
        asks_why: a host on which an operation failed is asked what its services tell; elsewhere the
            operation's own output says it all.
    """

    name: str
    title: str
    run: Callable[[Run], None]
    deploys: Callable[[Run], Deploys] | None = None
    needs_control_plane: bool = False
    planned: bool = True
    connects: bool = False
    asks_why: bool = False
