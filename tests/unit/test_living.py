"""The running cluster against the inventory: what is refused, reported and kept."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kubeinstall.cluster.nodes import Nodes
from kubeinstall.cluster.on_disk import OnDisk
from kubeinstall.files import firewall as firewall_files
from kubeinstall.files import hosts as host_files
from kubeinstall.files.network import routes, script
from kubeinstall.files.proxy import no_proxy
from kubeinstall.findings import Finding, Kind
from kubeinstall.inventory.model import Cluster, OtherNode, Role
from kubeinstall.operations.names import with_names
from kubeinstall.phases import connect, reset
from kubeinstall.preflight import running_cluster as living
from kubeinstall.run.phases import PHASES
from kubeinstall.run.runner import execute
from kubeinstall.run.selection import pick
from tests.unit.certificates import certificate
from tests.unit.clusters import cluster, host
from tests.unit.played_cluster import answering, node, nodes_of, told
from tests.unit.played_session import Memory, PlayedSession, played_run

pytestmark = pytest.mark.unit

MADE = cluster()
NEWER = cluster(version="1.36.3")


def compared(wanted: Cluster, said: str) -> living.Compared:
    """What a cluster that answers makes of an inventory."""
    return living.of_cluster(wanted, Nodes.parse(said, "cp1"), wanted.hosts)


def errors(wanted: Cluster, said: str) -> list[Finding]:
    found = compared(wanted, said)
    return [*found.stops, *found.out.values()]


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def on_disk(
    name: str,
    package: str = "1.36.2-1.1",
    *,
    image: str = "",
    role: str = "",
    cni: str = "10-kubeinstall.conflist",
) -> str:
    """What a host that is a node says of itself."""
    pem = certificate(f"system:node:{name}").public_bytes(Encoding.PEM).decode()
    return "\036".join(("node\n", pem, package, role, image, cni))


DISKS = {
    "cp1": on_disk("cp1", image="registry.k8s.io/kube-apiserver:v1.36.2\n", role="control-plane\n"),
    "w1": on_disk("w1"),
    "w2": on_disk("w2"),
}


def started(
    wanted: Cluster, said: str = "", *, disks: dict[str, str] | None = None, **more: Any
) -> tuple[int, PlayedSession, Memory]:
    """A run of phases chosen with ``only`` or ``limit``."""
    only_, limit = more.pop("only", ()), more.pop("limit", None)
    run, session, memory = played_run(wanted, answer=answering(wanted, said, disks), **more)
    run.limit = limit
    return execute(run, pick(PHASES, only=only_)), session, memory


def test_a_cluster_that_is_the_inventorys_has_no_findings() -> None:
    assert compared(MADE, told(MADE)) == living.Compared()


@pytest.mark.parametrize("version", ["1.36.3", "1.36.1", "1.35.7", "1.37.0", "1.20.2"])
def test_another_version_is_refused_up_and_down(version: str) -> None:
    wanted = cluster(version=version)
    found = only(errors(wanted, told(MADE)))
    assert found.kind is Kind.PREFLIGHT
    assert found.where == "cp1, w1, w2"
    assert "runs Kubernetes 1.36.2" in found.what
    assert f"says {version}" in found.what
    assert "back to 1.36.2" in found.next
    assert "kubeadm-upgrade" in found.next


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize("phases", [(), ("packages",), ("hosts",), ("smoke",)])
@pytest.mark.parametrize("limit", [None, frozenset({"w1"})])
def test_no_choice_of_phases_or_hosts_gets_round_the_version(
    dry: bool, phases: tuple[str, ...], limit: frozenset[str] | None
) -> None:
    code, session, memory = started(NEWER, told(MADE), only=phases, limit=limit, dry=dry)
    assert code == Kind.PREFLIGHT
    assert session.rounds == []
    assert memory.phases == ["connect"]
    assert "the cluster runs Kubernetes 1.36.2" in only(memory.errors).what


@pytest.mark.parametrize("limit", [None, frozenset({"w1"})])
def test_without_an_answer_the_version_is_read_from_the_disks(
    limit: frozenset[str] | None,
) -> None:
    code, session, memory = started(NEWER, disks=DISKS, limit=limit, only=("packages",))
    assert code == Kind.PREFLIGHT
    assert session.rounds == []
    assert "the cluster runs Kubernetes 1.36.2" in memory.errors[0].what


def test_without_the_control_plane_a_worker_has_its_packages_version() -> None:
    """Its host is out: nothing but the packages of the workers tells."""
    _, session, memory = started(NEWER, disks=DISKS, unreachable=["cp1"], only=("packages",))
    assert [names for _, names, _ in session.rounds if names] == []
    assert "its kubelet is 1.36.2, but the inventory says 1.36.3" in memory.out["w1"].what


def test_hosts_that_are_no_nodes_yet_may_have_any_version() -> None:
    """An init that was cut off before the API server came up is begun again with another one."""
    code, session, _ = started(NEWER, disks={}, only=("packages",))
    assert code == 0
    assert session.rounds == [("packages", ["cp1", "w1", "w2"], False)]


def test_packages_of_another_version_go_back_to_the_clusters() -> None:
    disks = {**DISKS, "w1": on_disk("w1", "1.36.3-1.1")}
    code, session, _ = started(MADE, disks=disks, only=("packages",))
    assert code == 0
    assert session.rounds == [("packages", ["cp1", "w1", "w2"], False)]


def test_a_single_node_of_another_version_is_left_out() -> None:
    nodes = [*nodes_of(MADE)[:2], node("w2", "10.0.0.12", version="1.35.9")]
    code, session, memory = started(MADE, told(MADE, nodes), only=("packages",))
    assert code == Kind.PREFLIGHT
    assert session.rounds == [("packages", ["cp1", "w1"], False)]
    assert memory.out["w2"].what == "its kubelet is 1.35.9, but the inventory says 1.36.2"


def test_a_host_that_is_off_stops_nobody_by_its_old_version() -> None:
    nodes = [*nodes_of(MADE)[:2], node("w2", "10.0.0.12", version="1.35.9", ready=False)]
    _, session, memory = started(MADE, told(MADE, nodes), only=("packages",), unreachable=["w2"])
    assert session.rounds == [("packages", ["cp1", "w1"], False)]
    assert memory.out["w2"].kind is Kind.CONNECT


def test_vendors_endings_do_not_make_another_version() -> None:
    nodes = [node(h.hostname, h.node_ip, version="1.36.2+k3s1") for h in MADE.hosts]
    assert errors(MADE, told(MADE, nodes, version="1.36.2-debian")) == []


def test_reset_is_not_refused() -> None:
    run, session, _ = played_run(NEWER, answer=answering(NEWER, told(MADE)))
    assert execute(run, reset.PHASES) == 0
    assert len(session.rounds) == 2


def renamed(name: str, hostname: str) -> Cluster:
    hosts = [
        h.model_copy(update={"hostname": hostname}) if h.name == name else h for h in MADE.hosts
    ]
    return Cluster(spec=MADE.spec, hosts=tuple(hosts))


@pytest.mark.parametrize("name", ["cp1", "w1"])
def test_a_renamed_host_would_join_twice(name: str) -> None:
    found = only(errors(renamed(name, "other"), told(MADE)))
    assert found.where == name
    assert found.what == f"in the cluster it is node {name}, but the inventory calls it other"


def test_a_renamed_host_is_known_by_its_certificate_too() -> None:
    code, session, memory = started(renamed("w1", "other"), disks=DISKS, only=("hosts",))
    assert code == Kind.PREFLIGHT
    assert session.rounds == []
    assert "in the cluster it is node w1" in only(memory.errors).what


def test_a_renamed_host_keeps_its_routes_on_the_others() -> None:
    """Nothing is done at all: the others would lose the way to its pods."""
    code, session, memory = started(renamed("w1", "other"), told(MADE), only=("hosts",))
    assert code == Kind.PREFLIGHT
    assert session.rounds == []
    assert [one.where for one in memory.errors] == ["w1"]


def swapped() -> Cluster:
    """cp1 and w1 in each other's group."""
    new = [host("w1", Role.CONTROL_PLANE, 11), host("cp1", Role.WORKER, 10)]
    return Cluster(spec=MADE.spec, hosts=(*new, host("w2", Role.WORKER, 12)))


