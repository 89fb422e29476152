"""The ``images`` phase: kubeadm's list, what is missing of it, and the registry's answer."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from kubeinstall.deploys.kubernetes.images import left_out, required
from kubeinstall.diagnose.causes import find_cause
from kubeinstall.facts.kubeadm_images import Images, ImagesState
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.operations.images import pull_script, pulled, short_name
from tests.unit.clusters import cluster
from tests.unit.operating import commands, run, texts, with_programs

pytestmark = pytest.mark.unit

PROXY, PAUSE, ETCD = "r.example.org/kube-proxy:v1", "r.example.org/pause:3", "r.example.org/etcd:3"
GIVEN = {"config": "kind: X", "docker": True}


def test_a_host_that_is_a_node_already_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {Images: ImagesState(node=True, missing=(PROXY,))}
    assert commands(monkeypatch, pulled, facts, **GIVEN) == []


def test_nothing_is_pulled_where_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {Images: ImagesState(known=True, present=(PROXY, PAUSE))}
    assert commands(monkeypatch, pulled, facts, **GIVEN) == []


def test_what_is_missing_is_pulled_but_not_what_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = {Images: ImagesState(known=True, present=(PAUSE,), missing=(PROXY, ETCD))}
    (line,) = texts(commands(monkeypatch, pulled, facts, left_out=("etcd",), **GIVEN))
    assert PROXY in line
    assert ETCD not in line
    assert PAUSE not in line


def test_without_kubeadm_a_plan_tells_that_images_will_be_pulled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (line,) = texts(commands(monkeypatch, pulled, {}, **GIVEN))
    assert "kubeadm config images list" in line


def test_what_a_host_can_do_without() -> None:
    of = cluster()
    assert left_out(of, of.first) == ()
    assert "kube-proxy" not in left_out(of, of.hosts[1])
    assert {"etcd", "coredns", "kube-apiserver"} <= set(left_out(of, of.hosts[1]))
    skipping = cluster(kubeadm={"skip_phases": ["addon/coredns"]})
    assert left_out(skipping, skipping.first) == ("coredns",)
    without = cluster(kubeadm={"skip_phases": ["addon"]})
    assert left_out(without, without.first) == ("coredns", "kube-proxy")


@pytest.mark.parametrize(
    ("ignored", "is_required"), [([], True), (["NumCPU"], True), (["ImagePull"], False)]
)
def test_kubeadms_word_for_leaving_images_out(ignored: list[str], is_required: bool) -> None:
    assert required(cluster(kubeadm={"ignore_preflight_errors": ignored})) is is_required


def test_names() -> None:
    assert short_name("10.0.0.2:5000/k8s/kube-proxy:v1.36.2") == "kube-proxy"
    assert short_name("registry.k8s.io/pause@sha256:abc") == "pause"


def test_kubeadm_is_asked_with_what_it_would_look_for() -> None:
    of = cluster()
    init, whole = yaml.safe_load_all(kubeadm_files.images_config(of, of.hosts[1]))
    assert init["localAPIEndpoint"] == {"advertiseAddress": "10.0.0.11"}
    assert init["nodeRegistration"]["criSocket"].endswith("containerd.sock")
    assert whole["imageRepository"] == "registry.k8s.io"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Stand-ins for kubeadm, docker and ctr: three images wanted, of which one is there."""
    for name, body in {
        "kubeadm": f"grep -q 'kind: X' && printf '%s\\n' {PROXY} {PAUSE} {ETCD}",
        "docker": f'[ "$3" = {PAUSE} ]',
        "ctr": f"echo {PAUSE}",
        "sleep": "true",
    }.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("docker", [True, False])
def test_the_fact(programs: Path, docker: bool) -> None:
    env = {"PATH": f"{programs}:{os.environ['PATH']}"}
    script = with_programs(Images().command(config="kind: X", docker=docker), programs)
    lines = run(script, env=env).splitlines()
    assert Images().process(lines) == ImagesState(
        known=True, present=(PAUSE,), missing=(PROXY, ETCD)
    )


def test_junk_is_no_image() -> None:
    assert Images().process(["motd", "=", "present=", "missing"]) == ImagesState()


