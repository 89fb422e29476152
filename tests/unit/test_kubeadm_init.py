"""kubeadm init: when it runs and with what; nothing runs it where a control plane has been up."""

from __future__ import annotations

import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from kubeinstall.facts import kubeadm as facts
from kubeinstall.facts.control_plane import ControlPlaneState, Etcd, Part, ours
from kubeinstall.files.control_plane import documents_in_use, wanted
from kubeinstall.files.kubeadm import init_config
from kubeinstall.operations import backups, kubeadm
from kubeinstall.operations.control_plane_decision import (
    Action,
    Decision,
    Refusal,
    Wanted,
    decide,
    digest,
    words,
)
from tests.unit.clusters import cluster
from tests.unit.operating import commands, texts, with_programs

pytestmark = pytest.mark.unit

CONFIG = "text"
SAME = digest(CONFIG)
WANTED = Wanted("kubernetes", SAME, "10.0.0.10")
DATA = (Etcd.DATA, Etcd.REGISTERED)


def decided(wanted: Wanted = WANTED, **state: Any) -> Decision:
    return decide(ControlPlaneState(**state), wanted)


def test_nothing_inits_where_a_control_plane_has_been_up() -> None:
    """Every combination of what may be found, lost, ended, in the way, or not answer."""
    flags = (True, False)
    parts = (frozenset[Part](), frozenset({Part.API_SERVER}), frozenset(Part))
    choices: Any = product(
        flags, flags, flags, flags, flags, flags, Etcd, parts, ("", "other", SAME)
    )
    seen = set()
    for begun, settled, signed, kubelet, active, answers, etcd, lacking, sha in choices:
        state = ControlPlaneState(
            begun=begun,
            settled=settled,
            signed=signed,
            kubelet_conf=kubelet,
            kubelet_active=active,
            answers=answers,
            etcd=etcd,
            lacking=lacking,
            config_sha256=sha,
        )
        action = decide(state, WANTED).action
        seen.add(action)
        been_up = etcd is Etcd.REGISTERED or (etcd is Etcd.DATA and (signed or settled))
        assert state.established is been_up
        assert (action is Action.KEEP) <= been_up
        if been_up:
            assert action in (Action.KEEP, Action.REFUSE)
        if etcd in DATA and not begun:
            assert action in (Action.KEEP, Action.REFUSE)
        if settled and begun and not been_up:
            assert action is Action.REFUSE
    assert seen == set(Action)


@pytest.mark.parametrize(
    ("state", "action"),
    [
        ({}, Action.INIT),
        # Of an earlier cluster only our own configuration is left.
        ({"config_sha256": "other"}, Action.INIT),
        ({"begun": True, "config_sha256": SAME}, Action.RESUME),
        ({"begun": True, "etcd": Etcd.DATA, "config_sha256": SAME}, Action.RESUME),
        ({"begun": True, "answers": True, "config_sha256": SAME}, Action.RESUME),
        # Nobody knows what it began with.
        ({"begun": True}, Action.RESUME),
        # Another configuration: from nothing where nothing can be lost.
        ({"begun": True, "config_sha256": "other"}, Action.RESTART),
        ({"begun": True, "config_sha256": "other", "cluster": "old name"}, Action.RESTART),
        ({"begun": True, "config_sha256": "other", "etcd": Etcd.DATA}, Action.RESTART),
        ({"begun": True, "config_sha256": "other", "answers": True}, Action.RESUME),
        # Cut off after its API server was up: the rest is done phase by phase.
        ({"begun": True, "etcd": Etcd.DATA, "signed": True, "answers": True}, Action.KEEP),
        ({"begun": True, "etcd": Etcd.REGISTERED, "answers": True}, Action.KEEP),
        # A cluster, whatever its configuration was.
        (
            {"etcd": Etcd.DATA, "settled": True, "answers": True, "config_sha256": "other"},
            Action.KEEP,
        ),
    ],
)
def test_what_is_done(state: dict[str, Any], action: Action) -> None:
    assert decided(**state).action is action


UP: dict[str, Any] = {"begun": True, "etcd": Etcd.DATA, "signed": True, "cluster": "kubernetes"}


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ({**UP, "cluster": "another"}, Refusal.ANOTHER_CLUSTER),
        ({"begun": True, "cluster": "another", "answers": True}, Refusal.ANOTHER_CLUSTER),
        ({**UP, "addresses": ("10.0.0.99",)}, Refusal.ANOTHER_ADDRESS),
        ({**UP, "addresses": ("10.0.0.10", "10.0.0.99")}, Refusal.ANOTHER_ADDRESS),
        ({**UP, "members": ("10.0.0.99",)}, Refusal.ANOTHER_ADDRESS),
        (
            {"begun": True, "answers": True, "config_sha256": "x", "addresses": ("10.0.0.99",)},
            Refusal.ANOTHER_ADDRESS,
        ),
        ({**UP, "lost": ("/etc/kubernetes/pki/ca.key",)}, Refusal.AUTHORITY_LOST),
        ({**UP, "authorities_ended": ("/etc/kubernetes/pki/ca.crt",)}, Refusal.AUTHORITY_ENDED),
        ({"begun": True, "settled": True}, Refusal.ETCD_GONE),
        ({"begun": True, "settled": True, "etcd": Etcd.FILES}, Refusal.ETCD_GONE),
        ({"etcd": Etcd.DATA}, Refusal.ETCD_LEFT),
        ({"etcd": Etcd.FILES}, Refusal.ETCD_LEFT),
        ({"kubelet_conf": True}, Refusal.NODE_OF_ANOTHER),
        ({**UP, "kubelet_active": True, "why": "refused"}, Refusal.NO_ANSWER),
    ],
)
def test_what_is_refused(state: dict[str, Any], refusal: Refusal) -> None:
    decision = decided(**state)
    assert decision.refusal is refusal
    said = words(decision, ControlPlaneState(**state), WANTED, "-i FILE")
    assert all((said.what, said.why, said.next))


