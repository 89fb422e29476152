"""A cluster that cannot be asked is not the same as no cluster."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kubeinstall.cli.status import command
from kubeinstall.cluster import nodes
from kubeinstall.cluster.joining import Authority
from kubeinstall.cluster.kubelets_on_disk import OwnWords
from kubeinstall.cluster.nodes import NO_CLUSTER, Nodes, Standing
from kubeinstall.engine.types import Output
from kubeinstall.findings import Kind, KubeinstallError
from kubeinstall.phases import connect, kubelets, network, runtime, workers
from kubeinstall.phases.phase import Phase, Run, Unasked
from kubeinstall.run.runner import execute
from kubeinstall.verify.status import as_json, as_text, status
from tests.unit.clusters import cluster
from tests.unit.operating import run as in_shell
from tests.unit.played_session import Memory, PlayedSession, played_run

pytestmark = pytest.mark.unit

REFUSED = "The connection to the server 10.0.0.10:6443 was refused"
EMPTY = '{"apiVersion": "v1", "items": [], "kind": "List"}'
"""What kubectl prints before it ends with 1: taken for an answer, that is a cluster of no nodes."""
OWN = {"cp1": "127.0.0.1 10.0.0.10", "w1": "127.0.0.1 10.0.0.11", "w2": "10.0.0.12"}


@pytest.fixture(autouse=True)
def _any_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "authority", lambda _: Authority("", ""))


def dead(
    dry: bool = False, flags: str = "", unreachable: tuple[str, ...] = (), **own: str
) -> tuple[Run, PlayedSession, Memory]:
    """A run over a cluster whose API server does not answer.

    Args:
        flags: those of each kubelet.
        own: host to the addresses of its interfaces.
    """

    def answer(host: str, command: str) -> Output:
        if NO_CLUSTER in command:
            return Output(1, EMPTY, f"warning: x\n{REFUSED}\n")
        if "kubeadm-flags.env" in command:
            return Output(0, f'KUBELET_KUBEADM_ARGS="{flags}"\n\036a: 1', "")
        if "addr show" in command:
            return Output(0, own.get(host, OWN[host]), "")
        return Output(0, "", "")

    run, session, memory = played_run(cluster(), dry=dry, answer=answer, unreachable=unreachable)
    session.connect()
    return run, session, memory


@pytest.mark.parametrize(
    ("answer", "standing", "reason"),
    [
        (Output(0, NO_CLUSTER, ""), Standing.NONE, ""),
        (Output(0, '{"items": []}\036ca\036', ""), Standing.ANSWERED, ""),
        (Output(1, EMPTY, REFUSED), Standing.UNKNOWN, REFUSED),
        (Output(1, NO_CLUSTER, ""), Standing.UNKNOWN, NO_CLUSTER),
        (Output(127, "", ""), Standing.UNKNOWN, "kubectl exited with code 127"),
        (Output(0, "", ""), Standing.UNKNOWN, "its answer cannot be read (JSONDecodeError)"),
        (Output(0, "[]", ""), Standing.UNKNOWN, "its answer cannot be read (ValueError)"),
        (Output(0, '{"items": []}\036ca\036[]', ""), Standing.UNKNOWN, "(ValueError)"),
        (Output(1, "", "a" * 1000), Standing.UNKNOWN, "a" * 300),
    ],
)
def test_only_a_host_that_says_so_has_no_cluster(
    answer: Output, standing: Standing, reason: str
) -> None:
    found = Nodes.read(answer, "cp1")
    assert found.standing is standing
    assert found.reason.endswith(reason)
    assert (found.names is None) is (standing is not Standing.ANSWERED)


def test_the_question_on_a_host_without_a_control_plane() -> None:
    """Run in this machine's shell."""
    found = Nodes.read(Output(0, in_shell(nodes.question(cluster().version)), ""), "cp1")
    assert found == Nodes(host="cp1")


def test_no_answer_is_raised_with_its_reason() -> None:
    run, _, _ = dead()
    with pytest.raises(Unasked) as raised:
        run.nodes()
    (finding,) = raised.value.findings
    assert (finding.kind, finding.where, finding.why) == (Kind.CLUSTER, "cp1", REFUSED)
    assert "--until control-plane" in finding.next


def test_a_first_control_plane_that_is_off_is_unknown() -> None:
    run, _, _ = dead(unreachable=("cp1",))
    assert run.asked().reason == "cp1 cannot be used"


