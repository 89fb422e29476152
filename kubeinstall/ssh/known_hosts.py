"""known_hosts files, read as OpenSSH reads them (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

A line that cannot be read is skipped, as ssh skips it, and kept with the reason, so that it can be
reported. Not supported are host certificates: a ``@cert-authority`` line makes no host known.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from kubeinstall.ssh.lean import UnknownKeyType, paramiko

_FIELD = re.compile(r"[ \t]+")
_HASH = re.compile(r"\|1\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)")


class Marker(StrEnum):
    """What a line says of its key, other than that it is a host's."""

    NONE = ""
    AUTHORITY = "@cert-authority"
    REVOKED = "@revoked"


@dataclass(frozen=True)
class Entry:
    """A line with a key.

    Args:
        line: its number, from 1.
        names: the patterns of its first field, separated by commas; or one hashed name.
        kind: the key's type, e.g. ``ssh-ed25519``.
        blob: the key as it goes over the wire.
    """

    line: int
    marker: Marker
    names: str
    kind: str
    blob: bytes


@dataclass(frozen=True)
class Skipped:
    """A line that was not read.

    Args:
        line: its number, from 1.
        why: what is wrong with it.
    """

    line: int
    why: str


@dataclass(frozen=True)
class KnownHosts:
    """What a file says."""

    entries: tuple[Entry, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @classmethod
    def read(cls, path: Path) -> KnownHosts:
        """Read a file; one that does not exist has nothing.

        Raises:
            OSError: it cannot be read.
        """
        try:
            text = path.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return cls()
        return cls.parse(text)

    @classmethod
    def parse(cls, text: str) -> KnownHosts:
        """Read a file's text."""
        found = list(_lines(text))
        return cls(
            tuple(one for one in found if isinstance(one, Entry)),
            tuple(one for one in found if isinstance(one, Skipped)),
        )

    def of(self, name: str) -> tuple[Entry, ...]:
        """The lines for a host, in the file's order, whatever their marker is.

        Args:
            name: ``host``, or ``[host]:port`` where the port is not 22.
        """
        return tuple(entry for entry in self.entries if matches(entry.names, name))


def name_of(address: str, port: int) -> str:
    """How known_hosts names a host."""
    return address.lower() if port == 22 else f"[{address.lower()}]:{port}"


def matches(names: str, name: str) -> bool:
    """Whether the first field of a line is about a host."""
    name = name.lower()
    if names.startswith("|"):
        return _hash_matches(names, name)
    found = False
    for pattern in names.lower().split(","):
        if _pattern(pattern.removeprefix("!")).fullmatch(name):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _hash_matches(names: str, name: str) -> bool:
    hashed = _HASH.fullmatch(names)
    if hashed is None:
        return False
    salt, wanted = (base64.b64decode(part) for part in hashed.groups())
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), wanted)


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    # Stars in a row mean what one means, and would take a regular expression very long.
    pieces = re.findall(r"\*+|\?|[^*?]+", text)
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(p[:1], re.escape(p)) for p in pieces), re.DOTALL)


def _lines(text: str) -> Iterator[Entry | Skipped]:
    # Not splitlines(): it ends lines at characters that ssh takes for part of a comment.
    for number, line in enumerate(text.split("\n"), 1):
        written = line.strip(" \t\r")
        if written and not written.startswith("#"):
            try:
                yield _entry(number, written)
            except ValueError as error:
                yield Skipped(number, str(error))


def _entry(number: int, text: str) -> Entry:
    """Read one line.

    Raises:
        ValueError: it is not of the form; says what is wrong.
    """
    marker = Marker.NONE
    if text.startswith("@"):
        word, *rest = _FIELD.split(text, maxsplit=1)
        if word not in {Marker.AUTHORITY, Marker.REVOKED}:
            raise ValueError(f"the marker {word[:40]!r} is unknown")
        marker = Marker(word)
        text = rest[0] if rest else ""
        if text.startswith("@"):
            raise ValueError("a line can have only one marker")
    names, kind, key, *_ = [*_FIELD.split(text, maxsplit=3), "", "", ""]
    if names.startswith("|"):
        _check_hash(names)
    if not key or kind.startswith("#"):
        raise ValueError("it does not have the form: host names, key type, key")
    try:
        blob = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the key is not Base64") from None
    _check_key(kind, blob)
    return Entry(number, marker, names, kind, blob)


def _check_hash(names: str) -> None:
    hashed = _HASH.fullmatch(names)
    try:
        found = hashed.groups() if hashed else ()
        parts = [base64.b64decode(part, validate=True) for part in found]
    except binascii.Error:
        parts = []
    if [len(part) for part in parts] != [20, 20]:
        raise ValueError("its hashed name cannot be read")


def _check_key(kind: str, blob: bytes) -> None:
    """Parse a key: one that is cut short would make its host look like another machine."""
    if len(blob) < 4 or blob[4 : 4 + struct.unpack(">I", blob[:4])[0]] != kind.encode():
        raise ValueError(f"the key is not of the type {kind[:40]!r}")
    try:
        whole = paramiko.PKey.from_type_string(kind, blob).asbytes() == blob
    except UnknownKeyType:
        raise ValueError(f"keys of the type {kind[:40]!r} are not supported") from None
    except Exception:  # paramiko passes on whatever its parsers raise
        whole = False
    if not whole:
        raise ValueError(f"it is not a complete {kind} key")
