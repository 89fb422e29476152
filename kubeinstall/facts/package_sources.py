"""Package sources that a host knows already, and the files that name them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

_ONE_LINE = re.compile(r"deb(?:-src)?\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)")


@dataclass(frozen=True)
class PackageSource:
    """A package source as a file of the host names it.

    Args:
        path: of the file.
        line: in it, from 1.
        url: apt's, with one slash at its end; dnf's id of the repository.
        suite: apt's, e.g. ``bookworm``; ``/`` for a flat repository; empty for dnf.
        signed_by: apt's option: paths of keyrings, fingerprints, or a whole key; empty without.
    """

    path: str
    line: int
    url: str
    suite: str = ""
    signed_by: str = ""


class AptSources(FactBase[tuple[PackageSource, ...]]):
    """The package sources of apt, in both of its formats."""

    @staticmethod
    def default() -> tuple[PackageSource, ...]:
        return ()

    def command(self) -> str:
        files = "/etc/apt/sources.list /etc/apt/sources.list.d/*.list"
        return _listed(f"{files} /etc/apt/sources.list.d/*.sources")

    def process(self, output: list[str]) -> tuple[PackageSource, ...]:
        found: list[PackageSource] = []
        for path, text in _files(output):
            read = _deb822 if path.endswith(".sources") else _one_line
            found.extend(read(path, text))
        return tuple(found)


class DnfRepositories(FactBase[tuple[PackageSource, ...]]):
    """The repositories of dnf; of those with one id it uses the first and ignores the others."""

    @staticmethod
    def default() -> tuple[PackageSource, ...]:
        return ()

    def command(self) -> str:
        return _listed("/etc/yum.repos.d/*.repo")

    def process(self, output: list[str]) -> tuple[PackageSource, ...]:
        return tuple(
            PackageSource(path, number, match[1])
            for path, text in _files(output)
            for number, line in enumerate(text.splitlines(), 1)
            if (match := re.match(r"\[([^\]]+)\]", line.strip()))
        )


def _listed(patterns: str) -> str:
    return (
        f'for file in {patterns}; do [ ! -f "$file" ] || '
        'printf \'%s %s\\n\' "$(base64 -w0 "$file")" "$file"; done; true'
    )


def _files(output: list[str]) -> Iterator[tuple[str, str]]:
    for line in output:
        encoded, _, path = line.partition(" ")
        try:
            yield path, base64.b64decode(encoded, validate=True).decode(errors="replace")
        except binascii.Error:
            continue


def with_slash(url: str) -> str:
    """An address as apt compares it."""
    return url.rstrip("/") + "/"


def _one_line(path: str, text: str) -> Iterator[PackageSource]:
    for number, line in enumerate(text.splitlines(), 1):
        match = _ONE_LINE.match(line.strip())
        if match:
            options = dict(word.split("=", 1) for word in (match[1] or "").split() if "=" in word)
            signed = options.get("signed-by", "")
            yield PackageSource(path, number, with_slash(match[2]), match[3], signed)


def _deb822(path: str, text: str) -> Iterator[PackageSource]:
    fields: dict[str, str] = {}
    began, name = 1, ""
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            yield from _stanza(path, began, fields)
            fields, name = {}, ""
        elif line[0] in " \t":
            fields[name] = f"{fields.get(name, '')}\n{line.strip()}".strip()
        else:
            began = began if fields else number
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()


def _stanza(path: str, line: int, fields: dict[str, str]) -> Iterator[PackageSource]:
    if fields.get("enabled", "yes").lower() in ("no", "false", "0", "off", "without", "disable"):
        return
    signed = " ".join(fields.get("signed-by", "").split())
    for url in fields.get("uris", "").split():
        for suite in fields.get("suites", "").split():
            yield PackageSource(path, line, with_slash(url), suite, signed)
