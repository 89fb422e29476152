"""The token that workers join with: made when it is needed, and gone afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.cluster import joining
from kubeinstall.engine.types import Output, Status
from kubeinstall.files.network import CONFLIST
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.phases import network, workers
from kubeinstall.phases.phase import Run
from tests.unit.clusters import cluster
from tests.unit.played_cluster import AUTHORITY, Api
from tests.unit.played_session import Memory, PlayedSession, Why, played_run

pytestmark = pytest.mark.unit

TOKEN = "abcdef.0123456789abcdef"
MINE = "bootstrap-token-abcdef"


class Joining(Api):
    """An API server that hands out tokens; a host that joins becomes a node.

    Args:
        nodes: names of those that the cluster has.
        lost: hosts that have lost what makes them nodes.
        left: a token that a killed run left.
        token: what kubeadm prints.
    """

    def __init__(
        self, *nodes: str, lost: Sequence[str] = (), left: str = "", token: str = TOKEN
    ) -> None:
        super().__init__(cluster(), left=left)
        self.joined = {name for name in nodes if name not in lost}
        self.all = dict(self.nodes)
        self.nodes = {name: self.all[name] for name in nodes}
        self._token = token

    def __call__(self, host: str, command: str) -> Output:
        if "token create" in command:
            return Output(0, f"a warning\n{self._token}\n", "")
        if command.startswith("[ -e /etc/kubernetes/kubelet.conf ] && "):
            return Output(0 if host in self.joined else 1, "", "")
        if "echo kubelet_conf=yes" in command and host in self.joined:
            fingerprint = joining.authority(AUTHORITY).sha256
            return Output(0, f"kubelet_conf=yes\nca={fingerprint}\n", "")
        if "kubeadm join" in command:
            self.joined.add(host)
            self.nodes[host] = self.all[host]
        return super().__call__(host, command)


def over(api: Joining, **session: Any) -> tuple[Run, PlayedSession, Memory]:
    """The phase, on hosts that are connected."""
    run, made, memory = played_run(cluster(), **{"answer": api, **session})
    made.connect()
    return run, made, memory


def steps(made: PlayedSession) -> list[str]:
    """What was done about tokens, nodes and joins, in its order."""
    words = {
        "token create": "create",
        joining.DELETE_TOKENS: "delete",
        joining.EXPIRE_TOKENS: "expire",
        "$kubectl delete node": "remove node of",
        "kubeadm join --config": "join",
    }
    found = []
    for sent in made.sent:
        for part, word in words.items():
            if part in sent.command and sent.why is not Why.FACT:
                on = {"join": sent.host, "remove node of": sent.command.partition("node ")[2][:2]}
                found.append(f"{word} {on[word]}" if word in on else word)
    return found


def tokens(made: PlayedSession) -> list[str]:
    return [step for step in steps(made) if step in ("create", "delete", "expire")]


@pytest.mark.parametrize("fails", ["", "w1"])
def test_the_token_is_deleted_after_the_joins_whether_they_succeed(fails: str) -> None:
    run, made, _ = over(Joining("cp1"), fails={fails: "workers"})
    workers.run(run)
    (first, *joins, last) = steps(made)
    assert (first, sorted(joins), last) == ("create", ["join w1", "join w2"], "delete")
    assert list(made.failures) == ([fails] if fails else [])


def test_joins_are_given_the_token_on_their_input_alone() -> None:
    run, made, memory = over(Joining("cp1"))
    workers.run(run)
    given = [sent for sent in made.sent if TOKEN in sent.stdin]
    assert {(sent.host, "kubeadm join" in sent.command) for sent in given} == {
        ("w1", True),
        ("w2", True),
    }
    assert not any(TOKEN in sent.command for sent in made.sent)
    assert not any(TOKEN in str(event) for event in memory.events)


def test_the_token_expires_by_itself_within_a_quarter_of_an_hour() -> None:
    """If nobody is left to delete it; and that is how it is told."""
    run, made, memory = over(Joining("cp1"))
    made.tidy = lambda *_, **__: Output(1, "", "gone")  # type: ignore[method-assign]
    workers.run(run)
    (create,) = [command for _, command in made.asked if "token create" in command]
    (minutes,) = re.findall(r" --ttl (\d+)m0s", create)
    assert minutes == "15"
    assert f"it expires {minutes} minutes" in memory.findings[0].what


def test_a_node_whose_host_has_lost_its_join_goes_before_it_joins_again() -> None:
    """kubeadm refuses to join as a node that is Ready."""
    api = Joining("cp1", "w1", "w2", lost=["w1"])
    run, made, _ = over(api)
    workers.run(run)
    assert steps(made) == ["create", "remove node of w1", "join w1", "delete"]
    assert set(api.nodes) == {"cp1", "w1", "w2"}


def test_a_node_of_another_cluster_is_left_alone() -> None:
    """Though it has the name of a node of this one: its authority is another."""
    api = Joining("cp1", "w1", "w2")

    def answer(host: str, command: str) -> Output:
        if "echo kubelet_conf=yes" in command and host == "w1":
            return Output(0, "kubelet_conf=yes\nca=0123\n", "")
        return api(host, command)

    run, made, memory = played_run(cluster(), answer=answer)
    made.connect()
    workers.run(run)
    assert list(made.failures) == ["w1"]
    (failed,) = [event for event in memory.events if event.status is Status.FAILED]
    assert "a node of another cluster" in failed.output
    assert not any("join" in step for step in steps(made))


def test_a_joined_host_whose_node_is_gone_joins_again() -> None:
    api = Joining("cp1", "w2")
    api.joined.add("w1")
    run, made, _ = over(api)
    workers.run(run)
    assert steps(made) == ["create", "join w1", "delete"]
    assert made.failures == {}


def test_who_is_no_node_is_not_removed() -> None:
    api = Joining("cp1", "w2")
    run, made, _ = over(api)
    workers.run(run)
    assert steps(made) == ["create", "join w1", "delete"]


def test_a_phase_after_the_joins_knows_the_new_nodes() -> None:
    api = Joining("cp1")
    run, made, memory = over(api)
    assert run.nodes().names == frozenset({"cp1"})
    workers.run(run)
    assert run.nodes().names == frozenset({"cp1", "w1", "w2"})
    network.run(run)
    assert memory.waits == []
    assert ("w1", CONFLIST) in made.files


def test_the_token_of_a_round_that_ends_in_an_error_is_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, made, _ = over(Joining("cp1"))

    def stop(*_: Any, **__: Any) -> None:
        assert tokens(made) == ["create"]
        raise KubeinstallError(Finding(Kind.INTERNAL, "stopped"))

    monkeypatch.setattr(made, "round", stop)
    with pytest.raises(KubeinstallError, match="stopped"):
        workers.run(run)
    assert tokens(made) == ["create", "delete"]


def test_an_answer_that_is_no_token_leaves_none_either() -> None:
    run, made, _ = over(Joining("cp1", token="x'; reboot #.0123456789"))
    with pytest.raises(KubeinstallError, match="no token to join with"):
        workers.run(run)
    assert steps(made) == ["create", "delete"]


def test_after_an_interrupt_joins_that_still_run_can_end() -> None:
    api = Joining("cp1")

    def answer(host: str, command: str) -> Output:
        if "kubeadm join" in command:
            raise KeyboardInterrupt
        return api(host, command)

    run, made, _ = over(api, answer=answer)
    with pytest.raises(KubeinstallError, match="interrupted"):
        workers.run(run)
    assert tokens(made) == ["create", "expire"]


def test_what_a_killed_run_left_is_deleted_though_nobody_joins() -> None:
    run, made, _ = over(Joining("cp1", "w1", "w2", left=f"{MINE}\n"))
    workers.run(run)
    assert steps(made) == ["delete"]


@pytest.mark.parametrize("dry", [False, True])
def test_nothing_is_asked_more_where_nobody_joins(dry: bool) -> None:
    run, made, _ = over(Joining("cp1", "w1", "w2", left=f"{MINE}\n" if dry else ""))
    run.dry = dry
    workers.run(run)
    assert steps(made) == []


def test_a_token_that_stays_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run, made, memory = over(Joining("cp1"))
    monkeypatch.setattr(made, "tidy", lambda *_, **__: Output(1, "", "the server\nis gone"))
    workers.run(run)
    [warning] = memory.findings
    assert warning.severity == "warning"
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


def handed_out(folder: Path, signed_after: int, output: str = TOKEN) -> tuple[str, list[str]]:
    """What a control plane prints of a fresh token, and what kubectl was called with.

    Args:
        signed_after: from which question on cluster-info is signed with it.
    """
    programs = {
        "kubeadm": f"echo {output}",
        "kubectl": f'echo "$*" >> {folder}/asked; '
        f"[ $(wc -l < {folder}/asked) -lt {signed_after} ] || echo signature",
    }
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    script = joining.TOKEN_COMMAND
    for name in programs:
        script = script.replace(f"/usr/bin/{name}", str(folder / name))
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return ran.stdout, (folder / "asked").read_text().splitlines()


@pytest.mark.parametrize("before", ["", "a warning: x.y\\n"])
def test_a_token_is_handed_out_once_cluster_info_is_signed_with_it(
    tmp_path: Path, before: str
) -> None:
    """A join that came earlier would look again only after five seconds."""
    printed, asked = handed_out(tmp_path, 3, f"'{before}{TOKEN}'")
    assert joining.token(printed) == TOKEN
    assert len(asked) == 3
    assert all(call.endswith("jsonpath={.data.jws-kubeconfig-abcdef}") for call in asked)
    assert TOKEN.partition(".")[2] not in " ".join(asked)


def test_a_token_that_kubeadm_does_not_make_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        handed_out(tmp_path, 1, "no; exit 3")
    assert not (tmp_path / "asked").exists()
