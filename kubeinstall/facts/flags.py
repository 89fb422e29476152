"""The command line of a service: its flags, and who has set each of them."""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

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
        name, more = shlex.quote(unit), " ".join(map(shlex.quote, files))
        # Only variables with options: such a file may hold a login as well.
        return f"""\
printf '%s\\n' {shlex.quote(f"unit {unit}")} {shlex.quote(f"usual {usual}")}
systemctl show {name} -p LoadState -p ExecStart -p Environment 2>/dev/null
listed=$(systemctl show {name} -p EnvironmentFiles --value 2>/dev/null | sed 's/ (.*//')
for file in ${{listed:-{more}}}; do
  [ -f "$file" ] || continue
  printf 'file %s %s\\n' "$(sed -e ':a' -e '/\\\\$/{{N;s/\\\\\\n//;ta' -e '}}' "$file" |
    grep -E '^[[:space:]]*[A-Za-z_]*(OPT|ARG|FLAG)[A-Za-z_]*=' | base64 -w0)" "$file"
done
true"""

    def process(self, output: list[str]) -> CommandLine:
        given = dict(line.split(" ", 1) for line in output if re.match(r"(unit|usual) ", line))
        unit = given.get("unit", "")
        shown = dict(line.split("=", 1) for line in output if re.match(r"\w+=", line))
        loaded = shown.get("LoadState") == "loaded"
        variables: dict[str, tuple[str, str]] = {}
        for word in _words(shown.get("Environment", "")):
            name, _, value = word.partition("=")
            variables[name] = (value, f"{name} in {unit}")
        for line in output:
            kind, _, rest = line.partition(" ")
            encoded, _, path = rest.partition(" ")
            if kind == "file":
                for name, value in _assignments(_decoded(encoded)):
                    variables[name] = (value, f"{name} in {path}")
        argv = re.search(r"argv\[\]=(.*?) ;", shown.get("ExecStart", ""))
        text = argv[1] if loaded and argv else given.get("usual", "")
        words = list(_expanded(text, variables, unit))
        return CommandLine(loaded, tuple(_flags(words)))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except binascii.Error:
        return ""


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
