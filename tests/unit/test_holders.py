"""Settings of ours that somebody else holds already: refused before anything is changed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.deploys import hosts
from kubeinstall.deploys.kubernetes import kubelet_flags
from kubeinstall.deploys.runtime import containerd
from kubeinstall.facts.flags import CommandLine, Flags
from kubeinstall.facts.kernel import SysctlLines
from kubeinstall.facts.package_sources import AptSources, DnfRepositories, PackageSource
from kubeinstall.families import debian, redhat, repositories
from kubeinstall.files import containerd as containerd_files
from kubeinstall.files import kubelet as kubelet_files
from kubeinstall.files.family import Repository
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.load import load_with_warnings
from kubeinstall.inventory.model import Host, Kubelet, RuntimeName
from kubeinstall.run.runner import execute
from tests.unit.clusters import cluster
from tests.unit.local_session import LocalSession, steps
from tests.unit.operating import FactHost, run
from tests.unit.played_session import played_run
from tests.unit.test_phases_runner import MORE

pytestmark = pytest.mark.unit

URL = "https://mirror.example.org/linux/debian"
OURS = "/etc/apt/sources.list.d/docker.list"
KEYRING = "/etc/apt/keyrings/docker-apt-keyring.asc"


def listed(**files: str) -> list[str]:
    """What the facts of sources are answered, by paths with ``__`` for a slash."""
    return [f"{base64.b64encode(t.encode()).decode()} {p}" for p, t in files.items()]


def apt(path: str, text: str) -> tuple[PackageSource, ...]:
    return AptSources().process(listed(**{path: text}))


ONE_LINE = "/etc/apt/sources.list.d/mine.list"
DEB822 = "/etc/apt/sources.list.d/mine.sources"


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        (ONE_LINE, f"# mine\ndeb [arch=amd64 signed-by=/x.asc] {URL} bookworm stable\n", 2),
        (ONE_LINE, f"deb {URL}/ bookworm stable test # no key\n", 1),
        ("/etc/apt/sources.list", f"deb [signed-by=/x.asc] {URL} bookworm stable", 1),
        (
            DEB822,
            f"Types: deb\nURIs: http://other\nSuites: x\n\n# mine\nTypes: deb\nURIs: {URL}\n"
            "Suites: sid bookworm\nComponents: stable\nSigned-By: /x.asc\n",
            6,
        ),
        (DEB822, f"URIs: {URL}\nSuites: bookworm\nSigned-By:\n -----BEGIN\n .\n abc\n", 1),
    ],
)
def test_a_source_that_is_there_under_another_key_is_refused(
    monkeypatch: pytest.MonkeyPatch, path: str, text: str, line: int
) -> None:
    refused = name_source(monkeypatch, apt(path, text))
    assert refused is not None
    assert refused.kind is Kind.PREFLIGHT
    assert refused.what == f"{path}, line {line}, also configures the package source of Docker"
    assert refused.next.startswith("on w1: sed -i ")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (ONE_LINE, f"deb [signed-by={KEYRING}] {URL} bookworm stable\n"),
        (ONE_LINE, f"# deb [signed-by=/x.asc] {URL} bookworm stable\n"),
        (ONE_LINE, f"deb [signed-by=/x.asc] {URL} trixie stable\n"),
        (ONE_LINE, f"deb-srcx {URL} bookworm\n"),
        (OURS, f"deb [signed-by=/x.asc] {URL} bookworm stable\n"),
        (DEB822, f"Enabled: no\nURIs: {URL}\nSuites: bookworm\nSigned-By: /x.asc\n"),
        (DEB822, "junk without a colon\n: \n \x1b]52;c;x\x07\n"),
    ],
)
def test_a_source_that_is_in_nobodys_way(
    monkeypatch: pytest.MonkeyPatch, path: str, text: str
) -> None:
    assert name_source(monkeypatch, apt(path, text)) is None


def docker() -> Repository:
    return Repository("docker", "Docker", f"{URL}/", "bookworm", ("stable",), key_url=f"{URL}/gpg")


def name_source(
    monkeypatch: pytest.MonkeyPatch, sources: tuple[PackageSource, ...]
) -> Finding | None:
    """Why the source is refused; None: it is not."""
    found = FactHost({AptSources: sources})
    found.name = "w1"  # type: ignore[attr-defined]
    for module in (debian, repositories):
        monkeypatch.setattr(module, "host", found)
    try:
        debian._alone(docker(), OURS, [KEYRING])
    except KubeinstallError as error:
        return error.findings[0]
    return None


def test_dnf_has_one_repository_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[main]\nx=y\n\n [kubernetes]\nbaseurl=https://other\n"
    sources = DnfRepositories().process(listed(**{"/etc/yum.repos.d/k8s.repo": text}))
    assert [(one.url, one.line) for one in sources] == [("main", 1), ("kubernetes", 4)]
    found = FactHost({DnfRepositories: sources})
    found.name = "w1"  # type: ignore[attr-defined]
    for module in (redhat, repositories):
        monkeypatch.setattr(module, "host", found)
    given = Repository("kubernetes", "Kubernetes", "http://x/", key="KEY")
    with pytest.raises(
        KubeinstallError,
        match=r"k8s\.repo, line 4, also configures the package "
        r"source",
    ):
        redhat.REDHAT.repository(given, ())


def kubelet_line(options: str) -> CommandLine:
    asked = ["unit kubelet.service", f"usual {kubelet_flags.USUAL}"]
    return Flags().process([*asked, f"option /etc/default/kubelet\tKUBELET_EXTRA_ARGS={options}"])


@pytest.mark.parametrize(
    ("options", "settings", "said"),
    [
        ("--node-ip=192.0.2.9", {}, "sets --node-ip=192.0.2.9 instead of 10.0.0.11"),
        ("--cgroup-driver cgroupfs", {}, "sets --cgroup-driver=cgroupfs instead of systemd"),
        ("--max-pods=50", {"max_pods": 60}, "sets --max-pods=50 instead of 60"),
        ("--v=4", {"extra_args": {"v": 2}}, "sets --v=4 instead of 2"),
        ("--config=/x", {}, "the value that kubeadm sets"),
        ("--container-runtime-endpoint=/run/crio/crio.sock", {}, "containerd.sock"),
        ("--hostname-override=other", {}, "instead of w1"),
        ("--cluster-dns=192.0.2.1", {}, "--cluster-dns=192.0.2.1 instead of 10.96.0.10"),
        ("--node-ip=10.0.0.11 --max-pods=50 --v=4 --frobnicate", {}, ""),
        ("--container-runtime-endpoint=/run/containerd/containerd.sock", {}, ""),
        ("--fail-swap-on=false", {"config": {"failSwapOn": False}}, ""),
    ],
)
def test_flags_in_the_kubelets_own_files(
    monkeypatch: pytest.MonkeyPatch, options: str, settings: Mapping[str, Any], said: str
) -> None:
    found = FactHost({Flags: kubelet_line(options)})
    found.name = "w1"  # type: ignore[attr-defined]
    monkeypatch.setattr(kubelet_flags, "host", found)
    made = cluster(workers=1)
    node: Host = made.host("w1").model_copy(update={"kubelet": Kubelet(**settings)})
    if not said:
        kubelet_flags.check(made, node)
        return
    with pytest.raises(KubeinstallError) as caught:
        kubelet_flags.check(made, node)
    (refused,) = caught.value.findings
    assert refused.what.startswith("KUBELET_EXTRA_ARGS in /etc/default/kubelet sets")
    assert said in refused.what
    assert "remove --" in refused.next


def test_kubeadms_own_flags_are_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    argv = "argv[]=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS ;"
    text = "KUBELET_KUBEADM_ARGS=--node-ip=192.0.2.9"
    line = Flags().process(
        [
            "unit kubelet.service",
            "LoadState=loaded",
            f"ExecStart={{ path=/usr/bin/kubelet ; {argv} }}",
            'Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"',
            f"option /var/lib/kubelet/kubeadm-flags.env\t{text}",
        ]
    )
    assert [flag.name for flag in line.flags] == ["config", "node-ip"]
    found = FactHost({Flags: line})
    monkeypatch.setattr(kubelet_flags, "host", found)
    kubelet_flags.check(cluster(workers=1), cluster(workers=1).host("w1"))


def test_a_host_that_a_deploy_refuses_is_out_before_anything_is_changed() -> None:
    finding = Finding(Kind.PREFLIGHT, "another holder", ("w1",))

    def refuses() -> None:
        raise KubeinstallError(finding)

    def breaks() -> None:
        raise ValueError("a default in the place of a fact")

    with LocalSession(cluster(workers=2)) as session:
        session.prefetch({"cp1": steps(breaks), "w1": steps(breaks, refuses), "w2": []})
        assert session.failures == {"w1": finding}


def test_a_control_plane_that_is_refused_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = Finding(Kind.PREFLIGHT, "another holder", ("cp1",))
    made, session, _ = played_run(cluster())

    def prefetch(deploys: object) -> None:
        del deploys
        session.fail("cp1", finding)

    monkeypatch.setattr(session, "prefetch", prefetch)
    assert execute(made, MORE) == Kind.PREFLIGHT
    assert session.rounds == []


INVENTORY = """\
cluster:
  kubernetes: 1.36.2
  packages: {{url: "http://packages.example.org", key: {key}}}
  runtime: {runtime}
