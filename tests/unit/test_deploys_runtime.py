"""The ``runtime`` phase: configurations, and services that run with the newest of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.documents import merged
from kubeinstall.facts.containerd import Major, Registries
from kubeinstall.facts.files import File, FileState
from kubeinstall.facts.services import Unit, UnitState
from kubeinstall.files import containerd as containerd_files
from kubeinstall.files import docker as docker_files
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import RuntimeName
from kubeinstall.operations.containerd import containerd_configured, registries_forgotten
from kubeinstall.operations.files import MARKER
from kubeinstall.operations.services import enabled, running
from kubeinstall.releases import Version
from kubeinstall.releases.images import sandbox_image
from tests.unit.clusters import cluster
from tests.unit.operating import ask, commands, run, texts
from tests.unit.recorded import RECORDINGS

pytestmark = pytest.mark.unit

START = "daemon-reload && systemctl start"
DOCKER: dict[str, Any] = {"name": RuntimeName.DOCKER}


def test_merging_goes_deep_and_replaces_lists() -> None:
    base = {"a": {"b": 1, "c": [1]}, "d": 2}
    assert merged(base, {"a": {"c": [2], "e": 3}, "d": {"f": 4}}) == {
        "a": {"b": 1, "c": [2], "e": 3},
        "d": {"f": 4},
    }
    assert base == {"a": {"b": 1, "c": [1]}, "d": 2}


def daemon(**runtime: Any) -> dict[str, Any]:
    made = cluster(version="1.20.2", runtime={**DOCKER, **runtime})
    return dict(docker_files.daemon_settings(made))


def test_daemon_json() -> None:
    document = daemon(
        log_max_files=3,
        registries={
            "docker.io": {"mirrors": ["https://hub.example.org"]},
            "quay.io": {"mirrors": ["https://quay.example.org"]},
            "10.0.0.2:5000": {"insecure": True},
        },
        config={"log-opts": {"max-size": "1g"}, "live-restore": True},
    )
    assert document["exec-opts"] == ["native.cgroupdriver=systemd"]
    assert document["log-opts"] == {"max-size": "1g", "max-file": "3"}
    assert document["registry-mirrors"] == ["https://hub.example.org"]
    assert document["insecure-registries"] == ["10.0.0.2:5000"]
    assert document["live-restore"] is True


def test_daemon_json_says_no_more_than_it_must() -> None:
    assert set(daemon()) == {"exec-opts", "log-driver", "log-opts"}


def config(major: int, **runtime: Any) -> dict[str, Any]:
    made = cluster(version="1.35.0", image_repository="10.0.0.2:5000", runtime=runtime)
    return tomllib.loads(containerd_files.config_toml(made, major))


def test_containerd_1() -> None:
    document = config(1)
    cri = document["plugins"]["io.containerd.grpc.v1.cri"]
    assert document["version"] == 2
    assert cri["sandbox_image"] == "10.0.0.2:5000/pause:3.10.1"
    assert cri["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"] is True
    assert cri["registry"]["config_path"] == "/etc/containerd/certs.d"
    assert cri["cni"]["bin_dir"] == "/opt/cni/bin"


def test_containerd_2() -> None:
    document = config(2)
    images = document["plugins"]["io.containerd.cri.v1.images"]
    runtime = document["plugins"]["io.containerd.cri.v1.runtime"]
    assert document["version"] == 3
    assert images["pinned_images"]["sandbox"] == "10.0.0.2:5000/pause:3.10.1"
    assert images["registry"]["config_path"] == "/etc/containerd/certs.d"
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"] is True


def test_containerd_settings_of_the_inventory_are_merged() -> None:
    mine = {"plugins": {"io.containerd.grpc.v1.cri": {"restrict_oom_score_adj": True}}}
    cri = config(1, config=mine)["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["restrict_oom_score_adj"] is True
    assert "sandbox_image" in cri


def test_a_setting_without_a_value_is_told() -> None:
    with pytest.raises(KubeinstallError, match="TOML has no null"):
        config(1, config={"plugins": {"x": None}})


def registry(name: str, **settings: Any) -> dict[str, Any]:
    return told(name, {name: settings})


def told(
    name: str, registries: Mapping[str, Any], accelerators: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What containerd is told of a registry."""
    made = cluster(runtime={"registries": registries, "accelerators": accelerators})
    files = {file.path: file for file in containerd_files.registry_files(made)}
    return tomllib.loads(files[f"/etc/containerd/certs.d/{name}/hosts.toml"].content)


