"""The reader of shell scripts, held against bash: what bash would run it must not overlook."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.hostile.payloads import CANARY, WORDS
from tests.unit.hostile.shell import reached

pytestmark = pytest.mark.unit

BARE = (
    "echo {0}",
    "x={0}; echo $x",
    'echo "{0}"',
    "echo '{0}'",
    'echo "$(echo {0})"',
    "echo `echo {0}`",
    "echo $(( {0} ))",
    'echo "${{x:-{0}}}"',
    "[ -e {0} ] || echo no",
    "case a in {0}) echo yes ;; *) echo no ;; esac",
    "case a in b) echo {0} ;; esac; echo a",
    "case a in a) echo {0} ;; esac",
    "for x in {0}; do echo $x; done",
    "if echo {0}; then echo yes; fi",
    "(echo {0})",
    "f() {{ echo {0}; }}; f",
    "cat <<END\n{0}\nEND\n",
    "cat <<'END'\n{0}\nEND\n",
    "cat <<-EOF\n\t{0}\n\tEOF\n",
    "echo a > {0}",
    "eval 'echo {0}'",
    "sh -c 'echo {0}'",
    'bash -c "echo {0}"',
    "sh -c " + "'sh -c \"echo {0}\"'",
    "echo a # {0}",
    "echo \\{0}",
    "( echo a; echo {0} ) | cat",
    "{0}",
    "echo a && {0}",
    "while echo {0}; do break; done",
)
"""Values without quotes, or in quotes that are not enough."""
QUOTED = (
    "echo {0}",
    "x={0}; echo $x",
    "[ -e {0} ] || echo no",
    "case a in b) echo {0} ;; esac; echo a",
    "for x in {0}; do echo $x; done",
    "(echo {0}) | cat",
    "f() {{ echo {0}; }}; f",
    "echo a --x={0}/y",
)


def ran(script: str, folder: Path) -> bool:
    """Whether bash runs the canary, or makes a file of its name; nothing else is there to run."""
    programs, work = folder / "programs", folder / "work"
    shutil.rmtree(folder, ignore_errors=True)
    programs.mkdir(parents=True)
    work.mkdir()
    canary = programs / CANARY
    canary.write_text(f"#!{shutil.which('sh')}\n: > {folder}/ran\n")
    canary.chmod(0o755)
    for name in ("sh", "bash", "cat"):
        (programs / name).symlink_to(shutil.which(name) or name)
    subprocess.run(
        [shutil.which("bash") or "bash", "-c", script],
        cwd=work,
        env={"PATH": str(programs)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
    )
    return (folder / "ran").exists() or any(CANARY in path.name for path in work.iterdir())


def words() -> list[str]:
    """What bash can be given as an argument, and that is not too long for this."""
    return [w for w in WORDS if "\0" not in w and "\udc80" not in w and len(w) < 1000]


@pytest.mark.parametrize("form", BARE)
def test_nothing_that_bash_runs_is_overlooked(form: str, tmp_path: Path) -> None:
    scripts = [form.format(word) for word in words()]
    for script in scripts:
        if not list(reached(script, CANARY)):
            assert not ran(script, tmp_path / "x"), script


def test_what_bash_runs_is_what_is_found(tmp_path: Path) -> None:
    """The comparison above is about something: bash does run the canary."""
    assert ran(f"echo $({CANARY})", tmp_path / "x")
    assert ran(f"echo > {CANARY}", tmp_path / "x")
    assert list(reached(f"echo $({CANARY})", CANARY)) == [f"runs '{CANARY}'"]
    assert list(reached(f"echo > {CANARY}", CANARY)) == [f"writes '{CANARY}'"]
    assert list(reached("echo 'a", CANARY)) == ["torn: no closing '"]


@pytest.mark.parametrize("form", QUOTED)
def test_what_is_quoted_is_not_said_to_be_run(form: str) -> None:
    for word in words():
        script = form.format(shlex.quote(word))
        assert not list(reached(script, CANARY)), script


@pytest.mark.parametrize("word", words())
def test_a_script_in_a_script_is_quoted_twice(word: str) -> None:
    once = shlex.quote(f"echo {word}")
    twice = shlex.quote(f"echo {shlex.quote(word)}")
    for shell in ("sh -c", "timeout 5 bash -c", "eval", "exec pod -- sh -ec"):
        assert not list(reached(f"{shell} {twice}", CANARY))
    if list(reached(f"echo {word}", CANARY)):
        assert list(reached(f"sh -c {once}", CANARY))
