"""The command line of a service: its flags, and who has set each of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra.api.facts import FactBase

from kubeinstall.resources import script

_MOST = 1 << 16
"""Characters of a command line that are read as a shell would, which takes its time."""
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


@dataclass(frozen=True)
class Flag:
    """A flag of a service.

    Args:
        name: without dashes.
        value: ``true`` where it has none.
        holder: where it is written, e.g. ``DOCKER_OPTS in /etc/default/docker``.
        variable: the variable that it comes from; empty: it is in the unit itself.
    """

    name: str
    value: str
    holder: str
    variable: str = ""

    @property
    def option(self) -> str:
        """The flag without its value, e.g. ``--log-driver``."""
        return f"-{self.name}" if len(self.name) == 1 else f"--{self.name}"

    def __str__(self) -> str:
        return f"{self.option}={self.value}"


@dataclass(frozen=True)
class CommandLine:
    """How systemd starts a service.

    Args:
        loaded: systemd knows the unit.
        flags: in their order; of most the last one counts.
    """

    loaded: bool = False
    flags: tuple[Flag, ...] = ()


class Flags(FactBase[CommandLine]):
    """The flags that a unit is started with, variables of its environment files included.

    Args:
        unit: e.g. ``docker.service``.
        files: environment files that count before there is such a unit.
        usual: the command line that counts before there is such a unit, e.g.
            ``dockerd $DOCKER_OPTS``.
    """

    @staticmethod
    def default() -> CommandLine:
        return CommandLine()

    def command(self, unit: str, files: tuple[str, ...], usual: str) -> str:
        asked = {"unit": unit, "files": files, "usual": usual}
        words = shlex.join([f"unit {unit}", f"usual {usual}"])
        return f"printf '%s\\n' {words}\n{self.together([asked])}"

    def process(self, output: list[str]) -> CommandLine:
        given = dict(line.split(" ", 1) for line in output if re.match(r"(unit|usual) ", line))
        unit = given.get("unit", "")
        shown = dict(line.split("=", 1) for line in output if re.match(r"\w+=", line))
        loaded = shown.get("LoadState") == "loaded"
        variables: dict[str, tuple[str, str]] = {}
        for word in _words(shown.get("Environment", "")):
            name, _, value = word.partition("=")
            variables[name] = (value, f"{name} in {unit}")
        options: dict[str, list[str]] = {}
        for line in output:
            kind, _, rest = line.partition(" ")
            path, _, assigned = rest.partition("\t")
            if kind == "option":
                options.setdefault(path, []).append(assigned)
        for path in _listed(output) or options:
            for name, value in _assignments("\n".join(options.get(path, ()))):
                variables[name] = (value, f"{name} in {path}")
        argv = re.search(r"argv\[\]=(.*?) ;", shown.get("ExecStart", ""))
        text = argv[1] if loaded and argv else given.get("usual", "")
        words = list(_expanded(text, variables, unit))
        return CommandLine(loaded, tuple(_flags(words)))

    @staticmethod
    def together(asked: Sequence[Mapping[str, Any]]) -> str:
        """The command for several units."""
        files = dict.fromkeys(path for one in asked for path in one["files"])
        units = " ".join(one["unit"] for one in asked)
        return script("services/flags", units=units, files=" ".join(files))

    @staticmethod
    def apart(output: Sequence[str], asked: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
        """What ``command`` would have printed for each of them.

        Raises:
            ValueError: it is not about as many units.
        """
        options = [line for line in output if line.startswith("option ")]
        lines = [line for line in output if not line.startswith("option ")]
        shown = "\n".join(lines).split("\n\n")
        if len(shown) != len(asked):
            raise ValueError("it is not about as many units as were asked for")
        found = []
        for unit, one in zip(shown, asked, strict=True):
            block = unit.split("\n")
            read = tuple(f"option {path}\t" for path in _listed(block) or one["files"])
            own = [line for line in options if line.startswith(read)]
            found.append((f"unit {one['unit']}", f"usual {one['usual']}", *block, *own))
        return found


def _listed(shown: Sequence[str]) -> list[str]:
    """The environment files of a unit, in order."""
    found = (re.fullmatch(r"EnvironmentFiles=(.+?)(?: \(.*)?", line) for line in shown)
    return [match[1] for match in found if match]


def _words(text: str) -> list[str]:
    if len(text) > _MOST:
        return text.split()
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, sign, value = line.strip().partition("=")
        if sign and re.fullmatch(r"\w+", name):
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            yield name, value


@dataclass(frozen=True)
class _Word:
    text: str
    holder: str
    variable: str


def _expanded(text: str, variables: Mapping[str, tuple[str, str]], unit: str) -> Iterator[_Word]:
    """The words of a command line after its program, as systemd expands them."""
    for word in text.split()[1:]:
        match = _VARIABLE.fullmatch(word)
        if match is None:
            yield _Word(word, f"ExecStart of {unit}", "")
        elif match[1] in variables:
            value, holder = variables[match[1]]
            for part in _words(value):
                yield _Word(part, holder, match[1])


def _flags(words: list[_Word]) -> Iterator[Flag]:
    at = 0
    while at < len(words):
        word, at = words[at], at + 1
        if not word.text.startswith("-"):
            continue
        name, sign, value = word.text.lstrip("-").partition("=")
        if not word.text.startswith("--") and len(name) > 1:
            name, sign, value = name[0], "=", name[1:]
        if not sign and at < len(words) and not words[at].text.startswith("-"):
            value, sign, at = words[at].text, "=", at + 1
        yield Flag(name, value if sign else "true", word.holder, word.variable)