def test_a_host_does_not_change_its_role() -> None:
    code, session, memory = started(swapped(), disks=DISKS)
    assert code == Kind.PREFLIGHT
    assert session.rounds == []
    assert {f.where: f.what for f in memory.errors} == {
        "w1": "it is a worker in the cluster, but a control plane node in the inventory",
        "cp1": "it is a control plane node in the cluster, but a worker in the inventory",
    }


def test_a_control_plane_among_the_workers_is_refused() -> None:
    nodes = nodes_of(MADE)
    nodes[1] = node("w1", "10.0.0.11", labels=["node-role.kubernetes.io/master"])
    found = only(errors(MADE, told(MADE, nodes)))
    assert found.what == (
        "it is a control plane node in the cluster, but a worker in the inventory"
    )


def test_a_workers_own_label_is_no_role() -> None:
    label = {"node-role.kubernetes.io/control-plane": ""}
    hosts = [h.model_copy(update={"labels": label}) if h.name == "w1" else h for h in MADE.hosts]
    nodes = nodes_of(MADE)
    nodes[1] = node("w1", "10.0.0.11", labels=label)
    assert errors(Cluster(spec=MADE.spec, hosts=tuple(hosts)), told(MADE, nodes)) == []


# -- nodes that live without a host in the inventory ---------------------------------------------