def pull(programs: Path, docker: str, required: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the script with a stand-in for docker."""
    (programs / "docker").write_text(f'#!/bin/sh\necho "$3" >> {programs}/calls\n{docker}\n')
    script = pull_script([PROXY, ETCD], docker=True, required=required)
    env = {"PATH": f"{programs}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=env)


def test_progress_is_told(programs: Path) -> None:
    ran = pull(programs, "true")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [f"pulling {PROXY} (1 of 2)", f"pulling {ETCD} (2 of 2)"]


def test_every_missing_image_is_named(programs: Path) -> None:
    no = "echo Error response from daemon: manifest for $3 not found: manifest unknown >&2; exit 1"
    ran = pull(programs, no)
    assert ran.returncode == 1
    assert [line.split()[1] for line in ran.stderr.splitlines()] == [PROXY, ETCD]
    assert (programs / "calls").read_text().split() == [PROXY, ETCD]
    found = find_cause(ran.stderr)
    assert found is not None
    assert f"r.example.org has no image {PROXY}: Error response" in found.why


def test_a_registry_out_of_reach_is_tried_twice_and_left(programs: Path) -> None:
    ran = pull(programs, "echo dial tcp 192.0.2.1:443: connect: connection refused >&2; exit 1")
    assert ran.returncode == 1
    assert (programs / "calls").read_text().split() == [PROXY, PROXY]
    found = find_cause(ran.stderr)
    assert found is not None
    assert "the registry r.example.org cannot be reached" in found.why


def test_the_same_is_only_told_where_kubeadm_may_go_on_without(programs: Path) -> None:
    ran = pull(programs, "echo not found; exit 1", required=False)
    assert ran.returncode == 0
    assert f"image {ETCD} cannot be pulled: not found" in ran.stdout


def test_a_registry_that_is_gone_is_no_image_that_may_be_missing(programs: Path) -> None:
    refused = "echo dial tcp 192.0.2.1:443: connect: connection refused >&2; exit 1"
    ran = pull(programs, refused, required=False)
    assert ran.returncode == 1
    found = find_cause(ran.stderr)
    assert found is not None
    assert "the registry r.example.org cannot be reached" in found.why
    docker = "echo Cannot connect to the Docker daemon at unix:///x >&2; exit 1"
    ran = pull(programs, docker, required=False)
    assert ran.returncode == 1
    found = find_cause(ran.stderr)
    assert found is not None
    assert found.why.startswith("Docker is not running: Cannot connect to the Docker daemon")


@pytest.mark.parametrize(("with_crictl", "pulled_by"), [(False, "ctr"), (True, "crictl")])
def test_only_crictl_has_containerds_logins(
    programs: Path, with_crictl: bool, pulled_by: str
) -> None:
    for name in ("ctr", *(["crictl"] if with_crictl else [])):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {programs}/calls\n')
        (programs / name).chmod(0o755)
    other = "other.example.org/etcd:3"
    script = pull_script([PROXY, other], docker=False, required=True, logins=["r.example.org"])
    said = run(script, env={"PATH": f"{programs}:/usr/bin:/bin"})
    calls = (programs / "calls").read_text()
    assert f"{pulled_by} " in calls
    assert other in calls
    assert (PROXY in calls) is with_crictl
    assert (f"{PROXY} is left to the kubelet" in said) is not with_crictl


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("level=info msg=x response was http.StatusNotFound", "has no image"),
        ("pull access denied for x, repository does not exist", "has no image"),
        ("x: 401 Unauthorized", "does not allow this host"),
        ("http: server gave HTTP response to HTTPS client", "uses plain HTTP"),
        (
            "tls: failed to verify certificate: x509: unknown authority",
            "has an untrusted certificate",
        ),
        ("dial tcp: lookup r.example.org: no such host", "cannot be reached"),
    ],
)
def test_the_registrys_answer_in_words(programs: Path, answer: str, words: str) -> None:
    ran = pull(programs, f"echo '{answer}' >&2; exit 1")
    found = find_cause(ran.stderr)
    assert found is not None
    assert found.why.startswith(f"the registry r.example.org {words}")
    assert "{" not in found.next.replace("{r.example.org: {insecure: true}}", "")
