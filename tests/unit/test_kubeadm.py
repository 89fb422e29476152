"""kubeadm: when it runs and with what, joining, and what is left of it on a host."""

from __future__ import annotations

import datetime
import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from pyinfra.api.exceptions import OperationError

from kubeinstall.deploys import joining, kubeadm_files
from kubeinstall.deploys.control_plane import last_made
from kubeinstall.facts import cni as cni_facts
from kubeinstall.facts import kubeadm as facts
from kubeinstall.facts.services import Unit, UnitState
from kubeinstall.operations import cni, kubeadm, reset
from kubeinstall.operations.kubeadm import InitDecision, JoinDecision, decide, decide_init
from tests.unit.clusters import cluster
from tests.unit.operating import ask, commands, run, texts

pytestmark = pytest.mark.unit

CA, OTHER_CA = "a" * 64, "b" * 64
JOINED = facts.JoinState(True, True, CA, True)


@pytest.mark.parametrize(
    ("state", "known", "ca", "decision"),
    [
        # Nothing there.
        (facts.JoinState(), False, CA, JoinDecision.JOIN),
        (facts.JoinState(), None, None, JoinDecision.JOIN),
        # The cluster has a node of that name, the host is new: it takes the place.
        (facts.JoinState(), True, CA, JoinDecision.JOIN),
        # Cut off half way.
        (facts.JoinState(leftovers=True), False, CA, JoinDecision.REPAIR),
        (facts.JoinState(leftovers=True, ca_sha256=OTHER_CA), None, None, JoinDecision.REPAIR),
        # A node.
        (JOINED, True, CA, JoinDecision.LEAVE),
        (JOINED, None, None, JoinDecision.LEAVE),
        # It was removed from the cluster, or lost a file that the kubelet needs.
        (JOINED, False, CA, JoinDecision.REPAIR),
        (facts.JoinState(True, False, "", True), True, CA, JoinDecision.REPAIR),
        # Cut off between its certificate and its last steps.
        (facts.JoinState(True, True, CA, True, unfinished=True), True, CA, JoinDecision.FINISH),
        (facts.JoinState(True, True, CA, True, unfinished=True), None, None, JoinDecision.FINISH),
        (facts.JoinState(True, True, CA, True, unfinished=True), False, CA, JoinDecision.REPAIR),
        # What is left of another cluster's control plane, or of this one's name.
        (
            facts.JoinState(leftovers=True, ca_sha256=OTHER_CA, control_plane=True),
            False,
            CA,
            JoinDecision.FOREIGN,
        ),
        (
            facts.JoinState(leftovers=True, ca_sha256=CA, control_plane=True),
            False,
            CA,
            JoinDecision.REPAIR,
        ),
        # A node of another cluster, whatever the names are.
        (facts.JoinState(True, True, OTHER_CA), True, CA, JoinDecision.FOREIGN),
        (facts.JoinState(True, True, OTHER_CA), False, CA, JoinDecision.FOREIGN),
        # No cluster could be asked: nobody knows.
        (facts.JoinState(True, True, OTHER_CA), None, None, JoinDecision.LEAVE),
    ],
)
def test_decide(
    state: facts.JoinState, known: bool | None, ca: str | None, decision: JoinDecision
) -> None:
    assert decide(state, known, ca) is decision


def joins(monkeypatch: pytest.MonkeyPatch, state: facts.JoinState, **given: Any) -> list[Any]:
    arguments = {
        "config": "secret",
        "node": "w1",
        "known": False,
        "ca_sha256": CA,
        "cri_socket": "unix:///s",
    }
    return commands(monkeypatch, kubeadm.join, {facts.Joined: state}, **{**arguments, **given})


def test_a_join_gets_its_token_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = joins(monkeypatch, facts.JoinState(), skip_phases=("preflight",))
    assert texts([command]) == ["kubeadm join --config /dev/stdin --skip-phases=preflight"]
    assert command.stdin == "secret"
    assert command.stream
    assert "secret" not in f"{command} {command!r}"


def test_a_half_joined_worker_is_reset_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert texts(joins(monkeypatch, facts.JoinState(leftovers=True))) == [
        "kubeadm reset -f --cri-socket unix:///s",
        "kubeadm join --config /dev/stdin",
    ]


def test_a_node_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert joins(monkeypatch, JOINED, known=True) == []
    stopped = facts.JoinState(True, True, CA, kubelet_active=False)
    assert texts(joins(monkeypatch, stopped, known=True)) == ["systemctl start kubelet"]


