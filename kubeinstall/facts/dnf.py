"""RPM packages: what is installed and locked, what could be, which keys are trusted."""

from __future__ import annotations

import base64
import re
import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from kubeinstall.facts.packages import PackageState
from kubeinstall.facts.signing_keys import SigningKeys

VERSIONLOCK = "/etc/dnf/plugins/versionlock.list"
"""Of dnf 4's plugin versionlock."""
VERSIONLOCK_5 = "/etc/dnf/versionlock.toml"
"""Of dnf 5, which has versionlock built in."""

_LOCK = re.compile(r"(?P<name>[^!#].*)-(?P<evr>[^-]+-[^-]+)\.\*$")
_FORM = "package\\t%{EVR}\\t%{NAME}\\t[%{PROVIDENAME} ]\\n"


def without_epoch_0(evr: str) -> str:
    """An epoch-version-release as rpm prints it: epoch 0 goes without saying."""
    return evr.removeprefix("0:")


class RpmPackages(FactBase[dict[str, PackageState]]):
    """Those of ``names`` that are installed, or that an installed package provides.

    A package is held when dnf is locked to the version that is installed.

    Args:
        names: names of packages, or of what they provide.
    """

    @staticmethod
    def default() -> dict[str, PackageState]:
        return {}

    def command(self, names: tuple[str, ...]) -> str:
        query = f"rpm -q --whatprovides --qf '{_FORM}' {' '.join(map(shlex.quote, names))}"
        return (
            f"{{ {query}; sed 's/^/list\\t/' {VERSIONLOCK};"
            f" sed 's/^/toml\\t/' {VERSIONLOCK_5}; }} 2>/dev/null || true"
        )

    def process(self, output: list[str]) -> dict[str, PackageState]:
        rows = [line.split("\t") for line in output]
        locked = {
            *_locks([row[1] for row in rows if row[0] == "list" and len(row) > 1]),
            *_locks_5([row[1] for row in rows if row[0] == "toml" and len(row) > 1]),
        }
        found: dict[str, PackageState] = {}
        own: dict[str, PackageState] = {}
        for row in rows:
            if row[0] != "package" or len(row) != 4:
                continue
            state = PackageState(row[1], (row[2], without_epoch_0(row[1])) in locked)
            own[row[2]] = state
            found |= dict.fromkeys(row[3].split(), state)
        return found | own


class RpmInstalled(FactBase[tuple[str, ...]]):
    """Those of ``names`` that are installed by that very name, whatever others provide.

    Args:
        names: names of packages.
    """

    @staticmethod
    def default() -> tuple[str, ...]:
        return ()

    def command(self, names: tuple[str, ...]) -> str:
        listed = " ".join(map(shlex.quote, names))
        return f"rpm -q --qf 'package\\t%{{NAME}}\\n' {listed} 2>/dev/null || true"

    def process(self, output: list[str]) -> tuple[str, ...]:
        rows = [line.split("\t") for line in output]
        return tuple(dict.fromkeys(row[1] for row in rows if row[0] == "package" and row[1:]))


def _locks(lines: list[str]) -> set[tuple[str, str]]:
    """Names and versions in dnf 4's file: ``kubelet-0:1.36.2-150500.1.1.*``."""
    matches = [match for line in lines if (match := _LOCK.match(line.strip()))]
    return {(match["name"], without_epoch_0(match["evr"])) for match in matches}


def _locks_5(lines: list[str]) -> set[tuple[str, str]]:
    """Names and versions in dnf 5's file, as ``dnf versionlock add`` writes it."""
    found: set[tuple[str, str]] = set()
    name = ""
    for line in lines:
        key, _, value = (part.strip() for part in line.partition("="))
        if key == "name":
            name = value.strip("\"'")
        elif key == "value" and name:
            found.add((name, without_epoch_0(value.strip("\"'"))))
    return found


class RpmAvailable(FactBase[dict[str, tuple[str, ...]]]):
    """The versions that the repositories have, newest last, as of their cached metadata.

    Args:
        names: package names.
        repository: whose own excludes do not count; empty: all count.
    """

    costly = True
    """Asked only where what its operation asks before does not make it superfluous."""

    @staticmethod
    def default() -> dict[str, tuple[str, ...]]:
        return {}

    def command(self, names: tuple[str, ...], repository: str = "") -> str:
        specs = " ".join(map(shlex.quote, names))
        return f"{query(repository)} -C {specs} 2>/dev/null || true"

    def process(self, output: list[str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        for line in output:
            name, bar, evr = line.strip().partition("|")
            if bar:
                found.setdefault(name, {})[without_epoch_0(evr)] = None
        return {name: tuple(versions) for name, versions in found.items()}


def query(repository: str) -> str:
    """The command that lists ``name|version`` of all versions there are, for dnf 4 and dnf 5.

    Sources: dnf's command reference; "Changes between DNF and DNF5" of dnf5's documentation.

    Args:
        repository: whose own excludes do not count; empty: all count.
    """
    form = "'%{name}|%{evr}\\n'"
    return f"dnf -q{relying_on(repository)} repoquery --queryformat {form}"


def relying_on(repository: str) -> str:
    """The options that lift a repository's own excludes and fail without it, for dnf 4 and 5."""
    if not repository:
        return ""
    return f" --setopt=disable_excludes={repository} --setopt={repository}.skip_if_unavailable=0"


@dataclass(frozen=True)
class RpmKey:
    """A file of signing keys.

    Args:
        imported: rpm trusts all keys in it, and has read them since the file was written.
        ids: their short ids, as rpm calls them.
    """

    imported: bool = False
    ids: tuple[str, ...] = ()


class RpmKeyImported(FactBase[RpmKey]):
    """Whether rpm knows the keys in the file at ``path``."""

    @staticmethod
    def default() -> RpmKey:
        return RpmKey()

    def command(self, path: str) -> str:
        file = shlex.quote(path)
        form = "known %{VERSION} %{INSTALLTIME}\\n"
        return (
            f"if [ -f {file} ]; then stat -L -c 'written %Y' {file}; echo key $(base64 -w0 {file});"
            f" rpm -q gpg-pubkey --qf '{form}'; fi 2>/dev/null || true"
        )

    def process(self, output: list[str]) -> RpmKey:
        rows = [line.split(" ") for line in output]
        written = next((_number(row[1]) for row in rows if row[0] == "written" and row[1:]), 0)
        # rpm 6 calls a key by its whole fingerprint, older ones by its end.
        known = {row[1].lower()[-8:]: _number(row[2]) for row in rows if _is_known(row)}
        text = next((row[1] for row in rows if row[0] == "key" and row[1:]), "")
        ids = _short_ids(text)
        return RpmKey(bool(ids) and all(known.get(one, -1) >= written for one in ids), ids)


def _short_ids(encoded: str) -> tuple[str, ...]:
    try:
        keys = SigningKeys.read(base64.b64decode(encoded, validate=True).decode("ascii"))
    except ValueError:
        return ()
    return tuple(sorted(fingerprint.lower()[-8:] for fingerprint in keys.fingerprints))


def _is_known(row: list[str]) -> bool:
    return len(row) == 3 and row[0] == "known"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
