"""A strict reader of Corefiles: server blocks of plugins, as CoreDNS takes them.

Source: corefile(5); the lexer of github.com/coredns/caddy/caddyfile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')


class CorefileError(Exception):
    """A Corefile that CoreDNS would not start with."""


@dataclass
class Directive:
    """A plugin or an option of one: its words, and what stands in its braces."""

    words: list[str]
    inner: list[Directive] = field(default_factory=list)


Corefile = dict[str, list[Directive]]
"""Plugins by the zones they serve, as they are written."""


def parse(text: str) -> Corefile:
    """The server blocks of a Corefile.

    Raises:
        CorefileError: braces that do not match, an empty block, or a zone that is served twice.
    """
    top: list[Directive] = []
    open_blocks = [top]
    for number, line in enumerate(text.splitlines(), 1):
        words = _WORD.findall(line.split("#")[0])
        if words == ["}"]:
            if len(open_blocks) == 1:
                raise CorefileError(f"line {number}: nothing to close")
            if not open_blocks.pop():
                raise CorefileError(f"line {number}: an empty block")
        elif words:
            opens = words[-1] == "{"
            made = Directive(words[:-1] if opens else words)
            if not made.words or set(made.words) & {"{", "}"}:
                raise CorefileError(f"line {number}: a brace in the midst of it")
            open_blocks[-1].append(made)
            if opens:
                open_blocks.append(made.inner)
    if len(open_blocks) > 1:
        raise CorefileError("a block is not closed")
    return _served(top)


def _served(blocks: list[Directive]) -> Corefile:
    found: Corefile = {}
    for block in blocks:
        if not block.inner:
            raise CorefileError(f"{block.words} has no plugins")
        for zone in block.words:
            if zone in found:
                raise CorefileError(f"{zone} is served twice")
        found[" ".join(block.words)] = block.inner
    return found


def plugins(block: list[Directive]) -> dict[str, Directive]:
    """The plugins of a server block by name, where none is there twice."""
    return {one.words[0]: one for one in block}