FEWER = cluster(workers=1)


def lives(*nodes: dict[str, Any]) -> tuple[Cluster, list[Finding]]:
    """The cluster of an inventory without w2 beside these nodes, and its warnings."""
    said = Nodes.parse(told(FEWER, [*nodes_of(FEWER), *nodes]), "cp1")
    others = living.others(FEWER, said)
    found = living.of_cluster(FEWER, said, FEWER.hosts)
    assert not (found.stops or found.out)
    assert all(one.severity == "warning" for one in found.warnings)
    return FEWER.with_others(others), list(found.warnings)


W2 = node("w2", "10.0.0.12", "10.244.2.0/24")


def test_a_worker_that_is_no_longer_in_the_inventory_keeps_what_it_needs() -> None:
    kept, found = lives(W2)
    assert kept.others == (
        OtherNode(name="w2", node_ip="10.0.0.12", pod_cidr=IPv4Network("10.244.2.0/24")),
    )
    warning = only(found)
    assert "w2 (Ready) that is not in the inventory" in warning.what
    assert "kubectl drain w2" in warning.next
    assert "kubectl delete node w2" in warning.next
    assert firewall_files.openings(kept, kept.hosts[0]) == firewall_files.openings(
        MADE, MADE.hosts[0]
    )
    assert {"10.0.0.12", "w2"} <= set(no_proxy(kept, nodes=True))
    before = with_names("127.0.0.1 localhost\n", host_files.addresses(MADE))
    now = with_names(before, host_files.addresses(kept), host_files.kept_addresses(kept))
    assert sorted(now.splitlines()) == sorted(before.splitlines())


def test_its_route_stays_as_it_was() -> None:
    kept, _ = lives(W2)
    shares = Nodes.parse(told(MADE), "cp1").pod_cidrs
    wanted = routes("cp1", shares, {one.hostname: one.node_ip for one in kept.members})
    before = routes("cp1", shares, {one.hostname: one.node_ip for one in MADE.hosts})
    assert wanted == before
    assert script(kept, wanted) == script(MADE, before)


def test_a_run_goes_on_beside_it_and_says_so() -> None:
    nodes = [*nodes_of(FEWER), W2]
    code, session, memory = started(FEWER, told(FEWER, nodes), only=("hosts", "network"))
    assert code == 0
    assert session.rounds[0][0] == "hosts"
    assert session.cluster.others[0].name == "w2"
    assert "w2" in only(memory.findings).what


def test_a_line_is_kept_and_never_made() -> None:
    """A node is called as whoever has a token wants: it names nothing new on other hosts."""
    kept, _ = lives(node("mirror.example.org", "10.0.0.66", "10.244.9.0/24"))
    text = with_names("", host_files.addresses(kept), host_files.kept_addresses(kept))
    assert "mirror.example.org" not in text


