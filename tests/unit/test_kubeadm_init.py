"""kubeadm init: when it runs and with what."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from kubeinstall.deploys.control_plane import last_made
from kubeinstall.facts import kubeadm as facts
from kubeinstall.operations import kubeadm
from kubeinstall.operations.kubeadm import InitDecision, decide_init
from tests.unit.clusters import cluster
from tests.unit.operating import commands, texts

pytestmark = pytest.mark.unit

CONFIG = "text"
SAME = hashlib.sha256(CONFIG.encode()).hexdigest()


@pytest.mark.parametrize(
    ("state", "decision"),
    [
        ({}, InitDecision.INIT),
        # Of an earlier cluster only our own configuration is left.
        ({"config_sha256": "other"}, InitDecision.INIT),
        ({"begun": True, "config_sha256": SAME}, InitDecision.RESUME),
        ({"begun": True, "answers": True, "config_sha256": SAME}, InitDecision.RESUME),
        # Nobody knows what it began with.
        ({"begun": True}, InitDecision.RESUME),
        # Another configuration: begun anew where nothing can be lost.
        ({"begun": True, "config_sha256": "other"}, InitDecision.RESTART),
        (
            {"begun": True, "config_sha256": "other", "cluster": "old name"},
            InitDecision.RESTART,
        ),
        ({"begun": True, "config_sha256": "other", "answers": True}, InitDecision.RESUME),
        ({"begun": True, "config_sha256": "other", "settled": True}, InitDecision.RESUME),
        # A cluster, whatever its configuration was.
        (
            {"begun": True, "config_sha256": "other", "finished": True, "cluster": "kubernetes"},
            InitDecision.LEAVE,
        ),
        ({"begun": True, "finished": True, "cluster": "another"}, InitDecision.FOREIGN),
        ({"begun": True, "settled": True, "cluster": "another"}, InitDecision.FOREIGN),
    ],
)
def test_decide_init(state: dict[str, Any], decision: InitDecision) -> None:
    assert decide_init(facts.ControlPlaneState(**state), "kubernetes", CONFIG) is decision


def inits(monkeypatch: pytest.MonkeyPatch, state: facts.ControlPlaneState, **given: Any) -> Any:
    arguments = {
        "config": CONFIG,
        "path": "/etc/c.yaml",
        "cluster": "kubernetes",
        "cri_socket": "unix:///s",
    }
    found = {facts.ControlPlane: state}
    return commands(monkeypatch, kubeadm.init, found, **{**arguments, **given})


def test_init(monkeypatch: pytest.MonkeyPatch) -> None:
    write, init = inits(monkeypatch, facts.ControlPlaneState())
    assert (write.path, write.stdin, write.diff) == ("/etc/c.yaml", "text", "")
    assert "chmod 600" in write.get_raw_value()
    assert init.get_raw_value() == "kubeadm init --config /etc/c.yaml"
    assert init.stream


def test_an_init_that_was_cut_off_is_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    state = facts.ControlPlaneState(begun=True, answers=True)
    skipped = ("addon/coredns", "preflight")
    _, init = inits(monkeypatch, state, skip_phases=skipped, port=7443)
    line = init.get_raw_value()
    assert "--skip-phases=addon/coredns,preflight" in line
    for check in ("Port-7443", "DirAvailable--var-lib-etcd", "FileAvailable--etc-kubernetes"):
        assert check in line


def test_an_init_of_another_configuration_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    state = facts.ControlPlaneState(begun=True, config_sha256="other")
    reset_first, write, init = inits(monkeypatch, state)
    assert reset_first.get_raw_value() == "kubeadm reset -f --cri-socket unix:///s"
    assert write.stdin == CONFIG
    assert init.get_raw_value() == "kubeadm init --config /etc/c.yaml"


def test_a_finished_init_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert inits(monkeypatch, facts.ControlPlaneState(True, True, True)) == []


def test_the_control_plane_of_another_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    state = facts.ControlPlaneState(True, True, True, cluster="another")
    with pytest.raises(OperationError, match="a cluster called another"):
        inits(monkeypatch, state)


@pytest.mark.parametrize(
    ("skipped", "last"),
    [
        ([], ("daemonset/kube-proxy", "kube-system")),
        (["addon/coredns", "preflight"], ("daemonset/kube-proxy", "kube-system")),
        (["addon/kube-proxy"], ("deployment/coredns", "kube-system")),
        (["addon"], ("configmap/cluster-info", "kube-public")),
        (["addon/coredns", "addon/kube-proxy"], ("configmap/cluster-info", "kube-public")),
        (["addon", "bootstrap-token"], ("configmap/kubeadm-config", "kube-system")),
        (["addon", "bootstrap-token", "upload-config"], ("namespace/kube-system", "kube-system")),
    ],
)
def test_what_init_makes_last(skipped: list[str], last: tuple[str, str]) -> None:
    assert last_made(cluster(kubeadm={"skip_phases": skipped})) == last


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
    assert backup == (
        "cp -a '/home/me too/.kube/config' '/home/me too/.kube/config.before-kubeinstall'"
    )
    assert len(copies(monkeypatch, kubeadm.kubeconfig, home, "1", "2", True, True)) == 1


def test_kubeconfig_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = kubeadm.kubeconfig_gone
    assert copies(monkeypatch, gone, "/home/me", "", "") == []
    assert copies(monkeypatch, gone, "/home/me", "1", "2", True) == []
    assert copies(monkeypatch, gone, "/home/me", "1", "1", True) == ["rm -f /home/me/.kube/config"]
    assert copies(monkeypatch, gone, "/home/me", "1", "1", True, True) == [
        "mv -f /home/me/.kube/config.before-kubeinstall /home/me/.kube/config"
    ]
