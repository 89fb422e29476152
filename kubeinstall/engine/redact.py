"""Keep secrets out of everything that is shown or written.

What is secret is known in two ways: strings that are (passwords of the inventory, values of Secrets
that an addon is given), in every form that programs print them in; and forms that are (keys, join
tokens, JSON Web Tokens, fields of a kubeconfig).
"""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect, bisect_left
from collections.abc import Callable, Iterable, Iterator
from html import escape
from urllib.parse import quote, quote_plus

MASK = "********"

_SHORTEST = 3
"""Characters: one or two would hide half of the text, and so show what they are."""
_SHORT = 8
"""Characters below which a secret may be part of a common word."""
_CODED = 6
"""Characters of Base64 or of an escaped form below which it may be part of anything."""
_HELD = 5
"""Characters at the end of a line that begin a secret: the line waits for the next one."""
_CONTEXT = 4096
"""Characters of a stream that are looked at again with the next line: a PEM key's."""
_LINES = 512
"""The same where no key has begun."""
_WAITING = 20
"""Lines that wait at most."""

_URL_SAFE = str.maketrans("+/", "-_")
_LINE_BREAKS = tuple(map(re.compile, (r"\r?\n[ \t]*", r"\r?\n[+\- |>]*", r"\\\r?\n[ \t]*")))

Span = tuple[int, int]

_VALUE = r"(?P<value>[^\s\"'\\,;{}\[\]]{4,})"
# Between the name of a field and its value: YAML, JSON, JSON inside JSON, an option, a variable.
_BETWEEN = r"(?:\\*[\"'])?\s*[:=]\s*(?:\\*[\"'])?"
_PATTERNS = (
    # Bootstrap tokens (kubeadm reference): 6 and 16 characters.
    re.compile(r"(?<![A-Za-z0-9])(?P<value>[a-z0-9]{6}\.[a-z0-9]{16})(?![A-Za-z0-9])"),
    # Certificate keys: 32 bytes as hex, where they are named as such.
    re.compile(r"(?i)certificate[- _]?key(?:[\"'\\:= ]|\n)+(?P<value>[0-9a-f]{64})"),
    # JSON Web Tokens (RFC 7519): header and payload are JSON, so both begin with {" in Base64.
    re.compile(r"(?<![\w-])(?P<value>eyJ[\w-]{6,}\.(?:eyJ[\w-]*(?:\.[\w-]*)?)?)"),
    re.compile(rf"(?i)client-key-data{_BETWEEN}(?P<value>[^\s\"'\\,}}]+)"),
    re.compile(r"(?i)authorization:\s*\w+\s+(?P<value>[\w.~+/=-]+)"),
    re.compile(r"(?i)\bbearer\s+(?=[\w.~+/=-]{0,200}\d|[\w.~+/=-]{30})(?P<value>[\w.~+/=-]{8,})"),
    re.compile(
        rf"(?i)(?:token-secret|(?:id|refresh|access)[-_]token|client[-_]secret){_BETWEEN}{_VALUE}"
    ),
    # `token: not found` is no token: one has a digit, or is long.
    re.compile(
        rf"(?i)(?<![A-Za-z])token{_BETWEEN}(?=[^\s\"',]{{0,200}}\d|[^\s\"',]{{20}}){_VALUE}"
    ),
    re.compile(
        r"(?i)(?<![\w-])--[\w-]*(?:token|password|secret)[= ](?P<value>[^\s\"'-][^\s\"']{3,})"
    ),
    # A password alone after its name: in a sentence there are more words.
    re.compile(r"(?im)^[+\- ]*password:[ \t]+[\"']?(?P<value>(?!\()[^\s\"']+)[\"']?[ \t]*$"),
    re.compile(r"(?i)(?<=\")password\\*\"\s*:\s*\\*\"(?P<value>(?:[^\"\\]|\\+[^\"])+)"),
    # The password of a login in a URL.
    re.compile(r"(?<=://)(?P<value>[^\s/:@\"']*:[^\s/@\"']+)(?=@)"),
)

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10}-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10}-----")
# What a cut left of the line before a key: the rest of it is Base64.
_END_OF_BEGIN = re.compile(
    r"\A[A-Z0-9 ]{0,24}KEY[A-Z ]*-----(?=\s|\\)"
    r"(?:(?:\s|\\+[nr])+[A-Za-z0-9+/=]{40,})*(?:(?:\s|\\+[nr])+[A-Za-z0-9+/]+={1,2})?"
)
_WORD = re.compile(r"\\+[nr]|(?P<word>[A-Za-z0-9+/=]+)")
_PIECE = re.compile(r"[ \t+|>-]*[A-Za-z0-9+/]{24,}[ \t\r]*")
_BREAK = re.compile(r"(?:\s|\\+[nr]|[|>+-])*")
_FULL_LINE = 60
# Lines of a key: PEM has 64 characters in each, OpenSSH 70, some programs 76.
_KEY_LINE = re.compile(
    r"(?m)^[ \t+|>-]*(?P<value>[A-Za-z0-9+/]{64}(?:[A-Za-z0-9+/]{6}){0,2})[ \t]*$"
)
_LAST_LINE = re.compile(r"\n[ \t+|>-]*(?P<value>[A-Za-z0-9+/]+={1,2}|[A-Za-z0-9+/]{24,})(?=\s|\Z)")
_DER = re.compile(r"(?m)^[ \t+|>-]*(?P<value>MI[GIH][A-Za-z0-9+/=]{40,})[ \t]*$")
_HEX = re.compile(r"[0-9a-fA-F]+")
# A run of Base64 that may be a PEM key again, as in client-key-data, wrapped or not.
_RUN = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")