def test_the_last_steps_of_a_join_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    state = facts.JoinState(True, True, CA, unfinished=True)
    (line,) = texts(joins(monkeypatch, state, known=True))
    assert "annotate --overwrite node w1 kubeadm.alpha.kubernetes.io/cri-socket=unix:///s" in line
    assert "rm -f /etc/kubernetes/bootstrap-kubelet.conf" in line


def test_a_node_of_another_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperationError, match="another cluster"):
        joins(monkeypatch, facts.JoinState(True, True, OTHER_CA))


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
    assert inits(monkeypatch, facts.ControlPlaneState(True, True, True, True)) == []
    stopped = inits(monkeypatch, facts.ControlPlaneState(True, True, True, False))
    assert texts(stopped) == ["systemctl start kubelet"]


def test_the_control_plane_of_another_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    state = facts.ControlPlaneState(True, True, True, True, cluster="another")
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


@pytest.mark.parametrize(
    ("version", "form"),
    [
        ("1.20.2", {"a": "1", "b": "true", "c": "x=y"}),
        ("1.30.0", {"a": "1", "b": "true", "c": "x=y"}),
        (
            "1.31.0",
            [
                {"name": "a", "value": "1"},
                {"name": "b", "value": "true"},
                {"name": "c", "value": "x=y"},
            ],
        ),
    ],
)
def test_extra_args_in_the_form_of_the_version(version: str, form: Any) -> None:
    made = cluster(version=version)
    assert kubeadm_files.extra_args(made, {"a": 1, "b": True, "c": "x=y"}) == form


def test_merged() -> None:
    ours = {"a": {"b": 1, "c": [1]}, "d": 2, "e": {"f": 1}}
    theirs = {"a": {"c": [2]}, "d": {"g": 3}, "e": None}
    assert kubeadm_files.merged(ours, theirs) == {
        "a": {"b": 1, "c": [2]},
        "d": {"g": 3},
        "e": None,
    }
    assert ours["a"] == {"b": 1, "c": [1]}


@pytest.mark.parametrize("version", ["1.20.2", "1.30.0", "1.36.2"])
def test_a_join_skips_only_phases_that_it_has(version: str) -> None:
    skipped = ["addon/coredns", "preflight", "wait-control-plane"]
    made = cluster(version=version, kubeadm={"skip_phases": skipped})
    text = kubeadm_files.join_config(made, made.workers[0], "t", "h")
    in_file = ["preflight"] if version != "1.20.2" else None
    assert yaml.safe_load(text).get("skipPhases") == in_file
    assert kubeadm_files.join_skip_phases(made) == ["preflight"]
    assert kubeadm_files.init_skip_phases(made) == skipped


def certificate() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    start = datetime.datetime(2026, 1, 1)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1))
        .sign(key, SHA256())
    )


def test_the_authority_is_what_kubeadm_pins(tmp_path: Path) -> None:
    made = certificate()
    pem = made.public_bytes(Encoding.PEM)
    found = joining.authority(pem.decode())
    assert found.sha256 == made.fingerprint(SHA256()).hex()
    key = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert found.key_hash == f"sha256:{hashlib.sha256(key).hexdigest()}"
    # The command in kubeadm's documentation.
    (tmp_path / "ca.crt").write_bytes(pem)
    there = "openssl pkey -pubin -outform der | openssl dgst -sha256 -hex"
    said = run(f"openssl x509 -pubkey -noout -in {tmp_path}/ca.crt | {there}")
    assert said.split()[-1] == found.key_hash.removeprefix("sha256:")


def in_folder(fact: Any, folder: Path, **arguments: Any) -> Any:
    """What a fact tells where /etc/kubernetes is this folder."""
    script = fact().command(**arguments).replace("/etc/kubernetes", str(folder))
    return fact().process(run(script).splitlines())


def test_both_ends_tell_the_authority_by_the_same_fingerprint(tmp_path: Path) -> None:
    """Also where a certificate authority of one's own has text around it, or another after it."""
    first, second = (certificate().public_bytes(Encoding.PEM).decode() for _ in range(2))
    (tmp_path / "pki").mkdir()
    for text in (first, f"Certificate:\n    Data: 1\n{first}", f"{first}{second}"):
        (tmp_path / "pki/ca.crt").write_text(text)
        state = in_folder(facts.Joined, tmp_path)
        assert state.ca_sha256 == joining.authority(text).sha256
        assert state.leftovers
        assert not state.unfinished
        assert not state.kubelet_conf