def test_a_registry_with_mirrors() -> None:
    document = registry("docker.io", mirrors=["https://a.example.org", "https://b.example.org"])
    assert document["server"] == "https://registry-1.docker.io"
    assert list(document["host"]) == ["https://a.example.org", "https://b.example.org"]
    assert document["host"]["https://a.example.org"]["capabilities"] == ["pull", "resolve"]


def test_accelerators_are_mirrors_of_docker_hub() -> None:
    document = told("docker.io", {}, ("https://fast.example.org",))
    assert list(document["host"]) == ["https://fast.example.org"]


def test_an_insecure_registry() -> None:
    document = registry("10.0.0.2:5000", insecure=True)
    assert list(document["host"]) == ["https://10.0.0.2:5000", "http://10.0.0.2:5000"]
    assert document["host"]["https://10.0.0.2:5000"]["skip_verify"] is True


def test_a_mirror_is_reached_as_its_own_entry_says(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text((RECORDINGS / "ca.pem").read_text())
    document = told(
        "docker.io",
        {
            "docker.io": {"mirrors": ["https://hub.lab:5000/v2", "https://b.example.org"]},
            "hub.lab:5000": {"ca": str(ca)},
        },
    )
    assert document["host"]["https://hub.lab:5000/v2"]["ca"] == (
        "/etc/containerd/certs.d/hub.lab:5000/ca.crt"
    )
    assert "ca" not in document["host"]["https://b.example.org"]


LOGIN = {"username": "robot", "password": "hunter2"}


@pytest.mark.parametrize(
    ("major", "plugin"), [(1, "io.containerd.grpc.v1.cri"), (2, "io.containerd.cri.v1.images")]
)
def test_logins_of_registries(major: int, plugin: str) -> None:
    document = config(major, registries={"docker.io": LOGIN, "hub.lab:5000": LOGIN})
    logins = document["plugins"][plugin]["registry"]["configs"]
    assert logins == {
        "registry-1.docker.io": {"auth": LOGIN},
        "hub.lab:5000": {"auth": LOGIN},
    }


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    made = cluster(runtime={"registries": {"hub.lab": LOGIN}})
    rendered = list(containerd_files.files(made, made.first))
    assert not any("hunter2" in file.content for file in rendered)
    toml = next(file for file in rendered if file.path == containerd_files.CONFIG_TOML)
    assert toml.mode == "600"
    (write,) = commands(
        monkeypatch,
        containerd_configured,
        {Major: 2, File: None},
        path=containerd_files.CONFIG_TOML,
        contents=((2, containerd_files.config_toml(made, 2)),),
        package="containerd",
        usual=2,
        secret=containerd_files.has_secrets(made),
    )
    assert "hunter2" in write.stdin
    assert "hunter2" not in write.diff
    assert "chmod 600" in texts([write])[0]


@pytest.mark.parametrize("major", [1, 2])
def test_a_password_that_left_the_inventory_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, major: int
) -> None:
    before, after = cluster(runtime={"registries": {"hub.lab": LOGIN}}), cluster()
    old = containerd_files.config_toml(before, major)
    assert "hunter2" in old
    (write,) = commands(
        monkeypatch,
        containerd_configured,
        {Major: major, File: FileState("600", old.encode())},
        path=containerd_files.CONFIG_TOML,
        contents=((major, containerd_files.config_toml(after, major)),),
        package="containerd",
        usual=major,
        secret=containerd_files.has_secrets(after),
    )
    assert "hunter2" not in write.diff + write.stdin
    # Which setting changes is still shown.
    assert write.diff.endswith(".registry.configs (hidden)")