def _alignments(data: bytes) -> Iterator[str]:
    """The part of Base64 that depends on the data alone, for each place in a group of 3 bytes."""
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        first = (before * 8 + 5) // 6
        last = (before + len(data)) * 8 // 6
        yield coded[first:last]


_CODED_KEY = tuple(_alignments(b"PRIVATE KEY-----"))


class Redactor:
    """Knows the run's secrets and takes them out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: frozenset[str] = frozenset()
        self._forms = _Forms(frozenset(), frozenset())
        self.hide(*secrets)

    def hide(self, *secrets: str) -> None:
        """From now on take these strings out, whole or line by line, in whatever form."""
        parts = {part for secret in secrets for part in _parts(secret)}
        new = {part for part in parts if len(part) >= _SHORTEST and part.strip("*")} - self._known
        if not new:
            return
        plain = {form for part in new for form in _plain_forms(part)}
        coded = {form for part in new for form in _coded_forms(part)}
        # Others may be redacting in their threads: what they use is replaced whole.
        self._forms = self._forms.with_more(plain, coded)
        self._known |= new

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        return _masked(text, self.spans(text, single="\n" not in text.strip("\n")))

    def stream(self, told: Callable[[str], None]) -> LineRedactor:
        """Lines that come one by one; see ``LineRedactor``.

        Args:
            told: takes each line without secrets.
        """
        return LineRedactor(self, told)

    def cut(self, text: str, most: int) -> str:
        """At most so many characters of a text, which is not cut inside a secret."""
        return self(text[: most + _CONTEXT])[:most]

    def begins(self, text: str) -> bool:
        """Whether the end of a text may be the beginning of a secret."""
        return self._forms.begins(text)

    def context(self, text: str) -> str:
        """Of lines that were told, those that the next ones have to be looked at with."""
        keep = min(max(_LINES, self._forms.longest), _CONTEXT)
        begun = text.rfind("-----BEGIN ")
        if begun >= 0 and not _END.search(text, begun):
            keep = min(max(keep, len(text) - begun), _CONTEXT)
        # Cut at a line: what is cut inside a key would not be known as one.
        return text if len(text) <= keep else text[-keep - 1 :].partition("\n")[2]

    def spans(self, text: str, *, single: bool) -> list[Span]:
        """Where secrets are.

        Args:
            single: the text is a line, or comes line by line.
        """
        known = self._forms
        return [
            *_of_keys(text, single),
            *_of_patterns(text),
            *known.within(text),
            *known.across_lines(text),
        ]


class _Forms:
    """Strings to find.

    Args:
        words: short ones, which count only as whole words.
        parts: those that count wherever they are.
    """

    def __init__(self, words: frozenset[str], parts: frozenset[str]) -> None:
        self._words, self._parts = words, parts
        self._word = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))
        self._heads: dict[str, list[str]] = {}
        for form in parts:
            self._heads.setdefault(form[:_HELD], []).append(form)
        self._longest = max(map(len, parts), default=0)

    def with_more(self, plain: Iterable[str], coded: Iterable[str]) -> _Forms:
        """These and others."""
        words = {form for form in plain if len(form) < _SHORT}
        return _Forms(self._words | words, self._parts | (set(plain) - words) | set(coded))

    def within(self, text: str) -> Iterator[Span]:
        """Where they are in a text."""
        heads = self._heads  # faster than one expression of many alternatives
        for at in [at for at in range(len(text) - _HELD + 1) if text[at : at + _HELD] in heads]:
            for form in heads[text[at : at + _HELD]]:
                if text.startswith(form, at):
                    yield at, at + len(form)
        for match in self._word.finditer(text) if self._words else ():
            start, end = match.span()
            if not (_is_word(text[start - 1 : start]) or _is_word(text[end : end + 1])):
                yield start, end

    def across_lines(self, text: str) -> Iterator[Span]:
        """Those that a line break goes through; the next line may be indented, or a diff's."""
        for line_break in _LINE_BREAKS if "\n" in text and self._heads else ():
            kept: list[str] = []
            at: list[int] = []
            breaks: list[int] = []
            end = 0
            for found in line_break.finditer(text):
                kept.append(text[end : found.start()])
                at.extend(range(end, found.start()))
                breaks.append(len(at))
                end = found.end()
            at.extend(range(end, len(text)))
            for start, stop in self.within("".join([*kept, text[end:]])):
                if stop - start >= _SHORT and bisect(breaks, start) < bisect_left(breaks, stop):
                    yield at[start], at[stop - 1] + 1

    @property
    def longest(self) -> int:
        """Characters of the longest."""
        return self._longest

    def begins(self, text: str) -> bool:
        """Whether a text ends with the beginning of one."""
        heads = self._heads
        return bool(heads) and any(
            len(form) >= _SHORT and len(form) > len(text) - at and form.startswith(text[at:])
            for at in range(max(0, len(text) - self._longest), len(text) - _HELD + 1)
            for form in heads.get(text[at : at + _HELD], ())
        )


