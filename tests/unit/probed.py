"""Probes of hosts, for tests of preflight."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubeinstall.findings import Finding
from kubeinstall.preflight.probe import Probe

GOOD = Probe(
    os="debian",
    os_version="12",
    arch="x86_64",
    cpus=2,
    memory_mb=4096,
    time=1_000_000.0,
    cgroup="cgroup2fs",
    disk_mb=20_000,
)


def probes(**changes: dict[str, Any]) -> dict[str, Probe]:
    """Good probes of cp1, w1, w2, each an identity of its own, with some changes by host."""
    made = {}
    for name in ("cp1", "w1", "w2"):
        own = {"machine_id": name, "product_uuid": name, "mac": name}
        made[name] = replace(GOOD, **{**own, **changes.get(name, {})})
    return made


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


TUNA = ("mirrors.tuna.tsinghua.edu.cn", "registry.aliyuncs.com")
"""Hosts that the source tuna needs."""
