"""Arguments of a control plane that runs: what changes, what stays, and what kubeadm is given."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kubeinstall.deploys.kubernetes.control_plane_arguments import changes, with_arguments
from kubeinstall.facts.static_pods import StaticPods, StaticPodsState
from kubeinstall.files.kubeadm import cluster_configuration
from kubeinstall.inventory.model import Document
from kubeinstall.operations.static_pods import Change, arguments_changed
from tests.unit.clusters import cluster
from tests.unit.operating import run, texts, with_programs

pytestmark = pytest.mark.unit

MODE = "--authorization-mode=Node,RBAC"


def ours(version: str = "1.20.2", **kubeadm: dict[str, object]) -> Document:
    return cluster_configuration(cluster(version=version, kubeadm=kubeadm))


def live(**arguments: str) -> Document:
    """As kubeadm 1.20 notes it: with an argument of its own."""
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta2",
        "kind": "ClusterConfiguration",
        "apiServer": {
            "extraArgs": {"authorization-mode": "Node,RBAC", **arguments},
            "timeoutForControlPlane": "4m0s",
        },
        "scheduler": {},
    }


def runs(*arguments: str) -> StaticPodsState:
    return StaticPodsState({"kube-apiserver": (MODE, *arguments)})


def test_what_is_as_the_inventory_says_is_left_alone() -> None:
    wanted = ours(api_server_args={"v": 2})
    assert changes(live(), ours(), ours(), runs()) == ()
    assert changes(live(v="2"), wanted, wanted, runs("--v=2")) == ()
    assert with_arguments(live(v="2"), wanted, wanted) == live(v="2")


def test_a_new_argument_and_another_value() -> None:
    wanted = ours(api_server_args={"v": 3}, scheduler_args={"profiling": False})
    scheduler, api = changes(live(v="2"), ours(api_server_args={"v": 2}), wanted, runs("--v=2"))
    assert (scheduler.component, scheduler.wanted) == ("kube-scheduler", ("--profiling=false",))
    assert (api.component, api.wanted, api.unwanted) == ("kube-apiserver", ("--v=3",), ("--v=2",))
    assert api.diff.splitlines()[2:] == ["---v=2", "+--v=3"]
    new = with_arguments(live(v="2"), ours(), wanted)
    assert new == {**live(v="3"), "scheduler": {"extraArgs": {"profiling": "false"}}}


def test_only_what_the_inventory_had_is_taken_out() -> None:
    [api] = changes(live(v="2", theirs="1"), ours(api_server_args={"v": 2}), ours(), runs("--v=2"))
    assert (api.wanted, api.unwanted) == ((), ("--v=2",))
    assert with_arguments(live(v="2"), ours(api_server_args={"v": 2}), ours()) == live()
    # Somebody has given it another value since.
    assert changes(live(v="9"), ours(api_server_args={"v": 2}), ours(), runs("--v=9")) == ()


def test_an_argument_that_was_taken_out_of_a_manifest_is_put_back() -> None:
    wanted = ours(api_server_args={"v": 2, "text": "a: b"})
    [api] = changes(live(v="2", text="a: b"), wanted, wanted, runs())
    assert api.diff.splitlines()[2:] == ["+--v=2"]


def test_arguments_are_a_list_from_v1beta4_on() -> None:
    has = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "etcd": {"local": {"extraArgs": [{"name": "quota", "value": "1"}]}},
    }
    wanted = ours("1.36.2", etcd_args={"quota": 2})
    [etcd] = changes(has, ours("1.36.2"), wanted, StaticPodsState())
    assert (etcd.phase, etcd.wanted, etcd.unwanted) == (
        "etcd local",
        ("--quota=2",),
        ("--quota=1",),
    )
    new = with_arguments(has, ours("1.36.2"), wanted)
    assert new["etcd"] == {"local": {"extraArgs": [{"name": "quota", "value": "2"}]}}


def test_the_fact_reads_what_runs(tmp_path: Path) -> None:
    for name, argument in (("kube-apiserver", MODE), ("etcd", "--x=a: b")):
        (tmp_path / f"{name}.yaml").write_text(f"  - command:\n    - {name}\n    - {argument}\n")
    command = StaticPods().command()
    said = run(command.replace("/etc/kubernetes/manifests", str(tmp_path)))
    wanted = StaticPodsState({"kube-apiserver": (MODE,), "etcd": ("--x=a: b",)})
    assert StaticPods().process(said.splitlines()) == wanted
    assert run(command.replace("/etc/kubernetes/manifests", "/nowhere")) == ""
    junk = ["", "junk", "/x.yaml:- y", "/x.yaml", "/x:- --a=b"]
    assert StaticPods().process(junk) == StaticPodsState()


def test_the_note_comes_last_and_the_scripts_are_sound() -> None:
    change = Change("kube-scheduler", "control-plane scheduler", ("--a=it's",), ("--b=1",), "")
    given = {"node": "cp1", "config": "kind: X\n", "path": "/etc/note", "environment": ""}
    assert list(arguments_changed._inner(changes=(), note="", **given)) == []
    yielded = list(arguments_changed._inner(changes=(change,), note="note", **given))
    apply, upload, write = texts(yielded)
    subprocess.run(["sh", "-n"], input=apply, text=True, check=True)
    assert "phase='control-plane scheduler'" in apply
    assert upload == "/usr/bin/kubeadm init phase upload-config kubeadm --config /dev/stdin"
    assert "/etc/note" in write


@pytest.mark.parametrize(
    "line",
    [
        '{"log":"Error: unknown flag: --x\\n","stream":"stderr","time":"2026-11-21T12:12:52Z"}',
        "2026-11-21T12:12:52.28Z stderr F Error: unknown flag: --x",
        "Error: unknown flag: --x",
    ],
)
def test_a_containers_last_words_are_told_without_what_its_runtime_adds(
    tmp_path: Path, line: str
) -> None:
    log = tmp_path / "pods/kube-system_etcd-cp1_1/etcd/0.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"{line}\n")
    ended = changed(tmp_path, Change("etcd", "etcd local", (), (), ""), said="")
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "etcd does not come back with its new arguments: it has its old ones again",
        "etcd: Error: unknown flag: --x",
    ]
    assert (tmp_path / "kubernetes/manifests/etcd.yaml").read_text() == "old"


@pytest.mark.parametrize(
    ("said", "is_well"),
    [
        ("etcd\n--a=it's\n--c=x y\nready=True", True),
        ("etcd\n--a=it's\n--c=x y\nready=False", False),
        ("etcd\n--a=it's\nready=True", False),
        ("etcd\n--a=it's\n--c=x y\n--b=1\nready=True", False),
        ("etcd\n--a=it's\n--c=x y\n--b=12\nready=True", True),
        ("", False),
    ],
)
def test_a_pod_is_well_with_all_that_is_wanted_and_nothing_that_is_not(
    tmp_path: Path, said: str, is_well: bool
) -> None:
    change = Change("etcd", "etcd local", ("--a=it's", "--c=x y"), ("--b=1",), "")
    assert changed(tmp_path, change, said).returncode == (0 if is_well else 1)
    written = (tmp_path / "kubernetes/manifests/etcd.yaml").read_text()
    assert written == ("etcd local\n" if is_well else "old")


def changed(folder: Path, change: Change, said: str) -> subprocess.CompletedProcess[str]:
    """What the script does where the pod is as it is said; a second is a minute.

    Args:
        folder: in the place of /etc, with the logs of pods.
    """
    manifest = folder / "kubernetes/manifests/etcd.yaml"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("old")
    (folder / "said").write_text(f"{said}\n")
    (folder / "now").write_text("0\n")
    programs = {
        "kubeadm": f'echo "$3 $4" > {manifest}',
        "kubectl": f"case $* in *readyz*) echo ok ;; *) cat {folder}/said ;; esac",
        "sleep": f"echo $(($(cat {folder}/now) + 20)) > {folder}/now",
        "date": f"cat {folder}/now",
    }
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    given = {"node": "cp1", "config": "", "path": "", "environment": "", "note": ""}
    text = texts(list(arguments_changed._inner(changes=(change,), **given)))[0]
    text = text.replace("/etc/kubernetes", f"{folder}/kubernetes")
    text = text.replace("/var/log/pods", f"{folder}/pods")
    return subprocess.run(
        ["sh", "-c", with_programs(text, folder)],
        env={"PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