@pytest.mark.parametrize("phase", [workers, network, kubelets])
def test_phases_that_act_on_nodes_do_nothing_without_an_answer(phase: Any) -> None:
    run, session, _ = dead()
    with pytest.raises(Unasked):
        phase.run(run)
    assert session.rounds == []


def test_a_plan_goes_on_and_says_what_it_does_not_know() -> None:
    run, session, memory = dead(dry=True)
    phases = (
        Phase("connect", "", connect.run, connects=True),
        Phase("network", "", network.run, network.deploys),
        Phase("other", "", lambda run: run.reporter.note("other ran")),
    )
    assert execute(run, phases) == 0
    assert f"not planned, because the cluster does not answer: {REFUSED}" in memory.notes
    assert memory.notes[-1] == "other ran"
    assert session.rounds == []


def test_a_real_run_ends_there() -> None:
    run, _, memory = dead()
    phases = (
        Phase("connect", "", connect.run, connects=True),
        Phase("network", "", network.run, network.deploys),
    )
    assert execute(run, phases) == Kind.CLUSTER
    assert [finding.why for finding in memory.errors] == [REFUSED]


def test_a_runtime_is_not_switched_under_pods_that_cannot_be_moved() -> None:
    """The cluster's note is not there to be read: each kubelet's own files say what it uses."""
    run, session, _ = dead(flags="--network-plugin=cni")
    runtime.run(run)
    assert session.rounds == []
    finding = session.failures["w1"]
    assert finding.what == "it cannot be switched from docker to containerd"
    assert REFUSED in finding.why


def test_a_runtime_that_stays_is_seen_to() -> None:
    run, session, _ = dead(flags="--container-runtime-endpoint=unix:///run/containerd/c.sock")
    runtime.run(run)
    assert session.rounds == [("runtime", ["cp1", "w1", "w2"], False)]


def test_nodes_keep_the_addresses_that_their_kubelets_have() -> None:
    run, session, _ = dead(flags="--node-ip=172.16.0.2", w1="172.16.0.2 172.16.0.9")
    connect.run(run)
    assert run.cluster.host("w1").node_ip == "172.16.0.2"
    assert not [command for _, command in session.asked if "route get" in command]


def test_the_address_of_a_node_that_nobody_knows_is_not_guessed() -> None:
    run, _, _ = dead(flags="--node-ip=172.16.0.2", unreachable=("w2",), w1="172.16.0.2")
    with pytest.raises(KubeinstallError) as raised:
        connect.run(run)
    assert raised.value.findings[0].where == "w2"


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("", OwnWords()),
        ("no node", OwnWords()),
        ("\036", OwnWords(None, "docker")),
        ('A="--node-ip=1.2.3.4"\036', OwnWords(IPv4Address("1.2.3.4"), "docker")),
        ('A="--node-ip=$(reboot)"\036', OwnWords(None, "docker")),
        (
            "\036containerRuntimeEndpoint: unix:///run/containerd/a.sock",
            OwnWords(None, "containerd"),
        ),
        ("\036containerRuntimeEndpoint: unix:///run/crio.sock", OwnWords()),
    ],
)
def test_what_a_kubelets_files_say(text: str, own: OwnWords) -> None:
    assert OwnWords.parse(text) == own


def test_status_says_that_it_cannot_ask_and_why() -> None:
    run, _, _ = dead()
    found = status(run.session, run.cluster, None)
    assert {one.ready for one in found} == {"unknown"}
    text = as_text(found, [], REFUSED)
    assert f"the cluster does not answer: {REFUSED}" in text
    assert "no node" not in text
    assert json.loads(as_json(run.cluster, found, [], REFUSED))["problem"] == REFUSED
    assert {one.ready for one in status(run.session, run.cluster, [])} == {"no node"}


def test_status_ends_with_the_clusters_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run, _, _ = dead()

    class Running:
        def __enter__(self) -> Run:
            return run

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr("kubeinstall.cli.status.running", lambda *_a, **_k: Running())
    monkeypatch.setattr("kubeinstall.cli.status.read", lambda *_: (run.cluster, ()))
    inventory = tmp_path / "hosts.yaml"
    inventory.write_text("")
    ran = CliRunner().invoke(command, ["-i", str(inventory)], standalone_mode=False)
    assert ran.return_value == Kind.CLUSTER, ran.output
    assert REFUSED in ran.output
    assert "no node" not in ran.output
