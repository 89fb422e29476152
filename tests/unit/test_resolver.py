"""Which resolv.conf a node's pods get."""

from __future__ import annotations

import configparser
from typing import Any

import pytest

from kubeinstall.deploys.kubernetes.resolver import DROP_IN, own_resolver, unit
from kubeinstall.facts.resolv import RESOLVED, USUAL, Resolver, ResolverState
from kubeinstall.files.kubeadm import kubelet_configuration
from kubeinstall.inventory.model import Kubelet, Role
from tests.unit.clusters import cluster, host

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "file", "is_local"),
    [
        ("nameserver 127.0.0.53\nbehind", RESOLVED, True),
        ("nameserver 192.0.2.1\nbehind", USUAL, False),
        ("nameserver 127.0.0.1", USUAL, True),
        ("nameserver 192.0.2.1\nnameserver 192.0.2.2", USUAL, False),
        ("", USUAL, False),
    ],
)
def test_the_file_for_pods(said: str, file: str, is_local: bool) -> None:
    state = Resolver().process(said.splitlines())
    assert state.for_pods == file
    assert state.is_local is is_local


STUB = ResolverState(("127.0.0.53",), behind=True)


@pytest.mark.parametrize(
    ("kubelet", "file"),
    [
        ({}, RESOLVED),
        ({"config": {"resolvConf": "/etc/my.conf"}}, None),
        ({"extra_args": {"resolv-conf": "/etc/my.conf"}}, None),
    ],
)
def test_the_inventorys_own_setting_stands(kubelet: dict[str, Any], file: str | None) -> None:
    node = host("w1", Role.WORKER, 11, kubelet=Kubelet(**kubelet))
    assert own_resolver(node, STUB) == file


def test_a_node_without_a_stub_is_told_nothing() -> None:
    assert own_resolver(cluster().first, ResolverState(("192.0.2.1",), behind=True)) is None


def test_the_cluster_does_not_take_the_first_nodes_file_for_all() -> None:
    assert kubelet_configuration(cluster())["resolvConf"] == USUAL


def test_the_unit() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(unit(RESOLVED))
    assert f"--resolv-conf={RESOLVED}" in parser["Service"]["Environment"]
    # Of several drop-ins that set a variable the last one counts.
    assert DROP_IN.rpartition("/")[2] > "10-kubeadm.conf"