def test_how_far_an_init_came_is_read_from_its_files(tmp_path: Path) -> None:
    config = tmp_path / "kubeadm.yaml"
    arguments = {"last": "a/b", "namespace": "c", "config": str(config)}
    assert in_folder(facts.ControlPlane, tmp_path, **arguments).config_sha256 == ""
    config.write_text(CONFIG)
    (tmp_path / "admin.conf").write_text("current-context: kubernetes-admin@prod\nusers: []\n")
    state = in_folder(facts.ControlPlane, tmp_path, **arguments)
    assert (state.begun, state.settled, state.answers) == (True, False, False)
    assert (state.cluster, state.config_sha256) == ("prod", SAME)
    pem = "client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem"
    (tmp_path / "kubelet.conf").write_text(pem)
    assert in_folder(facts.ControlPlane, tmp_path, **arguments).settled


@pytest.mark.parametrize("text", ["", "junk", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate(text: str) -> None:
    with pytest.raises(ValueError):
        joining.authority(text)


def test_the_token_is_the_last_line() -> None:
    token = "abcdef.0123456789abcdef"
    assert joining.token(f"W1121 10:00:00 some warning\n{token}\n") == token
    for junk in ("", "\n", "error: no.\n", f"{token}0", "abcdef-0123456789abcdef"):
        with pytest.raises(ValueError, match="no token"):
            joining.token(junk)


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ([], facts.ControlPlaneState()),
        (["begun=yes"], facts.ControlPlaneState(begun=True)),
        (
            ["begun=yes", "active=yes", "answers=yes", "finished=yes"],
            facts.ControlPlaneState(True, True, True, True),
        ),
        (
            ["begun=yes", "settled=yes", "cluster=prod", "config=1"],
            facts.ControlPlaneState(True, settled=True, cluster="prod", config_sha256="1"),
        ),
        (["", "begun", "W1121 sh: kubectl", "\x00"], facts.ControlPlaneState()),
    ],
)
def test_control_plane_fact(lines: list[str], state: facts.ControlPlaneState) -> None:
    assert facts.ControlPlane().process(lines) == state


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ([], facts.JoinState()),
        (["leftovers=yes", "leftovers=yes"], facts.JoinState(leftovers=True)),
        (["kubelet_conf=yes", "leftovers=yes", f"ca={CA}", "active=yes"], JOINED),
        (
            ["leftovers=yes", "unfinished=yes", "control_plane=yes"],
            facts.JoinState(leftovers=True, unfinished=True, control_plane=True),
        ),
        (["junk", "="], facts.JoinState()),
    ],
)
def test_joined_fact(lines: list[str], state: facts.JoinState) -> None:
    assert facts.Joined().process(lines) == state


def test_kubeconfig_fact() -> None:
    lines = ["home=/home/me", "admin=1", "copy=2", "right=yes", "backed_up=yes"]
    found = facts.KubeconfigCopy().process(lines)
    assert found == facts.KubeconfigState("/home/me", "1", "2", True, True)
    assert facts.KubeconfigCopy().process(["junk"]) == facts.KubeconfigState()


def test_leftovers_fact() -> None:
    assert facts.Leftovers().process(["folders", " package:kubelet ", ""]) == {
        "folders",
        "package:kubelet",
    }


def test_network_facts() -> None:
    lines = [
        "route 10.244.1.0/24 via 10.0.0.11 dev eth0 ",
        "route 10.244.9.0/24 dev eth0 scope link ",
        "route",
        "chains",
    ]
    state = cni_facts.Routes().process(lines)
    assert state == cni_facts.RoutesState({"10.244.1.0/24": "10.0.0.11"}, True)
    assert cni_facts.Routes().process(["junk", ""]) == cni_facts.RoutesState({})
    line = r"4: cni0    inet 10.244.1.1/24 brd 10.244.1.255 scope global cni0\       valid_lft ..."
    assert cni_facts.BridgeAddress().process([line]) == "10.244.1.1"
    assert cni_facts.BridgeAddress().process(["", "junk"]) == ""
    labels = ["cp1 kubernetes.io/os linux", "cp1 node-role.kubernetes.io/control-plane ", "junk"]
    assert cni_facts.NodeLabels().process(labels) == {
        "cp1": {"kubernetes.io/os": "linux", "node-role.kubernetes.io/control-plane": ""}
    }