class LineRedactor:
    """Lines of output as they come: a secret may be spread over several.

    A line that may end with the beginning of a secret waits for the next one; ``close`` tells it.

    Args:
        told: takes each line without secrets.
    """

    def __init__(self, redact: Redactor, told: Callable[[str], None]) -> None:
        self._redact = redact
        self._told = told
        self._before = ""
        self._waiting: list[str] = []

    def __call__(self, line: str) -> None:
        """Take the next line."""
        self._waiting.append(line)
        if len(self._waiting) >= _WAITING or not self._redact.begins(line.rstrip()):
            self.close()

    def close(self) -> None:
        """Tell what waits."""
        text = "\n".join([self._before, *self._waiting])
        spans = _merged(self._redact.spans(text, single=True))
        start = len(self._before) + 1
        for line in self._waiting:
            end = start + len(line)
            inside = [(a, b) for a, b in spans if a < end and b > start]
            self._told(_masked(line, [(max(a - start, 0), min(b, end) - start) for a, b in inside]))
            start = end + 1
        self._before = self._redact.context(text)
        self._waiting = []


def _parts(secret: str) -> Iterator[str]:
    """A string, and those of its lines that are long enough to be known by themselves."""
    yield secret.strip()
    lines = [line.strip() for line in secret.splitlines()]
    yield from (line for line in lines if len(lines) == 1 or len(line) >= _SHORT)


