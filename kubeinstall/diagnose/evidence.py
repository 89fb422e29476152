"""What a host can tell of a failure, gathered in one question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kubeinstall.resources import script

SCRIPT = script("diagnose/evidence")

_FIRST = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""What ends by itself comes before what ends for want of that."""
_COMMAND = re.compile(r"(?:docker logs|crictl logs) [0-9a-f]+|tail -n 20 /var/log/pods/[\w./-]+")
_WORD = re.compile(r"[\w.-]+")
_AFTERMATH = re.compile(
    r'node "?[^"]*"? not found|Container runtime network not ready|connection refused|'
    r"Unable to register node|Error getting node|nodes? .* not found|Back-?off|Scheduled restart",
    re.IGNORECASE,
)
"""Lines that follow whatever fails."""


@dataclass(frozen=True)
class Ended:
    """A container that ended.

    Args:
        name: e.g. ``kube-apiserver``.
        command: shows its log.
        words: its last ones.
    """

    name: str
    command: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """What was gathered, by part: kubelet, kubelet-log, runtime, containers, ports, ..."""

    parts: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> Evidence:
        """Read the script's answer."""
        parts = {}
        for part in text.split("\036")[1:]:
            name, _, body = part.partition("\n")
            parts[name.strip()] = body.strip("\n")
        return cls(parts)

    def __getitem__(self, part: str) -> str:
        return self.parts.get(part, "")

    @property
    def full_disks(self) -> list[str]:
        """Mount points with nothing left, as df tells them."""
        rows = [line.split() for line in self["disk"].splitlines()[1:]]
        return [row[5] for row in rows if len(row) == 6 and row[4] == "100%"]

    @property
    def ended(self) -> list[Ended]:
        """The containers that ended, those first that others depend on."""
        found = list(self._ended())
        return sorted(found, key=lambda e: _FIRST.index(e.name) if e.name in _FIRST else 9)

    def _ended(self) -> Iterator[Ended]:
        head, words = "", []
        for line in [*self["containers"].splitlines(), ""]:
            if line.startswith("  "):
                words.append(line.strip())
                continue
            command, _, rest = head.partition(";")
            name = rest.partition(";")[0]
            if words and _WORD.fullmatch(name) and _COMMAND.fullmatch(command):
                yield Ended(name, command, tuple(words))
            head, words = line, []

    @property
    def text(self) -> str:
        """What causes are looked for in."""
        told = [self["runtime"]]
        for one in self.ended:
            head = f"container {one.name} ended, `{one.command}` shows"
            told += [f"{head}: {word}" for word in one.words if not _AFTERMATH.search(word)]
        return "\n".join([*told, self["kubelet-log"], self["kubelet-flags"]])

    @property
    def last_words(self) -> str:
        """The line that most likely tells why: of an ended container, else of the kubelet."""
        for one in self.ended:
            own = [word for word in one.words if not _AFTERMATH.search(word)]
            if own:
                return f"{one.name}: {own[-1]}"
        lines = self["kubelet-log"].splitlines()
        return next((x for x in reversed(lines) if not _AFTERMATH.search(x)), "")
