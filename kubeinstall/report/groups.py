"""What many hosts have in common, printed once: a line for each of two hundred is not read.

Texts about two hosts are alike if their lines differ in nothing but the hosts' own words: each
one's name and addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from kubeinstall.engine.types import Event
from kubeinstall.findings import Finding
from kubeinstall.report.tally import spread

MANY = 12
"""Up to so many hosts have lines of their own."""

_KINDS = 20
"""Texts of one operation that another is compared with."""

OwnWords = Mapping[str, Iterable[str]]
"""Host name to the words that are that host's alone: its name, its addresses."""

Item = Event | Finding | str


@dataclass
class Group:
    """Hosts that the same is to be printed for.

    Args:
        item: what is reported for the first one: an event, a finding, or a note.
        seconds: how long the event took on each.
        text: what is printed for the first one, apart from names.
    """

    item: Item
    hosts: list[str]
    seconds: list[float] = field(default_factory=list)
    text: str = ""

    @property
    def took(self) -> str:
        """How long it took, e.g. ``1.2 s`` or ``0.3 to 1.2 s``."""
        return f"{spread(self.seconds, ' to ')} s"


class Groups:
    """Collects what is to be printed about hosts, until it is taken."""

    def __init__(self, own: OwnWords) -> None:
        self._own = own
        self._expressions: dict[str, re.Pattern[str]] = {}
        self._groups: dict[tuple[str, ...], list[Group]] = {}
        self._all: list[Group] = []

    def event(self, event: Event, text: str) -> None:
        """Collect an event: with those of other hosts that did the same, with the same result.

        Args:
            text: what of it is printed below its line.
        """
        key = ("event", event.phase, event.status, event.operation)
        self._add(key, Group(event, [event.host], [event.seconds], text))

    def note(self, text: str, host: str) -> None:
        """Collect a line about a host."""
        self._add(("note",), Group(text, [host], text=text))

    def finding(self, finding: Finding) -> None:
        """Collect a finding; one of several hosts is about all that it applies to already."""
        text = "\n".join((finding.what, finding.why, finding.next))
        several = () if len(finding.hosts) == 1 else finding.hosts
        key = ("finding", finding.severity, str(finding.place), *several)
        self._add(key, Group(finding, list(finding.hosts), text=text))

    def take(self) -> list[Group]:
        """The groups so far, in the order in which they began."""
        taken, self._all = self._all, []
        self._groups.clear()
        return taken

    def _add(self, key: tuple[str, ...], new: Group) -> None:
        groups = self._groups.setdefault(key, [])
        for group in groups[:_KINDS]:
            if self._alike(group, new):
                group.seconds += new.seconds
                group.hosts += [host for host in new.hosts if host not in group.hosts]
                return
        groups.append(new)
        self._all.append(new)

    def _alike(self, one: Group, other: Group) -> bool:
        if one.text == other.text:
            return True
        ones, others = one.text.split("\n"), other.text.split("\n")
        return len(ones) == len(others) and all(
            line == counterpart or self._without(one, line) == self._without(other, counterpart)
            for line, counterpart in zip(ones, others, strict=True)
        )

    def _without(self, group: Group, line: str) -> str:
        """A line of a group's text without the own words of the host that it is about."""
        host = group.hosts[0] if group.hosts else ""
        if host not in self._own:
            return line
        if host not in self._expressions:
            self._expressions[host] = _expression({host, *self._own[host]})
        return self._expressions[host].sub("\0", line)


def together(findings: Iterable[Finding], own: OwnWords) -> list[Finding]:
    """Findings of which each is about all hosts that it applies to, in the words of the first."""
    groups = Groups(own)
    for finding in findings:
        groups.finding(finding)
    return [
        replace(group.item, hosts=tuple(group.hosts))
        for group in groups.take()
        if isinstance(group.item, Finding)
    ]


def _expression(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(filter(None, words), key=len, reverse=True)
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-]|\.\w)")
