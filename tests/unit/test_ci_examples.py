"""The workflows in docs/ci: their services' schemas, and the commands that they run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from kubeinstall.cli import COMMANDS, cli
from tests.running import REPO

pytestmark = pytest.mark.unit

FOLDER = REPO / "docs" / "ci"
GITHUB = FOLDER / "github-actions.yml"
GITLAB = FOLDER / ".gitlab-ci.yml"
WORKFLOWS = [
    pytest.param(GITHUB, "vendor.github-workflows", id="GitHub"),
    pytest.param(GITLAB, "vendor.gitlab-ci", id="GitLab"),
]
ORDER = [["lab", "up"], ["up"], ["plan"], ["verify"], ["lab", "down"]]


def fits(path: Path, schema: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("path", "schema"), WORKFLOWS)
def test_fits_its_services_schema(path: Path, schema: str) -> None:
    checked = fits(path, schema)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(("path", "schema"), WORKFLOWS)
def test_a_misspelled_key_does_not(path: Path, schema: str, tmp_path: Path) -> None:
    wrong = tmp_path / path.name
    text = path.read_text()
    wrong.write_text(text.replace("if: always()", "iff: always()").replace("  when:", "  whn:"))
    assert wrong.read_text() != text
    assert fits(wrong, schema).returncode == 1


def scripts(path: Path) -> Iterator[str]:
    """Every shell script of a workflow, in the order in which they run."""
    document = yaml.safe_load(path.read_text())
    if path == GITHUB:
        steps: list[dict[str, Any]] = document["jobs"]["cluster"]["steps"]
        yield from (step["run"] for step in steps if "run" in step)
    else:
        for part in ("before_script", "script", "after_script"):
            yield from document["cluster"][part]


def command_lines(path: Path) -> list[list[str]]:
    """The arguments of every run of kubeinstall."""
    lines = "\n".join(scripts(path)).replace("\\\n", " ").splitlines()
    calls = (re.search(r"(?:^|\s)scripts/kubeinstall\s(.*)", line) for line in lines)
    return [shlex.split(call[1]) for call in calls if call]


@pytest.fixture
def only_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands take their arguments and do nothing."""
    with click.Context(cli) as context:
        todo = [cli.get_command(context, name) for name in COMMANDS]
    for command in todo:
        assert command is not None
        monkeypatch.setattr(command, "callback", lambda **_: None)
        todo.extend(command.commands.values() if isinstance(command, click.Group) else ())


def refusal(words: list[str]) -> str:
    """Why kubeinstall does not take a command line; empty if it does."""
    ran = CliRunner().invoke(cli, words)
    return "" if ran.exit_code == 0 else ran.output or str(ran.exception)


@pytest.mark.usefixtures("only_parsed")
@pytest.mark.parametrize("path", [GITHUB, GITLAB], ids=["GitHub", "GitLab"])
def test_kubeinstall_takes_its_command_lines(path: Path) -> None:
    calls = command_lines(path)
    assert [words[: len(first)] for words, first in zip(calls, ORDER, strict=True)] == ORDER
    assert [refusal(words) for words in calls] == [""] * len(ORDER)


@pytest.mark.usefixtures("only_parsed")
def test_a_command_line_that_it_does_not_take_is_seen() -> None:
    assert "--junit" in refusal(["verify", "-i", "lab.yaml", "--junit", "verify.xml"])
    assert "upp" in refusal(["lab", "upp"])


@pytest.mark.parametrize("path", [GITHUB, GITLAB], ids=["GitHub", "GitLab"])
def test_scripts_are_bash_and_what_they_name_is_there(path: Path) -> None:
    for script in scripts(path):
        subprocess.run(["bash", "-n", "-c", script], check=True, timeout=10)
    text = path.read_text()
    assert (REPO / "scripts" / "kubeinstall").exists()
    inventories = re.findall(r"inventories/\S+\.yaml", text)
    assert inventories
    assert all((REPO / name).is_file() for name in inventories)
