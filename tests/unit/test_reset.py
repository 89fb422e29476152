"""What a reset takes away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubeinstall.facts import kubeadm as facts
from kubeinstall.facts.cni import IpvsServices
from kubeinstall.operations import reset
from tests.unit.operating import ask, commands, run, texts

pytestmark = pytest.mark.unit


RESETS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (reset.kubeadm_reset, {"cri_socket": "unix:///s"}),
    (
        reset.routes_gone,
        {"unit": "u", "unit_file": "/etc/u", "script": "/usr/local/s", "protocol": 107},
    ),
    (reset.containers_gone, {}),
    (reset.cni_gone, {"pods": "10.244.0.0/16"}),
    (reset.rules_gone, {}),
    (reset.folders_gone, {}),
)


def resets(monkeypatch: pytest.MonkeyPatch, *found: str) -> list[str]:
    yielded: list[str] = []
    for operation, arguments in RESETS:
        state = {facts.Leftovers: frozenset(found)}
        yielded += texts(commands(monkeypatch, operation, state, **arguments))
    return yielded


def test_a_clean_host_is_reset_by_doing_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resets(monkeypatch) == []


def test_each_leftover_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without kubeadm there is nothing to reset with; the folders go all the same.
    assert resets(monkeypatch, "kubeadm") == []
    lines = resets(monkeypatch, "kubeadm", "package:kubeadm", "package:kubelet")
    assert lines == ["/usr/bin/kubeadm reset -f --cri-socket unix:///s"]
    routes = resets(monkeypatch, "routes")
    assert "proto 107" in routes[1]
    assert routes[2].startswith("rm -f /etc/u /usr/local/s")
    for name in ("containers", "cni", "interfaces", "rules", "sets", "tables", "folders"):
        assert resets(monkeypatch, name), name


SAVED = """\
*nat
:POSTROUTING ACCEPT [0:0]
:KUBE-POSTROUTING - [0:0]
:CNI-0a1b - [0:0]
:MY-KUBE-CHAIN - [0:0]
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A POSTROUTING -s 10.9.0.0/16 -m comment --comment "not for KUBE- or CNI-" -j MASQUERADE
-A POSTROUTING -j MY-KUBE-CHAIN
-A KUBE-POSTROUTING -j RETURN
-A CNI-0a1b -j ACCEPT
COMMIT
*filter
:FORWARD DROP [0:0]
:KUBEINSTALL-FORWARD - [0:0]
-A FORWARD -j KUBEINSTALL-FORWARD
-A FORWARD -g KUBE-FORWARD
:cali-FORWARD - [0:0]
:FLANNEL-FWD - [0:0]
-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
-A FORWARD -m comment --comment "cali:S93hcgKJrXEqnTfs" -m mark --mark 0x10000/0x10000 -j ACCEPT
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-A FLANNEL-FWD -s 10.244.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FORWARD -m comment --comment california -j ACCEPT
-A KUBEINSTALL-FORWARD -s 10.244.0.0/16 -j ACCEPT
COMMIT
"""
KEPT = """\
*nat
:POSTROUTING ACCEPT [0:0]
:MY-KUBE-CHAIN - [0:0]
-A POSTROUTING -s 10.9.0.0/16 -m comment --comment "not for KUBE- or CNI-" -j MASQUERADE
-A POSTROUTING -j MY-KUBE-CHAIN
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -m comment --comment california -j ACCEPT
COMMIT
"""


def test_a_users_own_rules_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "saved").write_text(SAVED)
    programs = {
        "iptables-save": f"cat {tmp_path}/saved",
        "iptables-restore": f"cat > {tmp_path}/restored",
        "ip6tables-save": "echo half; exit 1",
        "ip6tables-restore": f"touch {tmp_path}/wrong",
    }
    for name, line in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    (script,) = texts(
        commands(monkeypatch, reset.rules_gone, {facts.Leftovers: frozenset({"rules"})})
    )
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    run(script, env=environment)
    assert (tmp_path / "restored").read_text() == KEPT
    assert not (tmp_path / "wrong").exists()
    monkeypatch.setenv("PATH", environment["PATH"])
    assert "rules" in ask(facts.Leftovers)
    (tmp_path / "saved").write_text(KEPT)
    assert "rules" not in ask(facts.Leftovers)


IPVS = """\
-A -t 10.96.0.1:443 -s rr
-a -t 10.96.0.1:443 -r 10.0.0.10:6443 -m -w 1
-A -u 10.96.0.10:53 -s rr
-A -t 10.0.0.10:30080 -s rr
-A -t 192.0.2.80:80 -s wlc
-A -f 7 -s rr
"""


def test_ipvs_services_of_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "5: kube-ipvs0    inet {}/32 scope global kube-ipvs0"
    shown = "\n".join(map(address.format, ("10.96.0.1", "10.96.0.10")))
    for name, text in {"ipvsadm": IPVS, "ip": shown}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    services = ask(IpvsServices)
    assert services == ("-t 10.96.0.1:443", "-u 10.96.0.10:53", "-t 10.0.0.10:30080")
    (line,) = texts(commands(monkeypatch, reset.ipvs_gone, {IpvsServices: services}))
    assert line.splitlines()[1:] == [f"ipvsadm -D {service}" for service in services]
    assert commands(monkeypatch, reset.ipvs_gone, {}) == []
