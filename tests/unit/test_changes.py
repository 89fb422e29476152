"""Every field of the inventory has a row that says what a change of it does, and a test."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from kubeinstall.addons.objects import parent_name
from kubeinstall.cluster.nodes import NETWORK_ADDONS, Nodes
from kubeinstall.findings import Kind
from kubeinstall.inventory import changes
from kubeinstall.inventory.changes import Effect
from kubeinstall.inventory.model import Cluster, InventoryFile, MachineIds
from kubeinstall.preflight import running_cluster as living
from kubeinstall.preflight.identity import renewed
from kubeinstall.preflight.probe import Probe
from kubeinstall.run.phases import PHASES
from kubeinstall.run.runner import execute
from tests.pages import is_a_test
from tests.unit.clusters import cluster
from tests.unit.played_cluster import answering, told
from tests.unit.played_session import played_run

pytestmark = pytest.mark.unit

ROWS = {path: row for row in changes.FIELDS for path in row.paths}
_LAYERS = (
    "groups.control_plane.hosts.*.",
    "groups.workers.hosts.*.",
    "groups.control_plane.",
    "groups.workers.",
    "defaults.",
)


def fields(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """The paths of a model's fields, down to those that are no models."""
    for name, field in model.model_fields.items():
        below = list(models(field.annotation))
        if not below:
            yield above + name
        for inner, keys in below:
            yield from fields(inner, f"{above}{name}{keys}.")


