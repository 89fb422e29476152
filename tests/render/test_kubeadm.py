"""kubeadm's documents with many settings set, for every configuration API.

After a wanted change: ``pytest tests/render --update-golden``, and read the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.inventory.model import Cluster, ClusterSpec, Kubelet, Role, Taint
from tests.unit.clusters import cluster, host

pytestmark = pytest.mark.render

GOLDEN = Path(__file__).parent / "golden" / "kubeadm"
CASES = {
    "v1beta2-docker": ("1.20.2", "docker"),
    "v1beta3-containerd": ("1.23.17", "containerd"),
    "v1beta4-containerd": ("1.36.2", "containerd"),
}
TOKEN = "abcdef.0123456789abcdef"
CA_HASH = f"sha256:{'a' * 64}"


def made(version: str, runtime: str) -> Cluster:
    kubeadm: dict[str, Any] = {
        "api_server_args": {"audit-log-maxage": 30, "profiling": False},
        "controller_manager_args": {"node-monitor-period": "5s"},
        "scheduler_args": {"profiling": False},
        "etcd_args": {"quota-backend-bytes": 8589934592},
        "cert_sans": ["api.example.org", "10.0.0.9"],
        "feature_gates": {"PublicKeysECDSA": True},
        "token_ttl": "0",
        "skip_phases": ["addon/coredns", "preflight"],
        "ignore_preflight_errors": ["NumCPU"],
    }
    if version == "1.36.2":
        kubeadm["certificate_validity"] = "4380h"
    spec = ClusterSpec.model_validate(
        {
            "name": "prod",
            "kubernetes": version,
            "runtime": {"name": runtime},
            "endpoint": {"host": "api.example.org", "port": 8443},
            "image_repository": "registry.example.org/k8s",
            "network": {
                "pods": "10.10.0.0/16",
                "services": "10.20.0.0/16",
                "dns_domain": "prod.local",
            },
            "kubeadm": kubeadm,
            "kube_proxy": {
                "mode": "ipvs",
                "config": {"ipvs": {"scheduler": "rr"}, "conntrack": {"maxPerCore": 0}},
            },
        }
    )
    first = host(
        "cp1",
        Role.CONTROL_PLANE,
        10,
        taints=(),
        kubelet=Kubelet(
            extra_args={"v": 4},
            config={"maxPods": 200, "systemReserved": {"cpu": "200m"}},
        ),
    )
    worker = host(
        "w1",
        Role.WORKER,
        11,
        hostname="w1.example.org",
        taints=(
            Taint(key="gpu", value="yes", effect="NoSchedule"),
            Taint(key="slow", effect="PreferNoSchedule"),
        ),
        kubelet=Kubelet(extra_args={"v": 2}),
    )
    return Cluster(spec=spec, hosts=(first, worker))


def texts(name: str) -> dict[str, str]:
    """The documents of a case by the name of their golden file."""
    given = made(*CASES[name])
    return {
        f"{name}-init.yaml": kubeadm_files.init_config(given),
        f"{name}-join.yaml": kubeadm_files.join_config(given, given.hosts[1], TOKEN, CA_HASH),
    }


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, as_golden: Callable[[Path, str], None]) -> None:
    for file, text in texts(name).items():
        as_golden(GOLDEN / file, text)


def test_no_golden_file_is_left_over() -> None:
    files = {file for name in CASES for file in texts(name)}
    assert {path.name for path in GOLDEN.iterdir()} == files


@pytest.mark.parametrize("name", CASES)
def test_each_document_says_what_it_is(name: str) -> None:
    init, join = (list(yaml.safe_load_all(text)) for text in texts(name).values())
    api = f"kubeadm.k8s.io/{name.partition('-')[0]}"
    assert [(document["apiVersion"], document["kind"]) for document in [*init, *join]] == [
        (api, "InitConfiguration"),
        (api, "ClusterConfiguration"),
        ("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"),
        ("kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration"),
        (api, "JoinConfiguration"),
    ]


def test_the_token_is_only_in_the_join() -> None:
    for file, text in texts("v1beta4-containerd").items():
        assert (TOKEN in text) is file.endswith("-join.yaml")


def test_little_is_written_where_little_is_set() -> None:
    init, whole, kubelet, proxy = yaml.safe_load_all(kubeadm_files.init_config(cluster()))
    assert set(init["nodeRegistration"]) == {"name", "criSocket", "kubeletExtraArgs"}
    assert "skipPhases" not in init
    assert whole["controlPlaneEndpoint"] == "10.0.0.10:6443"
    assert not set(whole) & {"apiServer", "etcd", "featureGates", "certificateValidityPeriod"}
    assert kubelet["cgroupDriver"] == "systemd"
    assert proxy["mode"] == "iptables"


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        (None, 6443),
        ({"host": "10.0.0.10", "port": 7443}, 7443),
        ({"host": "api.example.org", "port": 8443}, 6443),
    ],
)
def test_the_port_that_the_api_server_listens_on(endpoint: Any, port: int) -> None:
    document = kubeadm_files.init_configuration(cluster(endpoint=endpoint))
    assert document["localAPIEndpoint"] == {"advertiseAddress": "10.0.0.10", "bindPort": port}


@pytest.mark.parametrize(
    ("address", "node_ip", "sans"),
    [
        ("203.0.113.5", "10.0.0.10", ["api.example.org", "203.0.113.5"]),
        ("10.0.0.10", "10.0.0.10", ["api.example.org"]),
        ("127.0.0.1", "10.0.0.10", ["api.example.org"]),
    ],
)
def test_the_address_of_ssh_is_in_the_api_servers_certificate(
    address: str, node_ip: str, sans: list[str]
) -> None:
    """A control plane behind address translation; a worker's address is nobody's API server."""
    first = host("cp1", Role.CONTROL_PLANE, 10, address=address, node_ip=node_ip)
    worker = host("w1", Role.WORKER, 11, address="203.0.113.6")
    spec = cluster(kubeadm={"cert_sans": ["api.example.org"]}).spec
    document = kubeadm_files.cluster_configuration(Cluster(spec=spec, hosts=(first, worker)))
    assert document["apiServer"]["certSANs"] == sans
