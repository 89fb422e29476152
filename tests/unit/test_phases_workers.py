"""The token that workers join with: made when it is needed, and gone afterwards."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from kubeinstall.cluster import joining, nodes
from kubeinstall.cluster.nodes import question
from kubeinstall.engine.session import Session
from kubeinstall.engine.types import Output
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.phases import workers
from kubeinstall.phases.phase import Run
from kubeinstall.releases import Version
from tests.unit.clusters import cluster
from tests.unit.fakes import FakeSession, Memory

pytestmark = pytest.mark.unit

TOKEN = "abcdef.0123456789abcdef"
MINE = "bootstrap-token-abcdef"


class _Authority:
    sha256 = key_hash = "sha256:x"


@pytest.fixture(autouse=True)
def _any_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "authority", lambda _: _Authority())


def session(*known: str, left: str = "", fails: str = "", token: str = TOKEN) -> FakeSession:
    """A cluster with these nodes, and perhaps a token that a killed run left."""
    items = [{"metadata": {"name": name}, "spec": {}, "status": {}} for name in known]

    def answer(_host: str, command: str) -> Output:
        if command == question(Version(1, 36, 2)):
            return Output(0, f"{json.dumps({'items': items})}\036ca\036\036\036\036\036{left}", "")
        if "token create" in command:
            return Output(0, f"a warning\n{token}\n", "")
        return Output(0, "", "")

    return FakeSession(cluster(), answer=answer, fails={fails: "workers"} if fails else {})


def over(made: FakeSession, memory: Memory | None = None) -> Run:
    return Run(made.cluster, cast(Session, made), memory or Memory())


def tokens(made: FakeSession) -> list[str]:
    """What was done about tokens, and the rounds, in their order."""
    words = {
        "token create": "create",
        joining.DELETE_TOKENS: "delete",
        joining.EXPIRE_TOKENS: "expire",
    }
    return [word for _, cmd in made.asked for part, word in words.items() if part in cmd]


@pytest.mark.parametrize("fails", ["", "w1"])
def test_the_token_is_deleted_after_the_joins_whether_they_succeed(fails: str) -> None:
    made = session("cp1", fails=fails)
    made.connect()
    workers.run(over(made))
    assert tokens(made) == ["create", "delete"]
    assert made.data["w1"]["join_config"].count(TOKEN) >= 1


def test_the_token_of_a_round_that_ends_in_an_error_is_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = session("cp1")
    made.connect()

    def stop(*_: Any, **__: Any) -> None:
        assert tokens(made) == ["create"]
        raise KubeinstallError(Finding(Kind.INTERNAL, "stopped"))

    monkeypatch.setattr(made, "round", stop)
    with pytest.raises(KubeinstallError, match="stopped"):
        workers.run(over(made))
    assert tokens(made) == ["create", "delete"]


def test_an_answer_that_is_no_token_leaves_none_either() -> None:
    made = session("cp1", token="x'; reboot #.0123456789")
    made.connect()
    with pytest.raises(KubeinstallError, match="no token to join with"):
        workers.run(over(made))
    assert tokens(made) == ["create", "delete"]


def test_after_an_interrupt_joins_that_still_run_can_end(monkeypatch: pytest.MonkeyPatch) -> None:
    made = session("cp1")
    made.connect()

    def interrupt(*_: Any, **__: Any) -> None:
        made.interrupted = True
        raise KubeinstallError(Finding(Kind.INTERRUPTED, "interrupted"))

    monkeypatch.setattr(made, "round", interrupt)
    with pytest.raises(KubeinstallError, match="interrupted"):
        workers.run(over(made))
    assert tokens(made) == ["create", "expire"]


def test_what_a_killed_run_left_is_deleted_though_nobody_joins() -> None:
    made = session("cp1", "w1", "w2", left=f"{MINE}\n")
    made.connect()
    workers.run(over(made))
    assert tokens(made) == ["delete"]


@pytest.mark.parametrize("dry", [False, True])
def test_nothing_is_asked_more_where_nobody_joins(dry: bool) -> None:
    made = session("cp1", "w1", "w2", left=f"{MINE}\n" if dry else "")
    made.connect()
    run = over(made)
    run.dry = dry
    workers.run(run)
    assert tokens(made) == []


def test_a_token_that_stays_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = session("cp1")
    made.connect()
    monkeypatch.setattr(made, "tidy", lambda *_, **__: Output(1, "", "the server\nis gone"))
    memory = Memory()
    run = over(made, memory)
    workers.run(run)
    [warning] = memory.findings
    assert warning.severity == "warning"
    assert "it expires 15 minutes" in warning.what
    assert warning.why == "the server is gone"
    assert run.exit_code == 0


def scripted(script: str, folder: Path, names: str, code: int = 0) -> tuple[int, list[str]]:
    """Run a script with a kubectl that lists these names; what else it was called with."""
    fake = folder / "fake-kubectl"
    fake.write_text(
        "#!/bin/sh\n"
        f"case \"$*\" in *' get secrets '*) cat {folder}/names; exit {code};; esac\n"
        f'printf "%s|" "$@" >> {folder}/calls; echo >> {folder}/calls\n'
    )
    fake.chmod(0o755)
    (folder / "names").write_text(names)
    (folder / "calls").touch()
    ran = subprocess.run(
        ["sh", "-c", f"kubectl={fake}\n{script}"], env=os.environ, capture_output=True, check=False
    )
    return ran.returncode, (folder / "calls").read_text().splitlines()


def test_just_the_tokens_that_are_listed_are_deleted(tmp_path: Path) -> None:
    code, calls = scripted(joining.DELETE_TOKENS, tmp_path, f"{MINE}\nbootstrap-token-000000\n")
    assert code == 0
    assert calls == [
        f"-n|kube-system|delete|secret|{name}|--ignore-not-found|"
        for name in (MINE, "bootstrap-token-000000")
    ]


def test_no_tokens_are_no_error_and_no_answer_is_one(tmp_path: Path) -> None:
    assert scripted(joining.DELETE_TOKENS, tmp_path, "") == (0, [])
    code, calls = scripted(joining.DELETE_TOKENS, tmp_path, f"{MINE}\n", code=1)
    assert (code, calls) == (1, [])


def test_a_token_expires_two_minutes_after_an_interrupt(tmp_path: Path) -> None:
    code, [call] = scripted(joining.EXPIRE_TOKENS, tmp_path, f"{MINE}\n")
    assert code == 0
    words = call.split("|")
    assert words[:5] == ["-n", "kube-system", "patch", "secret", MINE]
    until = json.loads(words[6])["stringData"]["expiration"]
    now = subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True).stdout
    then = subprocess.run(["date", "-d", until, "+%s"], capture_output=True, text=True, check=True)
    assert 110 <= int(then.stdout) - int(now) <= 125
