"""Which words of a shell script a shell would run: what quoting holds back is not among them.

Rendered scripts are not run to find that out: most commands are behind others that fail here, and
they would have to be kept off this machine. Nor is it enough that a quoted value is in the text
somewhere, for there are scripts in scripts (``sh -c``, ``eval``). So the script is taken apart as
POSIX and bash do (quotes, substitutions, here-documents, ``case``), the scripts inside it as well,
and the tests of this module hold that against bash itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
_RESERVED = frozenset(
    {"if", "then", "else", "elif", "fi", "do", "done", "while", "until", "!", "{", "}", "time"}
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(\[[^]]*\])?\+?=")
_BLANK = " \t"
_META = " \t\n;&|<>()"
_MOST = 20


class Torn(Exception):
    """A quote, substitution or here-document without its end: something got out of its quotes."""


@dataclass
class _Word:
    text: str = ""
    quoted: bool = False
    expands: bool = False


@dataclass
class Found:
    """What a script runs.

    Args:
        programs: the first word of each command.
        targets: of redirections.
        made: scripts for ``sh -c`` or ``eval`` that are put together when they are run.
        sources: programs of awk and sed.
    """

    programs: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)


def runs(script: str) -> Found:
    """Take a script apart.

    Raises:
        Torn: it is not whole.
    """
    found = Found()
    _Scan(script, found, 0).script("")
    return found


class _Scan:
    def __init__(self, text: str, found: Found, depth: int) -> None:
        if depth > _MOST:
            raise Torn("scripts in scripts without an end")
        self.text, self.at, self.found, self.depth = text, 0, found, depth
        self.words: list[_Word] = []
        self.waiting: list[tuple[str, bool, bool]] = []

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def script(self, end: str) -> None:
        """Read commands up to the end, a closing parenthesis or the text's."""
        open_: list[str] = []
        while True:
            char = self.peek()
            if not char:
                self._command()
                if end or open_ or self.waiting:
                    raise Torn(f"no end of {end or open_ or 'a here-document'}")
                return
            if char in _BLANK:
                self.at += 1
            elif self.peek(2) == "\\\n":
                self.at += 2
            elif char == "\n":
                self._command()
                self.at += 1
                self._documents()
            elif char == "#":
                while self.peek() not in ("", "\n"):
                    self.at += 1
            elif char in "<>" or (char == "&" and self.peek(2) == "&>"):
                self._redirection()
            elif char in ";&|" and open_[-1:] == ["pattern"]:
                self.at += 1
            elif char in ";&|":
                self._command()
                if self.peek(2) == ";;" and open_[-1:] == ["body"]:
                    open_[-1] = "pattern"
                self.at += 2 if self.peek(2) in (";;", "&&", "||") else 1
            elif char == "(":
                self.at += 1
                if open_[-1:] != ["pattern"]:
                    self._command()
                    open_.append("(")
            elif char == ")":
                if open_[-1:] == ["pattern"]:
                    self.words.clear()
                    open_[-1] = "body"
                else:
                    self._command()
                    if not open_ and end == ")":
                        self.at += 1
                        return
                    if open_[-1:] != ["("]:
                        raise Torn("a parenthesis too many")
                    open_.pop()
                self.at += 1
            else:
                self._one(open_)

    def _one(self, open_: list[str]) -> None:
        word = self.word()
        plain = "" if word.quoted else word.text
        if open_[-1:] == ["pattern"]:
            if plain == "esac" and not self.words:
                open_.pop()
            elif not (plain == "in" and not self.words):
                self.words.append(word)
            return
        if not self.words and plain == "esac" and open_[-1:] == ["body"]:
            open_.pop()
            return
        if not self.words and plain in _RESERVED:
            return
        self.words.append(word)
        if plain == "in" and len(self.words) == 3 and self.words[0].text == "case":
            self.words.clear()
            open_.append("pattern")

    def _command(self) -> None:
        words, self.words = self.words, []
        while words and not words[0].quoted and _ASSIGNMENT.match(words[0].text):
            words = words[1:]
        while words and _ASSIGNMENT.match(words[0].text):
            words = words[1:]
        if not words or (words[0].text in ("for", "case", "function") and not words[0].quoted):
            return
        self.found.programs.append(words[0].text)
        self._inner(words)

    def _inner(self, words: list[_Word]) -> None:
        """Scripts among a command's arguments."""
        names = [word.text.rpartition("/")[2] for word in words]
        if names[0] == "eval":
            self._within(words[1:])
        for name, word, following in zip(names, words[1:], words[2:], strict=False):
            if name in _SHELLS and re.fullmatch(r"-[a-z]*c", word.text):
                self._within([following])
        if names[0] in ("awk", "sed"):
            self.found.sources += [word.text for word in words[1:]]

    def _within(self, words: list[_Word]) -> None:
        text = " ".join(word.text for word in words)
        if any(word.expands for word in words):
            self.found.made.append(text)
        _Scan(text, self.found, self.depth + 1).script("")

    def _redirection(self) -> None:
        for sign in ("<<<", "<<-", "<<", "<>", ">>", ">&", "<&", ">|", "&>>", "&>", "<", ">"):
            if self.peek(len(sign)) == sign:
                break
        self.at += len(sign)
        while self.peek() and self.peek() in _BLANK:
            self.at += 1
        if sign in ("<", ">") and self.peek() == "(":
            self.at += 1
            self._nested(")")
            return
        word = self.word()
        if sign in ("<<", "<<-"):
            self.waiting.append((word.text, word.quoted, sign == "<<-"))
        elif sign != "<<<":
            self.found.targets.append(word.text)

    def _documents(self) -> None:
        """Here-documents begin after the line that names them."""
        for end, quoted, dashed in self.waiting:
            lines = []
            while True:
                if self.at >= len(self.text):
                    raise Torn(f"no end of the here-document {end}")
                line, _, _ = self.text[self.at :].partition("\n")
                self.at += len(line) + 1
                if (line.lstrip("\t") if dashed else line) == end:
                    break
                lines.append(line)
            if not quoted:
                inner = _Scan("\n".join(lines), self.found, self.depth + 1)
                inner.expanded("")
        self.waiting.clear()

    def word(self) -> _Word:
        word = _Word()
        while (char := self.peek()) and char not in _META:
            self.at += 1
            if char == "\\":
                word.quoted = word.quoted or self.peek() != "\n"
                word.text += "" if self.peek() == "\n" else self.peek()
                self.at += 1
            elif char == "'":
                word.quoted = True
                word.text += self._until("'")
            elif char == '"':
                word.quoted = True
                word.text += self.expanded('"', word)
            elif char in "$`":
                word.text += self._dollar(char, word)
            else:
                word.text += char
        return word

    def _until(self, end: str) -> str:
        to = self.text.find(end, self.at)
        if to < 0:
            raise Torn(f"no closing {end}")
        found, self.at = self.text[self.at : to], to + 1
        return found

    def expanded(self, end: str, word: _Word | None = None) -> str:
        """Text between double quotes, or of a here-document."""
        text = ""
        while True:
            char = self.peek()
            self.at += 1
            if char == end:
                return text
            if not char:
                raise Torn('no closing "')
            if char == "\\" and self.peek() and self.peek() in '$`"\\\n':
                text += "" if self.peek() == "\n" else self.peek()
                self.at += 1
            elif char in "$`":
                text += self._dollar(char, word or _Word(), inside=True)
            else:
                text += char

    def _dollar(self, char: str, word: _Word, *, inside: bool = False) -> str:
        """What a dollar or a backtick begins; a value stands for what it comes to."""
        if char == "`":
            self._backtick()
            word.expands = True
            return "x"
        if self.peek(2) == "((":
            self.at += 2
            self._arithmetic()
            word.expands = True
            return "1"
        if self.peek() == "(":
            self.at += 1
            self._nested(")")
            word.expands = True
            return "x"
        if self.peek() == "{":
            self.at += 1
            self._braces(inside)
            word.expands = True
            return "x"
        if self.peek() == "'" and not inside:
            self.at += 1
            word.quoted = True
            return self._ansi()
        name = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]").match(self.text, self.at)
        if not name:
            return "$"
        self.at = name.end()
        word.expands = True
        return "x"

    def _ansi(self) -> str:
        text = ""
        while (char := self.peek()) != "'":
            if not char:
                raise Torn("no closing '")
            self.at += 2 if char == "\\" else 1
            text += char
        self.at += 1
        return text

    def _nested(self, end: str) -> None:
        inner = _Scan(self.text, self.found, self.depth + 1)
        inner.at = self.at
        inner.script(end)
        self.at = inner.at

    def _backtick(self) -> None:
        text = ""
        while (char := self.peek()) != "`":
            if not char:
                raise Torn("no closing `")
            if char == "\\" and self.peek(2)[1:] in ("`", "\\", "$"):
                self.at += 1
                char = self.peek()
            text += char
            self.at += 1
        self.at += 1
        _Scan(text, self.found, self.depth + 1).script("")

    def _arithmetic(self) -> None:
        open_ = 2
        while open_:
            char = self.peek()
            if not char:
                raise Torn("no closing ))")
            self.at += 1
            if char in "$`":
                self._dollar(char, _Word())
            open_ += {"(": 1, ")": -1}.get(char, 0)

    def _braces(self, inside: bool) -> None:
        while (char := self.peek()) != "}":
            if not char:
                raise Torn("no closing }")
            self.at += 1
            if char == "\\":
                self.at += 1
            elif char == "'" and not inside:
                self._until("'")
            elif char == '"':
                self.expanded('"')
            elif char in "$`":
                self._dollar(char, _Word(), inside=inside)
        self.at += 1


def reached(script: str, canary: str) -> Iterator[str]:
    """Where a value with the canary in it gets to be run, or to be a file's name; none is right."""
    try:
        found = runs(script)
    except Torn as error:
        yield f"torn: {error}"
        return
    yield from (f"runs {text!r}" for text in found.programs if canary in text)
    yield from (f"writes {text!r}" for text in found.targets if canary in text)
