"""Files: written whole and only where they differ; facts and commands in a real shell."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.facts.files import Exists, File, FileState
from kubeinstall.operations.files import (
    MARKER,
    Holds,
    WriteFile,
    absent_file,
    changed_names,
    managed_file,
)
from tests.unit.operating import ask, commands, run, texts

pytestmark = pytest.mark.unit


def apply(yielded: list[object]) -> None:
    for command in yielded:
        run(command.get_raw_value(), command.stdin or "")  # type: ignore[attr-defined]


def managed(monkeypatch: pytest.MonkeyPatch, facts: dict[Any, Any], **given: Any) -> list[Any]:
    return commands(monkeypatch, managed_file, facts, **{"holds": Holds.PUBLIC, **given})


@pytest.mark.parametrize("content", ["", "no newline at the end", "a\nb\n", "ümläut '\"$x`\n\n"])
def test_what_is_written_is_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    path = str(tmp_path / "new folder" / "it's a file")
    first = managed(monkeypatch, {}, path=path, content=content, mode="640")
    apply(first)
    state = ask(File, path=path)
    assert state == FileState("640", content.encode())
    again = managed(monkeypatch, {File: state}, path=path, content=content, mode="640")
    assert again == []
    assert [entry.name for entry in Path(path).parent.iterdir()] == ["it's a file"]


def test_only_the_mode_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    path.chmod(0o600)
    yielded = managed(monkeypatch, {File: ask(File, path=str(path))}, path=str(path), content="x")
    assert texts(yielded) == [f"chmod 644 {path}"]


def test_a_foreign_file_is_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    backup = tmp_path / "file.before-kubeinstall"
    path.write_text("theirs\n")
    for text in ("ours\n", "ours again\n"):
        facts = {File: ask(File, path=str(path))}
        apply(managed(monkeypatch, facts, path=str(path), content=text))
        assert path.read_text() == text
        assert backup.read_text() == "theirs\n"


def test_our_own_file_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text(f"# {MARKER}.\nold\n")
    facts = {File: ask(File, path=str(path))}
    apply(managed(monkeypatch, facts, path=str(path), content="new\n"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_diff_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {File: FileState("644", b"a\nb\n", backed_up=True)}
    (command,) = managed(monkeypatch, facts, path="/etc/x", content="a\nc\n")
    assert command.diff.splitlines() == [
        "--- /etc/x",
        "+++ /etc/x",
        "@@ -1,2 +1,2 @@",
        " a",
        "-b",
        "+c",
    ]


def test_a_cut_connection_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old\n")
    command = WriteFile(str(path), "a long new text\n", "644", holds=Holds.PUBLIC)
    with pytest.raises(subprocess.CalledProcessError):
        run(command.get_raw_value(), "a lo")
    assert path.read_text() == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_secret_shows_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    given = {"path": str(path), "content": "hunter2\n", "holds": Holds.SECRETS, "mode": "600"}
    yielded = managed(monkeypatch, {}, **given)
    assert [command.diff for command in yielded] == [""]
    assert not any("hunter2" in f"{command} {command!r}" for command in yielded)
    apply(yielded)
    assert path.read_text() == "hunter2\n"
    assert path.stat().st_mode & 0o777 == 0o600
    facts = {File: ask(File, path=str(path))}
    assert managed(monkeypatch, facts, **given) == []
    assert managed(monkeypatch, facts, **{**given, "content": "hunter3\n"}) != []


@pytest.mark.parametrize("old", ["password = hunter2\n", f"# {MARKER}.\nhunter2\n"])
def test_a_secret_that_was_removed_is_not_shown_by_its_removal(
    monkeypatch: pytest.MonkeyPatch, old: str
) -> None:
    facts = {File: FileState("600", old.encode())}
    yielded = managed(monkeypatch, facts, path="/f", content="harmless\n", holds=Holds.SECRETS)
    assert yielded
    assert "hunter2" not in "".join(command.diff + str(command) for command in yielded)


def test_changed_settings_are_named_without_their_values() -> None:
    old = {"same": 1, "gone": "hunter2", "in": {"a": "x", "b": 1}, "list": [1]}
    new = {"same": 1, "in": {"a": "hunter3", "b": 1}, "list": [2], "new": {"c": 1}}
    assert changed_names(old, new) == ["gone", "in.a", "list", "new"]
    command = WriteFile("/f", "x", "600", holds=Holds.SECRETS, changed=changed_names(old, new))
    assert command.diff.splitlines()[1] == "~ in.a (hidden)"
    assert "hunter" not in command.diff


def test_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "link"
    path.symlink_to("nowhere")
    facts = {Exists: ask(Exists, path=str(path))}
    apply(commands(monkeypatch, absent_file, facts, path=str(path)))
    assert not path.is_symlink()
    facts = {Exists: ask(Exists, path=str(path))}
    assert commands(monkeypatch, absent_file, facts, path=str(path)) == []


@pytest.mark.parametrize("junk", [[], [""], ["644"], ["644", "no", "%%%"], ["x", "y", "z", "w"]])
def test_junk_is_no_file(junk: list[str]) -> None:
    state = File().process(junk)
    assert state is None or isinstance(state, FileState)
