"""Clusters for tests, without a file."""

from __future__ import annotations

from typing import Any

from kubeinstall.inventory.model import Cluster, ClusterSpec, Host, Kubelet, Role, Ssh


def host(name: str, role: Role, number: int, **more: Any) -> Host:
    address = f"10.0.0.{number}"
    fields: dict[str, Any] = {
        "name": name,
        "role": role,
        "address": address,
        "node_ip": address,
        "hostname": name,
        "ssh": Ssh(),
        "labels": {},
        "taints": None,
        "kubelet": Kubelet(),
    }
    return Host(**{**fields, **more})


def cluster(
    workers: int = 2, version: str = "1.36.2", control_planes: int = 1, **spec: Any
) -> Cluster:
    """Control planes and workers: cp1 at 10.0.0.10, w1 at 10.0.0.11, ...; cp2 at 10.0.0.102."""
    hosts = [host("cp1", Role.CONTROL_PLANE, 10)]
    hosts += [host(f"cp{n}", Role.CONTROL_PLANE, 100 + n) for n in range(2, control_planes + 1)]
    hosts += [host(f"w{n}", Role.WORKER, 10 + n) for n in range(1, workers + 1)]
    return Cluster(spec=ClusterSpec(kubernetes=version, **spec), hosts=tuple(hosts))
