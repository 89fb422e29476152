"""Docker's configuration: our settings beside the user's, whatever was there and happens later."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.deploys.runtime import docker
from kubeinstall.facts.docker import Daemon, DaemonState
from kubeinstall.facts.files import FileState
from kubeinstall.facts.flags import CommandLine, Flags
from kubeinstall.facts.services import Unit, UnitState
from kubeinstall.files import docker as docker_files
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import RuntimeName
from kubeinstall.operations import backups
from kubeinstall.operations.docker import SHARED, daemon_configured, desired
from kubeinstall.operations.docker_settings import given_back
from kubeinstall.operations.three_way import laid_into
from tests.unit.clusters import cluster
from tests.unit.operating import FactHost, ask, commands, run, texts

pytestmark = pytest.mark.unit

PATH, RECORD = docker_files.DAEMON_JSON, docker_files.RECORD
A, B, C = "a.example.org", "b.example.org", "c.example.org"
INSECURE = "insecure-registries"


@pytest.mark.parametrize(
    ("found", "ours", "last", "first", "wanted"),
    [
        # A fresh host.
        ({}, {"k": 1}, {}, {}, {"k": 1}),
        # The user's own keys stay, those from before and those that come later.
        ({"u": 1}, {"k": 1}, {}, {"u": 1}, {"u": 1, "k": 1}),
        ({"k": 1, "u": 2}, {"k": 1}, {"k": 1}, {}, {"k": 1, "u": 2}),
        # What the user takes out of theirs stays out.
        ({"k": 1}, {"k": 1}, {"k": 1}, {"u": 1}, {"k": 1}),
        # Ours win over what was there, and over a change by hand.
        ({"k": 9}, {"k": 1}, {}, {"k": 9}, {"k": 1}),
        ({"k": 9}, {"k": 1}, {"k": 1}, {}, {"k": 1}),
        ({}, {"k": 1}, {"k": 1}, {}, {"k": 1}),
        # What we no longer want goes, or goes back to what it was.
        ({"k": 1}, {}, {"k": 1}, {}, {}),
        ({"k": 1}, {}, {"k": 1}, {"k": 9}, {"k": 9}),
        # Changed by hand since, it is the user's.
        ({"k": 5}, {}, {"k": 1}, {"k": 9}, {"k": 5}),
        # Maps are merged key by key.
        (
            {"m": {"u": 1, "k": 9}},
            {"m": {"k": 1}},
            {},
            {"m": {"u": 1, "k": 9}},
            {"m": {"u": 1, "k": 1}},
        ),
        ({"m": {"u": 1, "k": 1}}, {}, {"m": {"k": 1}}, {"m": {"k": 9}}, {"m": {"u": 1, "k": 9}}),
        ({"m": {"k": 1}}, {}, {"m": {"k": 1}}, {}, {}),
        ({"m": {"k": 1}}, {}, {"m": {"k": 1}}, {"m": {}}, {"m": {}}),
        ({"m": {"k": 1}}, {}, {"m": {"k": 1}}, {"m": "x"}, {"m": "x"}),
        ({"m": "x"}, {"m": {"k": 1}}, {}, {"m": "x"}, {"m": {"k": 1}}),
        ({"m": {"k": {}}}, {"m": {"k": {}}}, {"m": {"k": {}}}, {}, {"m": {"k": {}}}),
        # A list is whole...
        ({"dns": [1]}, {"dns": [2]}, {}, {"dns": [1]}, {"dns": [2]}),
        # ... but registries and mirrors are the user's beside ours, ours first.
        ({INSECURE: [A]}, {INSECURE: [B]}, {}, {INSECURE: [A]}, {INSECURE: [B, A]}),
        ({INSECURE: [B, A]}, {INSECURE: [B]}, {INSECURE: [B]}, {}, {INSECURE: [B, A]}),
        ({INSECURE: [B, A]}, {INSECURE: [C]}, {INSECURE: [B]}, {}, {INSECURE: [C, A]}),
        ({INSECURE: [B, A]}, {}, {INSECURE: [B]}, {}, {INSECURE: [A]}),
        ({INSECURE: [B]}, {}, {INSECURE: [B]}, {}, {}),
        ({INSECURE: []}, {}, {}, {}, {INSECURE: []}),
        ({INSECURE: "x"}, {INSECURE: [B]}, {}, {}, {INSECURE: [B]}),
        # Of an option there is one.
        (
            {"exec-opts": ["native.cgroupdriver=cgroupfs", "isolation=x"]},
            {"exec-opts": ["native.cgroupdriver=systemd"]},
            {},
            {},
            {"exec-opts": ["native.cgroupdriver=systemd", "isolation=x"]},
        ),
        # null is a value.
        ({"k": None}, {}, {}, {}, {"k": None}),
        ({"k": 1}, {}, {"k": 1}, {"k": None}, {"k": None}),
    ],
)
def test_laid_into(
    found: dict[str, Any],
    ours: dict[str, Any],
    last: dict[str, Any],
    first: dict[str, Any],
    wanted: dict[str, Any],
) -> None:
    result = laid_into(found, ours, last, first, SHARED)
    assert result == wanted
    assert laid_into(result, ours, ours, first, SHARED) == wanted, "a second time changes nothing"


def lines(**files: str) -> list[str]:
    """What the fact is answered: which files there are, their modes and sizes, all they hold."""
    texts = [files[name].encode() for name in ("now", "last", "first") if name in files]
    there = ["no" if name in files else "-" for name in ("now", "last", "first")]
    sizes = [f"640 {len(text)}" for text in texts]
    return [*there, *sizes, base64.b64encode(b"".join(texts)).decode()]


def test_what_is_on_the_host() -> None:
    state = Daemon().process(lines(now='{"a": 1}', last='{"b": 2}', first="{}"))
    assert state.file == FileState("640", b'{"a": 1}', backed_up=True)
    assert (state.settings, state.last, state.first, state.error) == ({"a": 1}, {"b": 2}, {}, "")
    assert Daemon().process(lines()).file is None
    with pytest.raises(ValueError, match="as long as they were"):
        Daemon().process([])


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", ""),
        ('{\n  "a": 1,\n}', "line 3, column 1: Expecting property name enclosed in double quotes"),
        ("[]", "it is not a JSON object"),
        ("{" * 9 + '"', "line 1, column 2: Expecting property name enclosed in double quotes"),
    ],
)
def test_a_file_that_is_no_json(text: str, error: str) -> None:
    state = Daemon().process(lines(now=text))
    assert state.error == error


def test_the_fact_reads_files(tmp_path: Any) -> None:
    (tmp_path / "daemon.json").write_text('{"a": 1}')
    command = Daemon().command(path=f"{tmp_path}/daemon.json", record=f"{tmp_path}/record")
    state = Daemon().process(run(command).splitlines())
    assert state.settings == {"a": 1}
    assert state.last is None
    assert state.file is not None
    assert not state.file.backed_up


UNIT_LINES = ["LoadState=loaded", "Environment="]
DEBIAN = "argv[]=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS"


def started_with(argv: str, **variables: str) -> CommandLine:
    """What the fact makes of a unit and its environment file."""
    options = [f'option /etc/default/docker\t{n}="{value}"' for n, value in variables.items()]
    show = [f"ExecStart={{ path=/usr/sbin/dockerd ; {argv} ; }}", *UNIT_LINES] if argv else []
    asked = ["unit docker.service", f"usual {docker_files.USUAL}"]
    return Flags().process([*asked, *show, *options])


def check(
    monkeypatch: pytest.MonkeyPatch, state: DaemonState, line: CommandLine, **config: Any
) -> None:
    found = FactHost({Daemon: state, Flags: line})
    found.name = "w1"  # type: ignore[attr-defined]
    monkeypatch.setattr(docker, "host", found)
    docker.check(cluster(runtime={"name": RuntimeName.DOCKER, "config": config}))


def test_it_is_told_before_anything_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KubeinstallError, match="line 3, column 1"):
        check(monkeypatch, DaemonState(error="line 3, column 1: Expecting"), CommandLine())


@pytest.mark.parametrize(
    ("flags", "settings", "config", "refused"),
    [
        ("argv[]=/usr/sbin/dockerd -H fd://", {"hosts": ["tcp://:2375"]}, {}, True),
        ("argv[]=/usr/sbin/dockerd -H fd://", {}, {"hosts": ["tcp://:2375"]}, True),
        ("", {"hosts": []}, {}, True),
        ("argv[]=/usr/sbin/dockerd --host=fd://", {"hosts": []}, {}, True),
        ("argv[]=/usr/sbin/dockerd", {"hosts": ["fd://"]}, {}, False),
        ("argv[]=/usr/sbin/dockerd -H fd://", {}, {}, False),
    ],
)
def test_hosts_in_the_file_and_in_the_unit(
    monkeypatch: pytest.MonkeyPatch,
    flags: str,
    settings: dict[str, Any],
    config: dict[str, Any],
    refused: bool,
) -> None:
    state, line = DaemonState(settings=settings), started_with(flags)
    if refused:
        with pytest.raises(KubeinstallError, match="hosts"):
            check(monkeypatch, state, line, **config)
    else:
        check(monkeypatch, state, line, **config)


@pytest.mark.parametrize(
    ("options", "settings", "refused"),
    [
        ("--log-driver=syslog", {}, "sets log-driver, and DOCKER_OPTS in /etc/default/docker sets"),
        ("--log-driver syslog", {}, "sets log-driver"),
        ("--log-opt max-size=50m", {}, "sets log-opts"),
        ("--exec-opt native.cgroupdriver=cgroupfs", {}, "sets exec-opts"),
        ("--registry-mirror=https://m.example.org", {"registry-mirrors": ["https://m"]}, "mirrors"),
        ("-D", {"debug": False}, "sets debug, and DOCKER_OPTS in /etc/default/docker sets -D"),
        # What a flag says already need not be in the file; what is not ours is nobody's business.
        ("--exec-opt native.cgroupdriver=systemd --log-driver=json-file", {}, ""),
        ("--log-opt max-size=10m --log-opt=max-file=5", {}, ""),
        ("--selinux-enabled --log-driver=journald --live-restore", {}, ""),
        ("--dns 192.0.2.1 --add-runtime x=/x", {"runtimes": {"y": {}}}, ""),
    ],
)
def test_one_holder_of_each_setting(
    monkeypatch: pytest.MonkeyPatch, options: str, settings: dict[str, Any], refused: str
) -> None:
    for argv in (DEBIAN, ""):
        line = started_with(argv, DOCKER_OPTS=options)
        state = DaemonState(settings=settings)
        if refused:
            with pytest.raises(KubeinstallError) as caught:
                check(monkeypatch, state, line)
            assert refused in str(caught.value)
            assert "remove -" in caught.value.findings[0].next
        else:
            check(monkeypatch, state, line)
            _, wanted, _ = desired(state, docker_files.daemon_settings(cluster()), line)
            flags = {flag.name for flag in line.flags}
            assert not ({"log-driver"} & flags and "log-driver" in wanted)
            assert not ({"exec-opt"} & flags and "exec-opts" in wanted)


@pytest.mark.parametrize(
    ("found", "config", "options"),
    [
        ({"log-driver": "gelf", "log-opts": {"gelf-address": "udp://x"}}, {}, {"max-size": "10m"}),
        # As an earlier release left it.
        ({"log-driver": "json-file", "log-opts": {"syslog-address": "x"}}, {}, {"max-size": "10m"}),
        (
            {"log-driver": "json-file", "log-opts": {"tag": "x"}},
            {},
            {"max-size": "10m", "tag": "x"},
        ),
        ({"log-driver": "local", "log-opts": {"compress": "true"}}, {}, {"compress": "true"}),
        ({}, {"log-driver": "journald"}, None),
        ({"log-opts": {"max-size": "10m"}}, {"log-driver": "journald"}, None),
        (
            {"log-driver": "gelf", "log-opts": {"gelf-address": "udp://x"}},
            {"log-driver": "gelf"},
            {"gelf-address": "udp://x"},
        ),
    ],
)
def test_options_of_another_log_driver_do_not_stay(
    found: dict[str, Any], config: dict[str, Any], options: dict[str, str] | None
) -> None:
    settings = docker_files.daemon_settings(cluster(runtime={"config": config}))
    _, wanted, clashes = desired(DaemonState(settings=found), settings, CommandLine())
    assert not clashes
    assert wanted["log-driver"] == config.get("log-driver", "json-file")
    if options is None:
        assert "log-opts" not in wanted
    else:
        assert options.items() <= wanted["log-opts"].items()
        assert not {"gelf-address", "syslog-address"} & wanted["log-opts"].keys() - options.keys()
    again = desired(DaemonState(settings=wanted, last=settings), settings, CommandLine())
    assert again[1] == wanted


def test_the_fact_of_flags_reads_files_and_no_logins(tmp_path: Path) -> None:
    path = tmp_path / "docker"
    path.write_text('# OPTS="no"\nPASSWORD=hunter2\nDOCKER_OPTS="--aa=1 \\\n  -H x" \n')
    command = Flags().command(unit="no-such.service", files=(str(path),), usual="d $DOCKER_OPTS")
    said = run(command)
    line = ask(Flags, unit="no-such.service", files=(str(path),), usual="d $DOCKER_OPTS -D")
    assert [str(flag) for flag in line.flags] == ["--aa=1", "-H=x", "-D=true"]
    assert line.flags[0].holder == f"DOCKER_OPTS in {path}"
    assert not line.loaded
    assert "hunter2" not in said


RUNNING = UnitState("loaded", "active", "enabled", started=9.0, configured=1.0)
OURS = {"log-driver": "json-file", INSECURE: [B]}


def configure(
    monkeypatch: pytest.MonkeyPatch,
    found: Mapping[str, Any],
    last: Mapping[str, Any] | None,
    unit: UnitState = RUNNING,
) -> list[Any]:
    file = FileState("640", json.dumps(found).encode())
    facts = {Daemon: DaemonState(file, found, last=last), Unit: unit}
    given = {"path": PATH, "record": RECORD, "settings": OURS, "usual": docker_files.USUAL}
    return commands(monkeypatch, daemon_configured, facts, **given)


def test_the_users_file_is_kept_and_its_mode_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    backup, write, record = configure(monkeypatch, {"debug": True}, None)
    assert backup.get_raw_value() == backups.copied(PATH)
    assert json.loads(write.stdin) == {"debug": True, **OURS}
    assert "chmod 640" in write.get_raw_value()
    # The user's own settings may hold a token (log-opts, proxies): only names are shown.
    assert write.diff == "~ log-driver (hidden)\n~ insecure-registries (hidden)"
    assert json.loads(record.stdin) == OURS


def test_nothing_is_written_that_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configure(monkeypatch, {"debug": True, **OURS}, OURS) == []


@pytest.mark.parametrize(
    ("found", "unit", "reloads"),
    [
        ({"log-driver": "json-file", INSECURE: [A]}, RUNNING, True),
        ({"log-driver": "local", INSECURE: [B]}, RUNNING, False),
        ({"log-driver": "json-file"}, UnitState(), False),
        (
            {"log-driver": "json-file"},
            UnitState("loaded", "active", "enabled", started=1.0, configured=9.0),
            False,
        ),
    ],
)
def test_docker_takes_registries_over_without_a_restart(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], unit: UnitState, reloads: bool
) -> None:
    yielded = texts(configure(monkeypatch, found, OURS, unit))
    assert any("systemctl reload" in text for text in yielded) is reloads


def test_a_log_driver_that_is_given_back_has_its_options() -> None:
    mine = {"log-driver": "gelf", "log-opts": {"gelf-address": "udp://x"}}
    assert given_back({"log-driver": "gelf"}, {"log-driver": "json-file"}, mine) == mine
    own = {"log-driver": "json-file", "log-opts": {"tag": "x"}}
    assert given_back(own, own, mine) == own