def models(annotation: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """The models that a type is made of, and ``.*`` where they have keys or places."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ""
        return
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        yield from models(parts[0])
        return
    keys = ".*" if origin in (dict, list, tuple) else ""
    for part in parts:
        for model, more in models(part):
            yield model, keys + more


def of_host(path: str) -> str:
    """``host.`` for what may be set at several places."""
    layer = next((layer for layer in _LAYERS if path.startswith(layer)), "")
    return f"host.{path.removeprefix(layer)}" if layer else path


def test_every_field_of_the_inventory_has_a_row_and_every_row_a_field() -> None:
    found = {of_host(path) for path in fields(InventoryFile)}
    assert len(found) > 100
    assert found == set(ROWS)


def test_no_field_has_two_rows() -> None:
    assert sum(len(row.paths) for row in changes.FIELDS) == len(ROWS)


def test_a_title_that_is_a_sentence_stays_one() -> None:
    assert all(len(row.paths) == 1 for row in (*changes.MEMBERS, *changes.KEPT))
    assert "\n| a host is added |" in changes.document()


@pytest.mark.parametrize("row", [*changes.FIELDS, *changes.MEMBERS, *changes.KEPT], ids=str)
def test_the_test_of_a_row_is_there(row: changes.Row) -> None:
    assert is_a_test(f"tests/{row.test}")


# -- what a field that is refused or reported does to a cluster that is played ---------------------

CALICO = {"plugin": "calico"}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "cluster.name": ({}, {"name": "other"}, "kubernetes", "other"),
    "cluster.kubernetes": ({}, {"version": "1.36.3"}, "1.36.2", "1.36.3"),
    "cluster.network.plugin": ({}, {"network": {"plugin": "flannel"}}, "bridge", "flannel"),
    "cluster.network.pods": (
        {},
        {"network": {"pods": "10.200.0.0/16"}},
        "10.244.0.0/16",
        "10.200.0.0/16",
    ),
    "cluster.network.services": (
        {},
        {"network": {"services": "10.97.0.0/16"}},
        "10.96.0.0/16",
        "10.97.0.0/16",
    ),
    "cluster.network.dns_domain": (
        {},
        {"network": {"dns_domain": "example.org"}},
        "cluster.local",
        "example.org",
    ),
    "cluster.network.calico.install": (
        {"network": CALICO},
        {"network": {**CALICO, "calico": {"install": "operator"}}},
        "calico",
        "calico-operator",
    ),
    "cluster.network.calico.block_size": (
        {"network": CALICO},
        {"network": {**CALICO, "calico": {"block_size": 24}}},
        "26",
        "24",
    ),
    "cluster.endpoint.host": (
        {},
        {"endpoint": {"host": "api.example.org"}},
        "10.0.0.10:6443",
        "api.example.org:6443",
    ),
    "cluster.endpoint.port": (
        {"endpoint": {"host": "api.example.org"}},
        {"endpoint": {"host": "api.example.org", "port": 7443}},
        "api.example.org:6443",
        "api.example.org:7443",
    ),
    "cluster.kube_proxy.mode": ({}, {"kube_proxy": {"mode": "ipvs"}}, "iptables", "ipvs"),
}
OF_HOSTS = {
    "host.address": ({"address": "10.0.0.99", "node_ip": "10.0.0.99"}, "10.0.0.11", "10.0.0.99"),
    "host.node_ip": ({"node_ip": "10.0.0.99"}, "10.0.0.11", "10.0.0.99"),
    "host.hostname": ({"hostname": "other"}, "w1", "other"),
}
REPORTED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "cluster.source": ({}, {"source": "aliyun"}, "registry.k8s.io"),
    "cluster.image_repository": ({}, {"image_repository": "example.org/k8s"}, "example.org/k8s"),
    "cluster.image_layout": (
        {"image_repository": "example.org/k8s"},
        {"image_repository": "example.org/k8s", "image_layout": "nested"},
        "example.org/k8s/coredns",
    ),
    "cluster.kubeadm.cert_sans": (
        {"kubeadm": {"cert_sans": ["a.example.org"]}},
        {"kubeadm": {"cert_sans": ["a.example.org", "b.example.org"]}},
        "not created for b.example.org",
    ),
    "cluster.kubeadm.feature_gates": (
        {"kubeadm": {"feature_gates": {"A": True}}},
        {"kubeadm": {"feature_gates": {"A": False}}},
        "A=true, but the inventory says A=false",
    ),
    "cluster.kubeadm.certificate_validity": (
        {},
        {"kubeadm": {"certificate_validity": "100h"}},
        "the inventory says 100h",
    ),
    "cluster.kubeadm.skip_phases": (
        {},
        {"kubeadm": {"skip_phases": ["addon/kube-proxy"]}},
        "the cluster has kube-proxy",
    ),
    "cluster.kube_proxy.config": (
        {"kube_proxy": {"config": {"conntrack": {"maxPerCore": 1, "min": 2}}}},
        {"kube_proxy": {"config": {"conntrack": {"maxPerCore": 3, "min": 2}}}},
        "the inventory's conntrack.maxPerCore;",
    ),
}


def test_every_field_that_is_refused_or_reported_is_played() -> None:
    of = {effect: {p for p, row in ROWS.items() if row.effect is effect} for effect in Effect}
    assert of[Effect.REFUSED] == {*REFUSED, *OF_HOSTS}
    assert of[Effect.REPORTED] == set(REPORTED)


def played(made: Cluster) -> str:
    """What the cluster of an inventory answers, its pod network's addon among it."""
    addon = made.spec.network.addon
    return told(made, maps=[parent_name(addon)] if addon in NETWORK_ADDONS else [])


@pytest.mark.parametrize("path", REFUSED)
def test_what_is_refused_names_both_values(path: str) -> None:
    before, after, has, wants = REFUSED[path]
    refuse(played(cluster(**before)), cluster(**after), has, wants)


@pytest.mark.parametrize("path", OF_HOSTS)
def test_what_is_refused_of_a_host_names_both_values(path: str) -> None:
    change, has, wants = OF_HOSTS[path]
    made = cluster()
    hosts = [h.model_copy(update=change) if h.name == "w1" else h for h in made.hosts]
    refuse(played(made), Cluster(spec=made.spec, hosts=tuple(hosts)), has, wants)


def refuse(said: str, wanted: Cluster, has: str, wants: str) -> None:
    """Nothing is done on any host, and the one finding names both values and the way back."""
    run, session, memory = played_run(wanted, answer=answering(wanted, said))
    assert execute(run, PHASES) == Kind.PREFLIGHT
    assert session.rounds == []
    assert memory.phases == ["connect"]
    [finding] = memory.errors
    assert has in finding.what
    assert wants in finding.what
    assert has in finding.next
    assert finding.why


@pytest.mark.parametrize("path", REPORTED)
def test_what_is_reported_goes_on(path: str) -> None:
    before, after, words = REPORTED[path]
    wanted = cluster(**after)
    found = living.of_cluster(wanted, Nodes.parse(played(cluster(**before)), "cp1"), wanted.hosts)
    assert not (found.stops or found.out)
    [warning] = [one for one in found.warnings if words in one.what]
    assert warning.severity == "warning"
    assert warning.next


@pytest.mark.parametrize("spec", [before for before, *_ in [*REFUSED.values(), *REPORTED.values()]])
def test_a_cluster_that_was_made_so_is_not_reported(spec: dict[str, Any]) -> None:
    made = cluster(**spec)
    assert (
        living.of_cluster(made, Nodes.parse(played(made), "cp1"), made.hosts) == living.Compared()
    )


def test_a_duration_in_kubernetes_words_is_the_same() -> None:
    made = cluster(kube_proxy={"config": {"conntrack": {"tcpEstablishedTimeout": "24h"}}})
    said = told(made, proxy={"conntrack": {"tcpEstablishedTimeout": "24h0m0s", "min": None}})
    assert living.of_cluster(made, Nodes.parse(said, "cp1"), made.hosts) == living.Compared()


def test_machine_ids_of_nodes_stay() -> None:
    probes = {name: Probe(machine_id="same", node=name != "w2") for name in ("cp1", "w1", "w2")}
    found = renewed(cluster(machine_ids=MachineIds.RENEW_DUPLICATES), probes)
    assert set(found) <= {"w2"}