groups:
  control_plane: {{taints: [], hosts: {{cp1: {{address: 10.0.0.11}}}}}}
"""


def wrong(tmp_path: Path, runtime: str = "{}", key: str = "key.asc") -> str:
    path = tmp_path / "kubeinstall.yaml"
    path.write_text(INVENTORY.format(runtime=runtime, key=key))
    try:
        load_with_warnings(path, {}, files_must_exist=False)
    except KubeinstallError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("runtime", "said"),
    [
        (
            "{name: docker, accelerators: ['https://x.example.org/hub']}",
            "accelerators[0]: https://x.example.org/hub has a path, which Docker refuses",
        ),
        (
            "{name: docker, registries: {docker.io: {mirrors: ['http://x:5000/a/b']}}}",
            "mirrors[0]: http://x:5000/a/b has a path",
        ),
        (
            "{name: containerd, accelerators: ['https://me:hunter2@x.example.org']}",
            "accelerators[0]: the URL of a mirror contains credentials",
        ),
        ("{name: containerd, accelerators: ['https://x.example.org?a=b']}", "has a query"),
        ("{name: containerd, accelerators: ['https://x.example.org/v2/hub']}", ""),
        ("{name: docker, accelerators: ['https://x.example.org:5000']}", ""),
        ("{name: containerd, log_max_files: 1}", "at least 2 logs"),
        ("{name: docker, log_max_files: 1}", ""),
    ],
)
def test_what_the_runtime_would_not_start_with(tmp_path: Path, runtime: str, said: str) -> None:
    text = wrong(tmp_path, runtime)
    assert said in text
    assert bool(said) is bool(text)
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "content", [b"hello\n", b"\x99\x01\x0d", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n"]
)
def test_a_key_that_is_none_is_no_valid_inventory(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hello").write_bytes(content)
    text = wrong(tmp_path, key="hello")
    assert "cluster.packages.key: " in text
    assert "cannot be used" in text
    text = wrong(tmp_path, "{repository: {key: hello}}")
    assert "cluster.runtime.repository.key: " in text
    text = wrong(tmp_path, "{registries: {x.example.org: {ca: hello}}}")
    assert "cluster.runtime.registries.x.example.org.ca: " in text
    assert "openssl x509 -inform der" in text


@pytest.mark.parametrize(
    ("mirror", "whole"),
    [
        ("https://harbor.example.org/v2/hub", True),
        ("https://nexus.example.org/hub", False),
        ("https://mirror.example.org", False),
        ("https://mirror.example.org/v2", False),
    ],
)
def test_a_mirror_with_a_path_of_its_own_api(mirror: str, whole: bool) -> None:
    runtime = cluster(runtime={"accelerators": [mirror]}).spec.runtime
    text = containerd_files.hosts_toml(runtime, "docker.io")
    assert ("override_path = true" in text) is whole


def test_logs_are_rotated_by_whom_the_runtime_leaves_it_to() -> None:
    sizes = {"log_max_size": "50m", "log_max_files": 3}
    found = kubelet_files.cluster_settings(cluster(runtime=sizes))
    assert (found["containerLogMaxSize"], found["containerLogMaxFiles"]) == ("50Mi", 3)
    docker = {**sizes, "name": RuntimeName.DOCKER}
    assert "containerLogMaxSize" not in kubelet_files.cluster_settings(cluster(runtime=docker))


@pytest.mark.parametrize(
    ("name", "text", "refused"),
    [
        ("99-zzz.conf", "# x\nnet.ipv4.ip_forward = 0", True),
        ("99-zzz.conf", "-net/ipv4/ip_forward=0", True),
        ("99-zzz.conf", "net.ipv4.ip_forward=1", False),
        ("99-zzz.conf", "net.ipv4.ip_forwarding=0\n#net.ipv4.ip_forward=0", False),
        ("50-mine.conf", "net.ipv4.ip_forward=0", False),
    ],
)
def test_a_later_file_of_kernel_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str, refused: bool
) -> None:
    (tmp_path / name).write_text(f"{text}\n")
    keys = ("net.ipv4.ip_forward",)
    command = SysctlLines().command(keys=keys).replace("/etc/sysctl.d", str(tmp_path))
    lines = SysctlLines().process(run(command).splitlines())
    found = FactHost({SysctlLines: tuple(x for x in lines if str(tmp_path) in x.path)})
    found.name = "w1"  # type: ignore[attr-defined]
    monkeypatch.setattr(hosts, "host", found)
    if not refused:
        hosts._last_word({"net.ipv4.ip_forward": "1"})
        return
    with pytest.raises(KubeinstallError) as caught:
        hosts._last_word({"net.ipv4.ip_forward": "1"})
    (finding,) = caught.value.findings
    assert f"{name}, line {text.count(chr(10)) + 1}, sets net.ipv4.ip_forward to" in finding.what
    run(finding.next.removeprefix("on w1: "))
    assert SysctlLines().process(run(command).splitlines()) == ()


@pytest.mark.parametrize(
    ("argv", "refused"),
    [
        ("argv[]=/usr/bin/containerd ;", False),
        ("argv[]=/usr/bin/containerd --config /etc/containerd/config.toml ;", False),
        ("argv[]=/usr/bin/containerd --config=/etc/mine.toml ;", True),
        ("argv[]=/usr/bin/containerd -c /etc/mine.toml ;", True),
    ],
)
def test_containerd_reads_the_file_that_is_written(
    monkeypatch: pytest.MonkeyPatch, argv: str, refused: bool
) -> None:
    shown = ["unit containerd.service", "LoadState=loaded", f"ExecStart={{ path=x ; {argv} }}"]
    found = FactHost({Flags: Flags().process(shown)})
    found.name = "w1"  # type: ignore[attr-defined]
    monkeypatch.setattr(containerd, "host", found)
    if not refused:
        containerd.check()
        return
    with pytest.raises(
        KubeinstallError, match=r"ExecStart of containerd\.service makes containerd"
    ):
        containerd.check()
