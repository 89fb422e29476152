"""What leaves the process for people or files: without secrets, control characters, or floods.

What a host, a pod or an object says is the words of somebody who may want to deceive whoever reads
it: an escape sequence sets a terminal's title or clipboard, a character that turns the direction of
writing shows another command than the one that is copied.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubeinstall.engine.redact import Redactor

LINE = 4000
"""Characters of one line."""
MESSAGE = 20_000
"""Characters of one message: a finding's reason, a diff, the tail of a command's output."""

# Unicode's categories Cc (but for tab and newline), Cf (but for those that are seen), Cs, Zl and
# Zp, and letters that are blank. U+200C and U+200D join letters of some scripts and of emoji.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b"
    "\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    "|[\u200c\u200d](?![^\x00-\x7f])|(?<![^\x00-\x7f])[\u200c\u200d]"
)
_known: Redactor | None = None
_making = threading.Lock()


def _redactor() -> Redactor:
    """What knows the secrets, made for the first text: ``--help`` need not compile its patterns."""
    global _known
    with _making:
        if _known is None:
            from kubeinstall.engine.redact import Redactor

            _known = Redactor()
        return _known


def hide(secrets: Iterable[str]) -> None:
    """From now on these strings leave nowhere."""
    _redactor().hide(*secrets)


@contextmanager
def knowing() -> Iterator[None]:
    """A command line: the secrets that it hears of are forgotten at its end."""
    global _known
    before, _known = _known, None
    try:
        yield
    finally:
        _known = before


def writable() -> None:
    """Have a terminal that cannot show a character get an escape in its place, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def shut() -> None:
    """Be done with standard output: what it did not take has been reported.

    Python would try again at its end, and print a traceback.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def cleaned(text: str) -> str:
    """The text with what a terminal would obey, or people not see, written as ``\\x1b``."""
    return _UNSAFE.sub(_escaped, text.replace("\r\n", "\n"))


def redacted(text: str) -> str:
    """The text without secrets."""
    return _redactor()(text)


def said(text: str, most: int = MESSAGE) -> str:
    """What somebody else said, as it may be shown: redacted, cleaned and bounded.

    Args:
        most: characters; what is left out is counted.
    """
    return cleaned(_bounded(text, most))


def line(text: str, most: int = LINE) -> str:
    """The same in one line: who says more cannot make up lines of ours."""
    return said(text.replace("\n", " "), most)


def record(value: Any) -> Any:
    """A value for JSON: its texts redacted and bounded. JSON escapes what has to be cleaned."""
    if isinstance(value, str):
        return _bounded(value, MESSAGE)
    if isinstance(value, Mapping):
        return {key: record(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [record(inner) for inner in value]
    return value


def _bounded(text: str, most: int) -> str:
    shown = _redactor().cut(text, most)
    lines = [_short(one) if len(one) > LINE else one for one in shown.split("\n")]
    left = len(text) - most
    more = f"… ({left} more characters)" if left > 0 else ""
    return "\n".join(lines) + more


def _short(text: str) -> str:
    return f"{text[:LINE]}… ({len(text) - LINE} more characters)"


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number == 13:
        return "\\r"
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
