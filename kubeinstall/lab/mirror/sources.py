"""The machine's own Debian mirrors, read so that source packages can be fetched from them too.

Pure text in, text out; the machine's files are never written.
"""

from __future__ import annotations

import re

_STANZAS = re.compile(r"\n[ \t]*\n")
_LINE = re.compile(r"^deb\s+(?P<rest>\S.*)$")


def with_sources_deb822(text: str) -> str:
    """The same ``.sources`` file with ``deb deb-src`` wherever it had ``deb``."""
    stanzas = [stanza for stanza in _STANZAS.split(text) if _field(stanza, "Types")]
    return "\n\n".join(_both_types(stanza.strip("\n")) for stanza in stanzas) + "\n"


def with_sources_list(text: str) -> str:
    """The same one-line list with a ``deb-src`` line for each ``deb`` line."""
    lines: list[str] = []
    for line in (line.split("#")[0].strip() for line in text.splitlines()):
        if match := _LINE.match(line):
            lines += [line, f"deb-src {match['rest']}"]
    return "".join(f"{line}\n" for line in lines)


def _both_types(stanza: str) -> str:
    if "deb" not in _field(stanza, "Types").split():
        return stanza
    return re.sub(r"(?mi)^Types:.*$", "Types: deb deb-src", stanza)


def _field(stanza: str, name: str) -> str:
    match = re.search(rf"(?mi)^{name}:[ \t]*(.+)$", stanza)
    return match[1].strip() if match else ""
