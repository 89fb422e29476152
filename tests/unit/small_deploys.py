"""Small facts, operations and deploys over the shell of this machine."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.api.deploy import deploy
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.engine.types import Step
from tests.unit.local_session import LocalSession, steps

Commands = Generator[StringCommand, None, None]

Bare = Callable[[], object]
"""A deploy that is handed nothing."""


class Content(FactBase[str]):
    """A file's content, empty where there is none."""

    @staticmethod
    def default() -> str:
        return ""

    def command(self, path: str) -> str:
        return f"cat {path} 2>/dev/null || true"


class Names(FactBase[list[str]]):
    """A folder's entries; asked for only once the folder is known to be there."""

    @staticmethod
    def default() -> list[str]:
        return []

    def command(self, path: str) -> str:
        return f"ls {path}"

    def process(self, output: list[str]) -> list[str]:
        return output


class Broken(FactBase[str]):
    def command(self) -> str:
        return "echo no such thing >&2; exit 7"


class Syntax(FactBase[str]):
    def command(self) -> str:
        return "if then ((("


class Absent(FactBase[str]):
    @staticmethod
    def default() -> str:
        return "absent"

    def requires_command(self) -> str:
        return "no-such-program-anywhere"

    def command(self) -> str:
        return "echo present"


class Write(StringCommand):
    def __init__(self, path: str, content: str) -> None:
        super().__init__(f"printf %s '{content}' > {path}")
        self.diff = f"+{content}\n"


@operation()
def content(path: str, text: str) -> Commands:
    if host.get_fact(Content, path=path) != text:
        yield Write(path, text)


@operation()
def follow(source: str, target: str) -> Commands:
    """Copies what the source holds when the operation runs."""
    text = host.get_fact(Content, path=source)
    if host.get_fact(Content, path=target) != text:
        yield Write(target, text)


@operation()
def run(script: str, stream: bool = False) -> Commands:
    command = StringCommand(script)
    command.stream = stream  # type: ignore[attr-defined]
    yield command


def everywhere(session: LocalSession, *deploys: Bare) -> dict[str, list[Step[None]]]:
    return {name: steps(*deploys) for name in session.alive}


def one(*operations: Any) -> Bare:
    """A deploy of these calls."""

    @deploy("Test")
    def made() -> None:
        for each in operations:
            each()

    return made


def three_files(folder: Path) -> Bare:
    @deploy("Three files")
    def made() -> None:
        for name in ("a", "b", "c"):
            path = f"{folder}/{host.name}.{name}"
            content(name=f"Write {name}", path=path, text="x")

    return made
