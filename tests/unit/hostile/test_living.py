"""A node, a host's disk or a ConfigMap that lies: nothing of it gets to other hosts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubeinstall.cluster.nodes import Nodes
from kubeinstall.cluster.on_disk import OnDisk
from kubeinstall.cluster.settings import Settings
from kubeinstall.files import (
    firewall as firewall_files,
)
from kubeinstall.files import (
    hosts as host_files,
)
from kubeinstall.files import (
    network as network_files,
)
from kubeinstall.files.kubeadm import cluster_configuration
from kubeinstall.files.proxy import no_proxy
from kubeinstall.operations.names import with_names
from kubeinstall.preflight import running_cluster as living
from tests.unit.clusters import cluster
from tests.unit.hostile.payloads import CANARY, DEEP, FUZZ, NOT_ADDRESSES, WORDS
from tests.unit.played_cluster import node, nodes_of, told

pytestmark = pytest.mark.unit

MADE = cluster()
FIELDS = (
    "clusterName",
    "controlPlaneEndpoint",
    "imageRepository",
    "kubernetesVersion",
    "certificateValidityPeriod",
    "networking",
    "apiServer",
    "dns",
    "featureGates",
)


def words_of(found: living.Compared) -> str:
    findings = [*found.stops, *found.out.values(), *found.warnings]
    return "".join(f"{one.what}{one.why}{one.next}{one.where}" for one in findings)


@pytest.mark.parametrize("word", [*NOT_ADDRESSES, ""])
def test_a_node_without_a_host_gets_nothing_of_its_words_to_others(word: str) -> None:
    strangers = [node("w8", word, "10.244.8.0/24"), node("w9", "10.0.0.19", word)]
    nodes = Nodes.parse(told(MADE, [*nodes_of(MADE), *strangers]), "cp1")
    kept = MADE.with_others(living.others(MADE, nodes))
    assert [(one.name, one.pod_cidr) for one in kept.others] == [("w9", None)]
    first = kept.hosts[0]
    addresses = {one.hostname: one.node_ip for one in kept.members}
    texts = [
        firewall_files.script(kept, first),
        firewall_files.policy(kept, first),
        network_files.script(kept, network_files.routes("cp1", nodes.pod_cidrs, addresses)),
        with_names("", host_files.addresses(kept), host_files.kept_addresses(kept)),
        *no_proxy(kept, nodes=True),
    ]
    assert CANARY not in "\n".join(texts)
    found = words_of(living.of_cluster(MADE, nodes, MADE.hosts))
    assert found.isprintable()


@pytest.mark.parametrize("field", FIELDS)
def test_a_configuration_that_lies_is_shown_at_most(field: str) -> None:
    nodes = Nodes.parse(told(MADE), "cp1")
    noted = cluster_configuration(MADE)
    for word in (one for one in WORDS if len(one) < 100 and "\udc80" not in one):
        for value in (word, [word], {word: word, "certSANs": word, "podSubnet": word}):
            text = yaml.safe_dump({**noted, field: value})
            maps = {"kubeadm-config": {"metadata": {}, "data": {"ClusterConfiguration": text}}}
            found = living.of_cluster(
                MADE, replace(nodes, settings=Settings.parse(maps)), MADE.hosts
            )
            assert words_of(found).isprintable()


@pytest.mark.parametrize(
    "text", [*WORDS, DEEP, "a: *b", "- 1", "2020-01-01", "{a: {b: [", "!!set {x}"]
)
def test_a_config_map_that_is_no_configuration_is_not_known(text: str) -> None:
    maps = {
        name: {"metadata": {"name": name}, "data": {key: text}}
        for name, key in (("kubeadm-config", "ClusterConfiguration"), ("kube-proxy", "config.conf"))
    }
    found = Settings.parse(maps)
    assert found.name is None
    assert found.pods is None


@FUZZ
@given(st.text(), st.sampled_from(WORDS))
def test_any_answer_of_a_disk_is_read(text: str, word: str) -> None:
    for answer in (text, word, f"node\036{word}", "\036".join(("node", *[word] * 5))):
        disk = OnDisk.parse(answer)
        found = living.of_disks(MADE, {"w1": disk} if disk else {})
        assert CANARY not in words_of(found)


@FUZZ
@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_any_configuration_is_read(noted: dict[str, object]) -> None:
    text = yaml.safe_dump(noted)
    maps = {"kubeadm-config": {"metadata": {}, "data": {"ClusterConfiguration": text}}}
    assert Settings.parse(maps, text, text, text).version is None
