"""Operations without a host: facts given, commands collected; and the same in this machine's sh."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest


class FactHost:
    """In the place of pyinfra's host: answers facts from a table, defaults for the rest."""

    def __init__(self, facts: Mapping[Any, Any]) -> None:
        self._facts = dict(facts)

    def get_fact(self, fact: type[Any], **_: Any) -> Any:
        return self._facts.get(fact, fact.default())


def commands(
    monkeypatch: pytest.MonkeyPatch,
    operation: Any,
    facts: Mapping[Any, Any],
    **arguments: Any,
) -> list[Any]:
    """What an operation yields when the host is as the facts say."""
    host = FactHost(facts)
    modules = {operation._inner.__module__, "kubeinstall.operations.files"}
    for module in modules:
        monkeypatch.setattr(f"{module}.host", host, raising=False)
    return list(operation._inner(**arguments))


def texts(yielded: list[Any]) -> list[str]:
    """The command lines."""
    return [command.get_raw_value() for command in yielded]


def run(script: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
    """Run a command as a connector does; stock ones end standard input with a newline.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    return subprocess.run(
        ["sh", "-c", script],
        input=stdin + "\n",
        text=True,
        check=True,
        capture_output=True,
        env=dict(env) if env else None,
    ).stdout


def with_programs(script: str, folder: Path) -> str:
    """A script that calls stand-ins in a folder in the place of the packages' programs."""
    for name in ("kubeadm", "kubectl", "kubelet"):
        script = script.replace(f"/usr/bin/{name}", str(folder / name))
    return script


def ask(fact: Any, **arguments: Any) -> Any:
    """A fact of this machine, through sh."""
    lines = run(fact().command(**arguments)).splitlines()
    return fact().process(lines) if lines else fact.default()