def _plain_forms(secret: str) -> Iterator[str]:
    """A string as programs print it: plain, or escaped for JSON, a shell, a URL or XML."""
    yield secret
    once = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    # Go writes <, > and & of JSON this way.
    once |= {re.sub("[<>&]", lambda m: f"\\u{ord(m[0]):04x}", one) for one in once}
    twice = {json.dumps(one)[1:-1] for one in once}
    coded = secret.encode("utf-8", "surrogatepass")
    urls = {quote(coded, safe=""), quote(coded), quote_plus(coded)}
    urls |= {re.sub("%..", lambda m: m[0].lower(), one) for one in urls}
    quoted = secret.replace("'", "'\"'\"'"), secret.replace("'", "'\\''"), secret.replace("'", "''")
    yield from {*once, *twice, *urls, *quoted, repr(secret)[1:-1], escape(secret)} - {secret}


def _coded_forms(secret: str) -> Iterator[str]:
    """A string in Base64, alone or inside something else that is."""
    data = secret.encode("utf-8", "surrogatepass")
    for one in (data, data + b"\n"):
        full = base64.b64encode(one).decode()
        if len(full) >= _SHORT:
            yield full
    for form in _alignments(data):
        if len(form) >= _CODED:
            yield form
            yield form.translate(_URL_SAFE)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _of_patterns(text: str) -> Iterator[Span]:
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            yield match.span("value")
    for match in _RUN.finditer(text):
        if any(core in match[0] for core in _CODED_KEY):
            yield match.span()


def _of_keys(text: str, single: bool) -> Iterator[Span]:
    """Private keys in PEM: whole, and what a cut left of one.

    Args:
        single: the text is a line, or comes line by line: one line of a key is one as well.
    """
    if head := _END_OF_BEGIN.match(text):
        yield head.span()
    at = 0
    while begin := _BEGIN.search(text, at):
        end = _END.search(text, begin.end())
        at = end.end() if end else len(text)
        yield begin.start(), at
    first = _BEGIN.search(text)
    for end in _END.finditer(text, 0, first.start() if first else len(text)):
        yield _start_of_key(text, end.start()), end.end()
    yield from _of_key_lines(text, single)


def _of_key_lines(text: str, single: bool) -> Iterator[Span]:
    """Lines out of the middle of a key, with what is left of the lines before and after."""
    for line in _KEY_LINE.finditer(text):
        # A digest looks the same, but for the letters in it.
        if single or not _HEX.fullmatch(line["value"]):
            before = text.rfind("\n", 0, max(0, line.start() - 1)) + 1
            if _PIECE.fullmatch(text, before, max(before, line.start() - 1)):
                yield before, line.start() - 1
            yield line.span("value")
            if last := _LAST_LINE.match(text, line.end()):
                yield last.span("value")
    for match in _DER.finditer(text):
        yield match.span("value")


def _start_of_key(text: str, end: int) -> int:
    """Where the Base64 begins that ends there: full lines, but for the last and a cut first one."""
    start, last = end, True
    words = [w for w in _WORD.finditer(text, max(0, end - _CONTEXT), end) if w["word"]]
    for word in reversed(words):
        if not _BREAK.fullmatch(text, word.end(), start):
            break
        if not (last or len(word[0]) >= _FULL_LINE or word.start() == 0):
            break
        start, last = word.start(), False
    return start


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order; those that touch or overlap are one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _masked(text: str, spans: Iterable[Span]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end in _merged(spans):
        pieces += [text[at:start], MASK]
        at = end
    return "".join([*pieces, text[at:]])