def test_refusals_name_both_addresses_and_the_reason() -> None:
    moved = ControlPlaneState(**UP, addresses=("10.0.0.99",))
    said = words(decide(moved, WANTED), moved, WANTED, "-i FILE")
    assert (
        said.what
        == "its control plane uses the address 10.0.0.99, but the inventory says 10.0.0.10"
    )
    silent = ControlPlaneState(**UP, kubelet_active=True, why="unknown flag: --frobnicate")
    said = words(decide(silent, WANTED), silent, WANTED, "-i FILE")
    assert said.why == "unknown flag: --frobnicate"


def test_the_address_of_another_member_of_etcd_is_no_move() -> None:
    state = {**UP, "lacking": {Part.ETCD}, "members": ("10.0.0.99", "10.0.0.10")}
    assert decided(**state).action is Action.KEEP


@pytest.mark.parametrize("part", Part)
def test_each_part_that_lacks_is_put_back_alone(part: Part) -> None:
    for found in ("lacking", "expired", "objects"):
        state: dict[str, Any] = {**UP, "answers": True, found: frozenset({part})}
        decision = decided(**state)
        assert decision.action is Action.KEEP
        got = {
            "lacking": decision.parts,
            "expired": decision.expired,
            "objects": decision.objects,
        }
        assert got == {name: (part,) if name == found else () for name in got}


@pytest.mark.parametrize("part", Part)
def test_a_phase_that_is_skipped_lacks_nothing(part: Part) -> None:
    for skipped in (part.value.replace(" ", "/"), part.value.split()[0]):
        assert ours(tuple(Part), [skipped]).count(part) == 0
        wanted = Wanted("kubernetes", SAME, "10.0.0.10", (skipped,))
        assert decided(wanted, **UP, answers=True, lacking=frozenset({part})).parts == ()


def test_parts_come_in_kubeadms_order() -> None:
    decision = decided(**UP, lacking=frozenset(Part), expired=frozenset(Part))
    assert decision.parts == tuple(Part)
    assert decision.expired == (), "what is made again need not be renewed"


def test_without_what_it_was_made_with_nothing_is_put_back() -> None:
    wanted = Wanted("kubernetes", SAME, "10.0.0.10", config_known=False)
    lacking = {**UP, "lacking": frozenset({Part.ETCD})}
    assert decided(wanted, **lacking).refusal is Refusal.CONFIG_LOST
    assert decided(wanted, **UP, answers=True).action is Action.KEEP


def test_a_stopped_kubelet_is_started_and_waited_for() -> None:
    decision = decided(**UP)
    assert (decision.action, decision.wait) == (Action.KEEP, True)
    assert not decided(**UP, answers=True).wait


@pytest.mark.parametrize(
    ("kubeadm", "takes"),
    [
        ({}, False),
        ({"ignore_preflight_errors": ["DirAvailable--var-lib-etcd"]}, True),
        ({"ignore_preflight_errors": ["all"]}, True),
        ({"skip_phases": ["preflight"]}, True),
    ],
)
def test_who_takes_files_in_etcds_folder(kubeadm: dict[str, Any], takes: bool) -> None:
    found = wanted(cluster(kubeadm=kubeadm), None)
    assert found.takes_files is takes
    action = Action.INIT if takes else Action.REFUSE
    assert decided(found, etcd=Etcd.FILES).action is action
    assert decided(found, etcd=Etcd.DATA).refusal is Refusal.ETCD_LEFT


def test_phases_get_what_the_cluster_was_made_with() -> None:
    """A changed inventory does not reach the manifests of a cluster that lives."""
    made = cluster(version="1.20.2", network={"services": "10.96.0.0/16"})
    noted = init_config(made)
    now = cluster(version="1.20.2", network={"services": "10.50.0.0/16"})
    found = documents_in_use(now, "", noted)
    assert found is not None
    assert "10.96.0.0/16" in found
    assert "10.50" not in found
    live = "kind: ClusterConfiguration\nclusterName: live\n"
    assert "clusterName: live" in str(documents_in_use(now, live, noted))
    assert documents_in_use(now, "", "") is None
    assert documents_in_use(now, "{", "a: [") is None


