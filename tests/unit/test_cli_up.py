"""``kubeinstall up`` from its options to its exit code, over played hosts."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kubeinstall.cli import running, up
from kubeinstall.engine.types import Output
from kubeinstall.findings import Kind
from tests.unit.clusters import cluster
from tests.unit.played_cluster import answering, told
from tests.unit.played_session import PlayedSession

pytestmark = pytest.mark.unit

INVENTORY = """\
cluster: {kubernetes: 1.36.2}
groups:
  control_plane: {hosts: {cp1: {address: 10.0.0.10}}}
  workers: {hosts: {w1: {address: 10.0.0.11}, w2: {address: 10.0.0.12}}}
"""


class Up:
    """The command, on hosts that are a cluster as the inventory says.

    Args:
        asked: what was sent to which host by the last call.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.sessions: list[PlayedSession] = []
        self._inventory = folder / "kubeinstall.yaml"
        self._inventory.write_text(INVENTORY)
        answer = answering(cluster(), told(cluster()))

        def session(*given: object, **more: object) -> PlayedSession:
            self.sessions.append(PlayedSession(*given, answer=self.answer, **more))  # type: ignore[arg-type]
            return self.sessions[-1]

        self._answer = answer
        monkeypatch.setattr(running, "Session", session)

    def answer(self, host: str, command: str) -> Output:
        if command.endswith("$kubectl get nodes -o json"):
            return Output(0, '{"items": []}', "")
        return self._answer(host, command)

    def __call__(self, *arguments: str) -> Result:
        words = ["-i", str(self._inventory), "--plain", *arguments]
        return CliRunner().invoke(up.command, words, standalone_mode=False)


@pytest.fixture
def kubeinstall(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Up:
    return Up(monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "tried"),
    [
        (("--only", "smoke"), True),
        (("--only", "connect,smoke"), True),
        (("--from", "smoke", "--until", "smoke"), False),
        (("--from", "smoke", "--until", "smoke", "--smoke"), True),
        (("--from", "smoke", "--until", "smoke", "--no-smoke"), False),
    ],
)
def test_who_asks_for_the_smoke_test_alone_gets_it(
    kubeinstall: Up, arguments: tuple[str, ...], tried: bool
) -> None:
    """Though nothing was changed; here it ends early, for there is no node for its app."""
    result = kubeinstall(*arguments)
    assert result.exception is None
    assert result.return_value == (Kind.CLUSTER if tried else 0), result.output
    assert ("no node accepts pods" in result.output) is tried