def test_registries_that_are_no_longer_named_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, text in (("ours:5000", MARKER), ("kept", MARKER), ("theirs", "server = 1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hosts.toml").write_text(f"# {text}.\n")
    (tmp_path / "ours:5000" / "client.key").write_text("the user's own")
    found = ask(Registries, folder=str(tmp_path), marker=MARKER)
    assert found == {"ours:5000": ("hosts.toml",), "kept": ("hosts.toml",)}
    (command,) = commands(
        monkeypatch,
        registries_forgotten,
        {Registries: found},
        folder=str(tmp_path),
        wanted=("kept",),
    )
    run(texts([command])[0])
    assert (tmp_path / "ours:5000" / "client.key").exists()
    assert not (tmp_path / "ours:5000" / "hosts.toml").exists()
    assert (tmp_path / "kept" / "hosts.toml").exists()
    assert ask(Registries, folder=str(tmp_path / "none"), marker=MARKER) == {}


@pytest.mark.parametrize(
    ("minor", "tag"),
    [
        (20, "3.2"),
        (23, "3.6"),
        (26, "3.9"),
        (30, "3.9"),
        (33, "3.10"),
        (35, "3.10.1"),
        (37, "3.10.2"),
    ],
)
def test_sandbox_image(minor: int, tag: str) -> None:
    assert sandbox_image(Version(1, minor, 0), "r.example.org") == f"r.example.org/pause:{tag}"


@pytest.mark.parametrize(
    ("line", "major"),
    [
        ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u1", 1),
        ("containerd github.com/containerd/containerd/v2 v2.1.9 1c4457e00facac03ce", 2),
        ("containerd containerd.io 1.7.27 05044ec0a9a75232cad458027ca83437aae3f4da", 1),
        ("containerd 2.1.9-1", 2),
        ("containerd 1:1.7.24~ds1-6", 1),
        ("nonsense", None),
        ("", None),
    ],
)
def test_which_containerd(line: str, major: int | None) -> None:
    assert Major().process([line]) == major


@pytest.mark.parametrize(("known", "written"), [(1, "one"), (2, "two"), (3, "two"), (None, "one")])
def test_containerd_is_written_what_it_reads(
    monkeypatch: pytest.MonkeyPatch, known: int | None, written: str
) -> None:
    given = {"path": "/x", "contents": ((1, "one"), (2, "two")), "package": "p", "usual": 1}
    (command,) = commands(monkeypatch, containerd_configured, {Major: known}, **given)
    assert command.stdin == written
    facts = {Major: known, File: FileState("644", written.encode())}
    assert commands(monkeypatch, containerd_configured, facts, **given) == []


SHOWN = [
    "LoadState=loaded",
    "ActiveState=active",
    "UnitFileState=enabled",
    "NeedDaemonReload=no",
    "ExecMainStartTimestamp=Sat 2026-11-21 05:14:19.500000 UTC",
]


@pytest.mark.parametrize(
    ("configs", "outdated"),
    [
        ([], False),
        (["Config=1795238059.400000000 /a"], False),
        (["Config=1795238059.600000000 /a b"], True),
        (["Config=1795238059.4 /a", "Config=1795238060.0 /b"], True),
        (["Config=junk"], False),
    ],
)
def test_a_service_older_than_its_configuration_is_restarted(
    monkeypatch: pytest.MonkeyPatch, configs: list[str], outdated: bool
) -> None:
    state = Unit().process([*SHOWN, *configs])
    assert state.outdated is outdated
    lines = texts(commands(monkeypatch, running, {Unit: state}, unit="x.service", configs=("/x",)))
    # A unit that takes another's place is not seen by systemd until it is told to look.
    restart = "systemctl daemon-reload && systemctl restart x.service"
    assert [(restart in line) for line in lines] == [True] * outdated


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        (UnitState("loaded", "active", "enabled"), []),
        (UnitState("loaded", "inactive", "enabled"), [START]),
        (UnitState("loaded", "failed", "disabled"), ["enable", START]),
        (UnitState("masked", "inactive", "masked"), ["unmask", "enable", START]),
        (
            UnitState("loaded", "active", "enabled", stale=True),
            ["daemon-reload && systemctl restart"],
        ),
    ],
)
def test_running(monkeypatch: pytest.MonkeyPatch, state: UnitState, verbs: list[str]) -> None:
    lines = texts(commands(monkeypatch, running, {Unit: state}, unit="x.service"))
    assert len(lines) == len(verbs)
    for line, verb in zip(lines, verbs, strict=True):
        assert f"systemctl {verb}" in line


def test_enabled_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    off = {Unit: UnitState("loaded", "inactive", "disabled")}
    assert texts(commands(monkeypatch, enabled, off, unit="kubelet.service")) == [
        "systemctl enable --quiet kubelet.service"
    ]
    on = {Unit: UnitState("loaded", "activating", "enabled")}
    assert commands(monkeypatch, enabled, on, unit="kubelet.service") == []