def inits(monkeypatch: pytest.MonkeyPatch, action: Action, **given: Any) -> Any:
    arguments = {
        "decision": Decision(action, refusal=given.pop("refusal", None)),
        "config": CONFIG,
        "path": "/etc/c.yaml",
        "version": "1.20.2",
        "cri_socket": "unix:///s",
    }
    return commands(monkeypatch, kubeadm.init, {}, **{**arguments, **given})


def test_init(monkeypatch: pytest.MonkeyPatch) -> None:
    write, init = inits(monkeypatch, Action.INIT)
    assert (write.path, write.stdin, write.diff) == ("/etc/c.yaml", "text", "")
    assert "chmod 600" in write.get_raw_value()
    assert "\nset -- /usr/bin/kubeadm init --config /etc/c.yaml\n" in init.get_raw_value()
    assert init.stream


def test_an_init_that_was_cut_off_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    skipped = ("addon/coredns", "preflight")
    _, init = inits(monkeypatch, Action.RESUME, skip_phases=skipped, port=7443)
    line = init.get_raw_value()
    assert "--skip-phases=addon/coredns,preflight" in line
    for check in ("Port-7443", "DirAvailable--var-lib-etcd", "FileAvailable--etc-kubernetes"):
        assert check in line


def test_an_init_of_another_configuration_starts_over(monkeypatch: pytest.MonkeyPatch) -> None:
    reset_first, write, init = inits(monkeypatch, Action.RESTART)
    assert reset_first.get_raw_value() == "/usr/bin/kubeadm reset -f --cri-socket unix:///s"
    assert write.stdin == CONFIG
    assert "ignore-preflight-errors" not in init.get_raw_value()


def test_a_control_plane_that_has_been_up_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert inits(monkeypatch, Action.KEEP) == []
    with pytest.raises(OperationError, match="another address"):
        inits(monkeypatch, Action.REFUSE, refusal=Refusal.ANOTHER_ADDRESS)


VERSIONS = {
    "kubeadm": "echo v1.20.2",
    "kubelet": "echo Kubernetes v1.20.2",
    "kubectl": """echo '{"clientVersion": {"gitVersion": "v1.20.2", "x": 1}}'""",
}


@pytest.mark.parametrize(
    ("programs", "made", "said"),
    [
        ({}, True, ""),
        ({"kubeadm": "echo v1.20.2+vendor.1"}, True, ""),
        ({"kubectl": """echo '{"gitVersion": "v1.20.2-lab"}'"""}, True, ""),
        ({"kubeadm": "exit 0"}, True, 'kubeadm is not from Kubernetes 1.20.2: it reports ""'),
        ({"kubeadm": "echo v1.20.21"}, True, 'it reports "v1.20.21'),
        ({"kubelet": "echo Kubernetes v1.36.2"}, True, "kubelet is not from Kubernetes 1.20.2"),
        ({"kubectl": """echo '{"gitVersion": "v1.20.21"}'"""}, True, "kubectl is not from"),
        ({}, False, "kubeadm exited with code 0, but did not create "),
    ],
)
def test_programs_of_another_kind_and_an_init_without_effect(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    programs: dict[str, str],
    made: bool,
    said: str,
) -> None:
    """One that only ends with 0 is no success, and the finding names its path."""
    for name, body in {**VERSIONS, **programs}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    file = tmp_path / "made"
    file.write_text("x" if made else "")
    _, init = inits(monkeypatch, Action.INIT, made=(str(file),))
    script = with_programs(init.get_raw_value(), tmp_path)
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert (ran.returncode != 0) is bool(said), ran
    assert said in ran.stderr
    if "not that of" in said:
        assert str(tmp_path) in ran.stderr


def copies(monkeypatch: pytest.MonkeyPatch, operation: Any, *state: Any) -> list[str]:
    found = {facts.KubeconfigCopy: facts.KubeconfigState(*state)}
    return texts(commands(monkeypatch, operation, found, user="me"))


def test_kubeconfig_of_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    home = "/home/me too"
    assert copies(monkeypatch, kubeadm.kubeconfig, home, "1", "1", True) == []
    (line,) = copies(monkeypatch, kubeadm.kubeconfig, home, "1", "")
    assert "-m 600 -o me" in line
    assert "'/home/me too/.kube/config'" in line
    assert len(copies(monkeypatch, kubeadm.kubeconfig, home, "1", "1", False)) == 1
    backup, _ = copies(monkeypatch, kubeadm.kubeconfig, home, "1", "2", True)
    assert backup == (backups.copied("/home/me too/.kube/config"))
    assert len(copies(monkeypatch, kubeadm.kubeconfig, home, "1", "2", True, True)) == 1


def test_kubeconfig_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = kubeadm.kubeconfig_gone
    assert copies(monkeypatch, gone, "/home/me", "", "") == []
    assert copies(monkeypatch, gone, "/home/me", "1", "2", True) == []
    assert copies(monkeypatch, gone, "/home/me", "1", "1", True) == ["rm -f /home/me/.kube/config"]
    assert copies(monkeypatch, gone, "/home/me", "1", "1", True, True) == [
        backups.put_back("/home/me/.kube/config")
    ]
