"""The command line: what starting costs, errors, exit codes, the small commands."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from kubeinstall import __version__, cli
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.run.phases import PHASES

pytestmark = pytest.mark.unit

HEAVY = ("pyinfra", "paramiko", "pydantic", "gevent", "jinja2", "yaml", "rich", "testinfra")
# Compiling its patterns takes longer than importing click.
_SLOW = "kubeinstall.engine.redact"
Run = Callable[..., int]


def program(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kubeinstall", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])},
    )


def failing(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def run_failing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Run a command that ends with an error; the user's cache is in ``tmp_path``."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def run(error: BaseException) -> int:
        command = click.Command("schema", callback=failing(error))
        monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: command)
        return cli.run(["schema"])

    return run


@pytest.mark.parametrize("arguments", ["--help", "--version"])
def test_starting_is_cheap(arguments: str) -> None:
    code = (
        "import sys; from kubeinstall.cli import run; run(sys.argv[1:]);"
        f"print([m for m in {(*HEAVY, _SLOW)!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_inventory_is_checked_without_what_connects(tmp_path: Path) -> None:
    assert cli.run(["init", "root@10.1.0.1", "-o", str(tmp_path / "one.yaml")]) == 0
    code = (
        "import sys; from kubeinstall.cli import run; run(sys.argv[1:]);"
        "print([m for m in ('pyinfra', 'paramiko', 'cryptography', 'jsonschema') "
        "if m in sys.modules])"
    )
    arguments = ["validate", "-i", str(tmp_path / "one.yaml")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_lists_every_command_in_order() -> None:
    done = program("--help")
    assert done.returncode == 0
    listed = done.stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed if line.strip()] == list(cli.COMMANDS)


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: kubeinstall {name}")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["valdate"], "did you mean validate?"),
        (["frobnicate"], "init, validate"),
        (["validate", "--jsn"], "--json"),
        (["completion", "tcsh"], "bash"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 64
    assert told in capsys.readouterr().err


def test_findings_end_with_their_exit_code(
    run_failing: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Finding(Kind.CONNECT, "no answer", ("w1",), why="it is off", next="turn it on")
    assert run_failing(KubeinstallError(first, Finding(Kind.VERIFY, "also"))) == 11
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "error: w1: no answer",
        "  why:  it is off",
        "  next: turn it on",
        "error: also",
    ]


def test_the_unforeseen_leaves_a_private_traceback(
    run_failing: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_failing(RuntimeError("secret detail")) == 70
    told = capsys.readouterr().err
    assert "internal error: RuntimeError" in told
    assert "Traceback" not in told
    assert "secret detail" not in told
    [file] = (tmp_path / "kubeinstall").iterdir()
    assert str(file) in told
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    text = file.read_text()
    assert "Traceback" in text
    assert "secret detail" in text


def test_the_unforeseen_without_a_cache_folder(
    run_failing: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert run_failing(RuntimeError("x")) == 70
    named = capsys.readouterr().err.partition("traceback in ")[2].partition(";")[0]
    assert stat.S_IMODE(Path(named).stat().st_mode) == 0o600
    Path(named).unlink()


def test_ctrl_c(run_failing: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_failing(KeyboardInterrupt()) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "_KUBEINSTALL_COMPLETE" in script
    assert "# To install: " in script


def test_completing_a_command_imports_none() -> None:
    code = (
        "import sys; import click; from kubeinstall.cli import cli;"
        "print([c.value for c in cli.shell_complete(click.Context(cli), 'va')],"
        f"[m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['validate'] []"


def test_init_then_validate(tmp_path: Path) -> None:
    made = program("init", "root@10.1.0.1", "10.1.0.2", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    done = program("validate", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "kubeinstall.yaml: ok: cluster kubernetes, Kubernetes 1.36.2, 1 control plane, 1 worker\n"
    )


def test_init_overwrites_only_when_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    assert cli.run(["init", "-o", str(path)]) == Kind.LOCAL
    assert "--force" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert cli.run(["init", "-o", str(path), "--force"]) == 0
    assert path.read_text() != "mine"


def test_init_into_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["init", "-o", str(tmp_path / "no" / "a.yaml")]) == Kind.LOCAL
    assert "cannot be written" in capsys.readouterr().err


WRONG = "cluster:\n  kubernetes: 1.36\ngroups: {control_plane: {hosts: {}}}\n"


def test_validate_says_all_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(WRONG)
    assert cli.run(["validate", "-i", str(path)]) == 10
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"error: {path}:2:15: cluster.kubernetes" in printed.err
    assert printed.err.endswith(f"{path}: 2 errors\n")


def test_validate_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(WRONG)
    assert cli.run(["validate", "--json", "-i", str(path)]) == 10
    record = json.loads(capsys.readouterr().out)
    assert record["ok"] is False
    assert [finding["kind"] for finding in record["findings"]] == ["INVENTORY", "INVENTORY"]
    assert cli.run(["init", "-o", str(path), "--force"]) == 0
    capsys.readouterr()
    assert cli.run(["validate", "--json", "-i", str(path)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["cluster"]["workers"] == ["w1", "w2"]


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$defs"]["Ssh"]


def test_the_help_of_up_names_the_phases() -> None:
    names = ", ".join(phase.name for phase in PHASES)
    told = program("up", "--help").stdout
    assert names in " ".join(told.split()).replace("- ", "-")