def test_a_line_that_gives_another_address_is_not_kept() -> None:
    before = with_names("", {"w2": "10.0.0.12", "also": "10.0.0.12", "cp1": "10.0.0.10"})
    moved = with_names(before, {"cp1": "10.0.0.10"}, {"w2": "10.0.0.99"})
    assert "w2" not in moved
    stays = with_names(before, {"cp1": "10.0.0.10"}, {"w2": "10.0.0.12"})
    assert "10.0.0.12 w2 also" in stays.splitlines()


HOSTILE = (
    "10.0.0.12; reboot",
    "$(reboot)",
    "",
    "fd00::1",
    "0.0.0.0",
    "127.0.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "10.0.0.012",
    "10.0.0.12/24",
    "10.0.0.11",  # the inventory's w1
    "10.244.0.7",  # a pod's
    "10.96.0.10",  # a service's
)


@pytest.mark.parametrize("address", HOSTILE)
def test_an_address_that_is_not_its_own_gets_nothing(address: str) -> None:
    kept, found = lives(node("w2", address, "10.244.2.0/24"))
    assert kept.others == ()
    assert "the hosts have no route or rule for it" in only(found).why


@pytest.mark.parametrize(
    "share",
    [
        "0.0.0.0/0",
        "10.0.0.0/24",
        "10.244.0.0/16",
        "10.244.1.0/24",  # w1's
        "10.244.1.128/25",
        "10.244.2.1/24",
        "10.244.2.0/24; reboot",
        "fd00::/64",
    ],
)
def test_a_share_that_is_not_its_own_gets_no_route(share: str) -> None:
    kept, _ = lives(node("w2", "10.0.0.12", share))
    assert kept.others[0].pod_cidr is None


def test_a_name_that_is_none_gets_nothing() -> None:
    kept, found = lives(node("w2 evil\x1b]52;", "10.0.0.12", "10.244.2.0/24"))
    assert kept.others == ()
    assert found == []


def test_a_leftover_of_a_host_that_joined_twice_is_reported() -> None:
    kept, found = lives(node("old", "10.0.0.11", "10.244.7.0/24", ready=False))
    assert kept.others == ()
    assert "old (not Ready)" in only(found).what


def test_a_control_plane_beside_the_inventory_reaches_etcd() -> None:
    role = "node-role.kubernetes.io/control-plane"
    kept, _ = lives(node("cp2", "10.0.0.20", labels=[role]))
    openings = firewall_files.openings(kept, kept.hosts[0])
    assert ("2379:2380", "10.0.0.20") in {(one.ports, one.source) for one in openings}


# -- what a host has on its disk -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("node", OnDisk()),
        (on_disk("w1; reboot", ""), OnDisk(cni=frozenset({"10-kubeinstall.conflist"}))),
        ("node\036no pem\036one.two\036\036:latest\036", OnDisk()),
        ("node\036\0361:1.36.2-00\036\036\036", OnDisk(kubelet=MADE.version)),
        (
            "node\036\036\036control-plane\n\03610.0.0.2:5000/kube-apiserver:v1.36.2@sha256:00\036",
            OnDisk(control_plane=True, api_server=MADE.version),
        ),
        ("nodes\036", None),
    ],
)
def test_what_a_disk_says(text: str, expected: OnDisk | None) -> None:
    assert OnDisk.parse(text) == expected


def test_junk_from_the_control_plane_refuses_nothing_and_breaks_nothing() -> None:
    parts = told(MADE).split("\036")
    for junk in ("", "{", "[]", '{"gitVersion": 7}', json.dumps({"gitVersion": "v1.36"})):
        said = "\036".join([*parts[:3], junk, "\x1b[31m"])
        assert errors(MADE, said) == []


def test_the_guard_asks_hosts_that_answer_only_once() -> None:
    """A converged cluster costs no further round trip: the nodes were asked for anyway."""
    run, session, _ = played_run(MADE, answer=answering(MADE, told(MADE)))
    session.connect()
    connect.compare(run)
    run.nodes()
    assert [name for name, _ in session.asked] == ["cp1"]
