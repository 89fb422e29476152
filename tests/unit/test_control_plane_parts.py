"""A part of a control plane that lacks is put back alone, by its own phase of kubeadm."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from kubeinstall.deploys.kubernetes.control_plane import _title
from kubeinstall.engine.types import Output
from kubeinstall.facts.control_plane import AUTHORITIES, FILES, STATIC_PODS, Etcd, Part
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.findings import Kind
from kubeinstall.operations.control_plane import complete, put_back, titles
from kubeinstall.operations.control_plane_decision import Action, Decision
from kubeinstall.operations.proxy import pod_proxies
from kubeinstall.phases import control_plane
from kubeinstall.phases.phase import Run
from kubeinstall.preflight.probe import Probe
from kubeinstall.preflight.rules import judge
from kubeinstall.verify.checks import cluster_state
from tests.unit.checked import ended
from tests.unit.clusters import cluster
from tests.unit.operating import commands, with_programs
from tests.unit.played_session import PlayedSession, played_run

pytestmark = pytest.mark.unit

DISK = [part for part in Part if part in FILES]
CLUSTER = [part for part in Part if part not in FILES]


def puts_back(monkeypatch: pytest.MonkeyPatch, **decision: Any) -> list[Any]:
    decided = Decision(Action.KEEP, **decision)
    given = {"decision": decided, "config": "text", "environment": "/e"}
    return commands(monkeypatch, put_back, {}, **given)


@pytest.mark.parametrize("part", DISK)
def test_a_part_on_the_disk_is_put_back_by_its_phase(
    monkeypatch: pytest.MonkeyPatch, part: Part
) -> None:
    done = puts_back(monkeypatch, parts=(part,))
    lines = [command.get_raw_value() for command in done]
    assert f"/usr/bin/kubeadm init phase {part.value} --config /dev/stdin" in lines[0]
    assert done[0].stdin == "text"
    assert lines[0].startswith("set -a; . /e; set +a; ")
    assert not any("kubeadm init --" in line or "kubeadm reset" in line for line in lines)
    # A certificate or a kubeconfig is read when its pod starts; a manifest starts its pod itself.
    assert any("kill $pid" in line for line in lines) is (part not in STATIC_PODS)
    assert any("get --raw /readyz" in line for line in lines)


RENEWED = {
    Part.API_SERVER_CERT: "apiserver",
    Part.ETCD_SERVER_CERT: "etcd-server",
    Part.ADMIN_CONF: "admin.conf",
    Part.SCHEDULER_CONF: "scheduler.conf",
}


@pytest.mark.parametrize("part", RENEWED)
def test_a_certificate_that_has_ended_is_renewed(
    monkeypatch: pytest.MonkeyPatch, part: Part
) -> None:
    first, restart, wait = puts_back(monkeypatch, expired=(part,))
    assert f"/usr/bin/kubeadm certs renew {RENEWED[part]} --config" in first.get_raw_value()
    assert "kill $pid" in restart.get_raw_value()
    assert "readyz" in wait.get_raw_value()


def test_the_kubelets_own_certificate_is_signed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """kubeadm does not renew it: its kubeconfig is made, and it asks for a certificate."""
    done = puts_back(monkeypatch, expired=(Part.KUBELET_CONF,))
    first, last = done[0].get_raw_value(), done[-1].get_raw_value()
    assert "rm -f /etc/kubernetes/kubelet.conf /var/lib/kubelet/pki/kubelet-client-*" in first
    assert "init phase kubeconfig kubelet" in first
    assert "init phase kubelet-finalize all" in last


def test_nothing_lacks_and_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    assert puts_back(monkeypatch) == []
    (wait,) = puts_back(monkeypatch, wait=True)
    assert "readyz" in wait.get_raw_value()
    given = {"decision": Decision(Action.INIT), "config": None, "environment": ""}
    assert commands(monkeypatch, put_back, {}, **given) == []
    assert commands(monkeypatch, complete, {}, **given) == []


@pytest.mark.parametrize("operation", [put_back, complete])
def test_without_a_configuration_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, operation: Any
) -> None:
    decision = Decision(Action.KEEP, parts=(Part.ETCD,), objects=(Part.KUBE_PROXY,))
    given = {"decision": decision, "config": None, "environment": ""}
    with pytest.raises(OperationError):
        commands(monkeypatch, operation, {}, **given)
    wanted = {"wanted": {"HTTP_PROXY": "x"}, "environment": "", "kube_proxy": True}
    assert commands(monkeypatch, pod_proxies, {}, config=None, **wanted) == []


@pytest.mark.parametrize("part", CLUSTER)
def test_a_part_in_the_cluster_is_put_back_by_its_phase(
    monkeypatch: pytest.MonkeyPatch, part: Part
) -> None:
    decision = Decision(Action.KEEP, objects=(part,))
    given = {"decision": decision, "config": "text", "environment": ""}
    first, *more = commands(monkeypatch, complete, {}, **given)
    assert first.get_raw_value() == (
        f"/usr/bin/kubeadm init phase {part.value} --config /dev/stdin"
    )
    finalized = any("kubelet-finalize" in command.get_raw_value() for command in more)
    assert finalized is (part is Part.BOOTSTRAP_TOKEN)


@pytest.mark.parametrize("part", Part)
def test_every_part_is_a_phase_that_may_be_skipped_and_has_a_title(part: Part) -> None:
    cluster(kubeadm={"skip_phases": [part.value.replace(" ", "/")]})
    assert titles([part])


def test_the_title_says_what_is_done() -> None:
    decision = Decision(
        Action.KEEP,
        parts=(Part.ADMIN_CONF, Part.SCHEDULER),
        expired=(Part.API_SERVER_CERT,),
    )
    assert _title(decision) == (
        "Restore admin.conf and the manifest of kube-scheduler; renew the certificate apiserver"
    )
    assert titles([Part.KUBE_PROXY]) == "the add-on kube-proxy"
    assert _title(Decision(Action.INIT)) == "Wait for the API server"


def test_an_api_server_that_does_not_come_back_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (wait,) = puts_back(monkeypatch, wait=True)
    for name, body in {"kubectl": "echo refused >&2; exit 1", "sleep": "true"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    clock = tmp_path / "clock"
    clock.write_text("0")
    (tmp_path / "date").write_text(
        f"#!/bin/sh\nn=$(($(cat {clock}) + 100)); echo $n | tee {clock}\n"
    )
    (tmp_path / "date").chmod(0o755)
    log = tmp_path / "pods/kube-system_kube-apiserver-cp1_1/kube-apiserver/0.log"
    log.parent.mkdir(parents=True)
    log.write_text("2026 stderr F Error: unknown flag: --frobnicate\n")
    script = with_programs(wait.get_raw_value(), tmp_path)
    script = script.replace("/var/log/pods", str(tmp_path / "pods"))
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=env)
    assert ran.returncode == 1
    assert "kube-apiserver: Error: unknown flag: --frobnicate" in ran.stderr
    assert "the API server does not answer: refused" in ran.stderr


def phase(*lines: str, dry: bool = False, **session: Any) -> tuple[Run, PlayedSession]:
    """The phase, on a host whose fact has these lines."""
    noted = kubeadm_files.init_config(cluster(workers=0))

    def answer(_host: str, command: str) -> Output:
        if "peerURLs" in command:
            return Output(0, "\n".join(lines), "")
        if "base64 -w0" in command and "configuration" not in command:
            encoded = subprocess.run(["base64", "-w0"], input=noted, capture_output=True, text=True)
            return Output(0, f"600\nno\n{encoded.stdout}\n", "")
        return Output(0, "", "")

    run, fake, _ = played_run(cluster(workers=0), dry=dry, answer=answer, **session)
    fake.connect()
    control_plane.run(run)
    return run, fake


UP = ("begun=yes", "settled=yes", "signed=yes", f"etcd={Etcd.DATA}", "answers=yes")
WHOLE = [f"file={path}" for files in FILES.values() for path in files]


@pytest.mark.parametrize("dry", [True, False])
def test_a_refusal_is_a_finding_before_anything_is_changed(dry: bool) -> None:
    _, session = phase(*UP, *WHOLE, "address=10.0.0.99", dry=dry)
    assert session.rounds == []
    finding = session.failures["cp1"]
    assert finding.kind is Kind.CLUSTER
    assert "10.0.0.99" in finding.what
    assert "10.0.0.10" in finding.what
    assert finding.next


def test_a_whole_one_goes_through_all_its_steps() -> None:
    authorities = [f"file={path}" for path in AUTHORITIES]
    _, session = phase(*UP, *WHOLE, *authorities)
    assert session.failures == {}
    assert [name for name, *_ in session.rounds] == ["control-plane"] * 3


def test_what_comes_after_a_step_that_failed_is_left() -> None:
    _, session = phase(fails={"cp1": "control-plane"})
    assert len(session.rounds) == 1
    assert session.failures["cp1"].kind is Kind.OPERATION


def test_an_init_that_ends_well_and_makes_nothing_is_a_failure() -> None:
    _, session = phase()
    assert any("kubeadm init" in command for _, command in session.did)
    assert len(session.rounds) == 1
    assert "there is no control plane" in session.failures["cp1"].what
    _, session = phase(dry=True)
    assert session.failures == {}


def found(**probe: Any) -> list[str]:
    made = cluster(workers=0)
    probes = {"cp1": Probe(os="debian", os_version="12", arch="x86_64", cpus=4, **probe)}
    return [str(f) for f in judge(made, probes) if "memory" not in f.what]


def test_preflight_refuses_another_address_and_what_is_left_in_etcds_folder() -> None:
    assert not any("uses the address" in text for text in found(in_use=("10.0.0.10",)))
    (moved,) = [text for text in found(in_use=("10.0.0.99",)) if "uses the address" in text]
    assert "its control plane uses the address 10.0.0.99, but the inventory says 10.0.0.10" in moved
    (moved,) = [text for text in found(members=("10.0.0.99",)) if "uses the address" in text]
    (left,) = [text for text in found(etcd_left=True) if "/var/lib/etcd" in text]
    assert "mv /var/lib/etcd /var/lib/etcd.old" in left
    assert "kubeinstall reset" in left


def test_preflight_names_another_program_of_that_name() -> None:
    (text,) = [text for text in found(programs=("/usr/local/bin/kubeadm",)) if "PATH" in text]
    assert "/usr/local/bin/kubeadm comes before the package's own kubeadm" in text


def test_verify_names_a_control_planes_pod_that_is_not_there() -> None:
    def answers(names: list[str]) -> Any:
        items = [{"kind": "Pod", "metadata": {"name": name}} for name in names]
        return lambda _command: (0, json.dumps({"items": items}))

    check, names = (
        cluster_state.control_plane_pods_are_there,
        [f"{name}-cp1" for name in STATIC_PODS.values()],
    )
    assert ended(check, answers(names)) == ""
    assert "kube-scheduler-cp1" in ended(check, answers(names[:-1]))