@pytest.mark.parametrize(
    ("fact", "arguments"),
    [
        (facts.ControlPlane, {"last": "a/b", "namespace": "c", "config": "/d"}),
        (facts.Joined, {}),
        (facts.KubeconfigCopy, {"user": "root"}),
        (facts.KubeconfigCopy, {"user": "no-such-login"}),
        (facts.Leftovers, {}),
        (cni_facts.Routes, {"protocol": 186}),
        (cni_facts.BridgeAddress, {}),
        (cni_facts.NodeLabels, {}),
    ],
)
def test_facts_need_nothing_installed(fact: Any, arguments: dict[str, Any], tmp_path: Path) -> None:
    """Where every program is missing they end well, with something that can be read."""
    done = subprocess.run(
        ["/bin/sh", "-c", fact().command(**arguments)],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert isinstance(fact().process(done.stdout.splitlines()), type(fact.default()))


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


ROUTES = {
    "wanted": {"10.244.1.0/24": "10.0.0.11"},
    "protocol": 186,
    "unit": "kubeinstall-routes",
    "files": ("/etc/u", "/usr/local/s"),
}
LIVE = cni_facts.RoutesState({"10.244.1.0/24": "10.0.0.11"}, True)
RAN = UnitState("loaded", "active", "enabled", started=2.0, configured=1.0)


@pytest.mark.parametrize(
    ("live", "unit", "right"),
    [
        (LIVE, RAN, True),
        (cni_facts.RoutesState({"10.244.1.0/24": "10.0.0.12"}, True), RAN, False),
        (cni_facts.RoutesState({"10.244.1.0/24": "10.0.0.11"}, False), RAN, False),
        (cni_facts.RoutesState({}, True), RAN, False),
        (LIVE, replace(RAN, enabled="disabled"), False),
        (LIVE, replace(RAN, active="failed"), False),
        # Written by a run that was killed before it could restart the unit.
        (LIVE, replace(RAN, configured=3.0), False),
        (LIVE, replace(RAN, stale=True), False),
    ],
)
def test_routes(
    monkeypatch: pytest.MonkeyPatch, live: cni_facts.RoutesState, unit: UnitState, right: bool
) -> None:
    found = {cni_facts.Routes: live, Unit: unit}
    lines = texts(commands(monkeypatch, cni.routes, found, **ROUTES))
    assert lines == (
        []
        if right
        else [
            "systemctl daemon-reload && systemctl enable -q kubeinstall-routes",
            "systemctl restart kubeinstall-routes",
        ]
    )


@pytest.mark.parametrize(
    ("address", "lines"),
    [("", []), ("10.244.2.1", []), ("10.244.1.1", ["ip link delete cni0"])],
)
def test_a_bridge_of_another_share(
    monkeypatch: pytest.MonkeyPatch, address: str, lines: list[str]
) -> None:
    found = {cni_facts.BridgeAddress: address}
    assert texts(commands(monkeypatch, cni.bridge, found, pod_cidr="10.244.2.0/24")) == lines


def test_only_missing_labels_of_nodes_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    have = {cni_facts.NodeLabels: {"w1": {"a": "1", "b": "2"}}}
    wanted = {"w1": {"a": "1", "b": "x y", "c": ""}, "w2": {"a": "1"}}
    (line,) = texts(commands(monkeypatch, cni.node_labels, have, wanted=wanted))
    assert line.endswith("label --overwrite node w1 'b=x y' c=")
    wanted = {"w1": {"a": "1"}}
    assert commands(monkeypatch, cni.node_labels, have, wanted=wanted) == []


RESETS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (reset.kubeadm_reset, {"cri_socket": "unix:///s"}),
    (
        reset.routes_gone,
        {"unit": "u", "unit_file": "/etc/u", "script": "/usr/local/s", "protocol": 186},
    ),
    (reset.cni_gone, {}),
    (reset.rules_gone, {}),
    (reset.folders_gone, {}),
    (reset.packages_gone, {}),
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
    assert lines[0] == "kubeadm reset -f --cri-socket unix:///s"
    assert lines[-1].endswith("purge kubeadm kubelet")
    routes = resets(monkeypatch, "routes")
    assert "proto 186" in routes[1]
    assert routes[2].startswith("rm -f /etc/u /usr/local/s")
    for name in ("cni", "interfaces", "rules", "tables", "folders"):
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
