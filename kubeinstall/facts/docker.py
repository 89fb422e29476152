"""Docker: its configuration, the user's part and ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyinfra.api.facts import FactBase

from kubeinstall.facts.files import BACKUP_SUFFIX, File, FileState


@dataclass(frozen=True)
class DaemonState:
    """Docker's configuration file.

    Args:
        file: as it is; None where there is none.
        settings: what it says.
        error: why it is no JSON object, with line and column; empty where it is one.
        last: what we set in it the last time; None where we never did.
        first: what it said before we came.
    """

    file: FileState | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    last: Mapping[str, Any] | None = None
    first: Mapping[str, Any] = field(default_factory=dict)


class Daemon(FactBase[DaemonState]):
    """The state of Docker's configuration.

    Args:
        path: of the file.
        record: of the file that says what we set in it.
    """

    @staticmethod
    def default() -> DaemonState:
        return DaemonState()

    def command(self, path: str, record: str) -> str:
        return File.together([{"path": name} for name in (path, record, path + BACKUP_SUFFIX)])

    def process(self, output: list[str]) -> DaemonState:
        parts = File.apart(output, [{}] * 3)
        now, last, first = (File().process(list(part)) for part in parts)
        settings, error = parsed(now.content if now else b"")
        return DaemonState(
            file=FileState(now.mode, now.content, first is not None) if now else None,
            settings=settings,
            error=error,
            last=parsed(last.content)[0] if last else None,
            first=parsed(first.content)[0] if first else {},
        )


def parsed(content: bytes) -> tuple[Mapping[str, Any], str]:
    """What a JSON file says, and why it is none; an empty file says nothing, as to Docker."""
    try:
        text = content.decode()
        document = json.loads(text) if text.strip() else {}
    except UnicodeDecodeError:
        return {}, "it is not UTF-8 text"
    except json.JSONDecodeError as error:
        return {}, f"line {error.lineno}, column {error.colno}: {error.msg}"
    except RecursionError:
        return {}, "it is nested too deeply"
    if not isinstance(document, dict):
        return {}, "it is not a JSON object"
    return document, ""
