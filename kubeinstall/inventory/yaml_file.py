"""A YAML file as plain values, with the position of each, and with errors for people.

PyYAML does the parsing; scalars are read by the core schema of YAML 1.2 as editors do, so
``off`` and ``no`` are words, ``012`` is text and only ``true`` and ``false`` are truth values.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kubeinstall.inventory.positions import (
    Issue,
    Loc,
    Parsed,
    Position,
    Spot,
    UnreadableError,
    dotted,
)

MAX_BYTES = 1 << 20


MAX_NODES = 100_000


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the core schema of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(f"^(?:{_pattern})$"),
        [("" if c == "\0" else c) for c in _first],
    )


def read(path: Path) -> str:
    """The file's text.

    Raises:
        UnreadableError: no such file, not a file, unreadable, too large or not text.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UnreadableError(
            "there is no such file",
            next="create one with `kubeinstall init`, or specify it with -i",
        ) from None
    except IsADirectoryError:
        raise UnreadableError(
            "it is a folder, not a file", next="specify a YAML file in it"
        ) from None
    except OSError as error:
        raise UnreadableError(f"it cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"it is larger than {MAX_BYTES >> 20} MiB", why="no inventory is")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace").split("\n")
        raise UnreadableError(
            "it is not UTF-8 text",
            Position(len(before), len(before[-1]) + 1),
            next="save it as UTF-8",
        ) from None
    return text


def parse(text: str) -> Parsed:
    """Read one YAML document.

    Raises:
        UnreadableError: it is not one YAML document of plain values with a mapping at the top.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position].split("\n")
        position = Position(len(before), len(before[-1]) + 1)
        what = f"it contains {named(chr(error.character))}, which YAML forbids (is it text?)"
        raise UnreadableError(what, position) from None
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    if node is None:
        raise UnreadableError("it is empty", next="create one with `kubeinstall init`")
    if not isinstance(node, yaml.MappingNode):
        raise UnreadableError(
            f"it contains {kind_of_node(node)}, not a mapping",
            Position.of(node.start_mark),
            next="start with `cluster:` and `groups:`",
        )
    parsed = Parsed()
    top = Position.of(node.start_mark)
    try:
        parsed.value = _Builder(parsed).build(node, (), top)
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    return parsed


def kind_of_node(node: yaml.Node) -> str:
    """``a list``, ``a mapping``, or ``a single value``."""
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "a mapping" if isinstance(node, yaml.MappingNode) else "a single value"


_TABS = UnreadableError(
    "a tab is used for indentation", why="YAML only allows spaces", next="use two spaces per level"
)


_PROBLEMS = (
    (
        "mapping values are not allowed",
        "an unexpected `:`",
        "check the indentation of this line and the one before; quote a value that contains `: `",
    ),
    (
        "could not find expected ':'",
        "a key without its `:`",
        "write `key: value`; check quotes and indentation of the line before",
    ),
    (
        "found undefined alias",
        "an alias (*name) has no anchor (&name)",
        "define it before it is used",
    ),
    ("found duplicate anchor", "an anchor (&name) is defined twice", "rename one"),
    (
        "but found another document",
        "a second document starts here",
        "keep one document; remove the `---`",
    ),
    ("expected <block end>", "the indentation does not match the lines above", "align the keys"),
    ("expected ',' or", "a list or mapping in brackets is not closed", "close it with ] or }"),
    ("found unexpected end of stream", "a quote is not closed", "close it"),
)


_PLAIN = {
    **dict.fromkeys(map(chr, (0xA0, *range(0x2000, 0x200C))), " "),
    **dict.fromkeys("\u202f\u205f\u3000\u2060\ufeff", " "),
    **dict.fromkeys("\uff1a\ufe55\u2236\ua789\u02d0", ":"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\uff0d", "-"),
    **dict.fromkeys("\u201c\u201d\u201e\uff02", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\uff07", "'"),
    **dict(zip("\uff5b\uff5d\uff3b\uff3d\uff0c\uff03", "{}[],#", strict=True)),
}
"""Characters that editors, word processors and input methods put in the place of YAML's own."""


_LOOKALIKE = re.compile(f"[{''.join(_PLAIN)}]")


def named(character: str) -> str:
    """A character by its number and name, e.g. ``U+00A0 (no-break space)``; plain ones as are."""
    if character.isascii() and character.isprintable():
        return "space" if character == " " else f"`{character}`"
    name = unicodedata.name(character, "a control character").lower()
    return f"U+{ord(character):04X} ({name})"


def lookalike(text: str) -> str:
    """Which character of a text is not the one that YAML reads, and what to do; empty: none is."""
    odd = _LOOKALIKE.search(text)
    if not odd:
        return ""
    return f"it contains {named(odd[0])} instead of a plain {named(_PLAIN[odd[0]])}: retype it"


_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What PyYAML counts lines by."""


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> UnreadableError:
    """A YAML error in people's words."""
    mark = error.problem_mark or error.context_mark
    position = Position.of(mark)
    line = _BREAK.split(text)[position.line - 1] if mark else ""
    if "\t" in line[: max(position.column, len(line) - len(line.lstrip()))]:
        tab = Position(position.line, line.index("\t") + 1)
        return UnreadableError(_TABS.what, tab, _TABS.why, _TABS.next)
    if "${" in line:
        return UnreadableError(
            "${NAME} is not quoted inside { } or [ ]", position, next='write "${NAME}"'
        )
    if error_ := _looks_alike(error, text, position):
        return error_
    problem = error.problem or "it is not YAML"
    for start, what, advice in _PROBLEMS:
        if problem.startswith(start):
            return UnreadableError(what, position, next=advice)
    return UnreadableError(f"it is not YAML: {problem}", position)


def _looks_alike(
    error: yaml.MarkedYAMLError, text: str, position: Position
) -> UnreadableError | None:
    """A character that looks like YAML's own, from where the parser began to where it gave up."""
    first = min(Position.of(error.context_mark).line, position.line)
    for number, line in enumerate(_BREAK.split(text)[first - 1 : position.line], first):
        if odd := _LOOKALIKE.search(line):
            return UnreadableError(
                f"{named(odd[0])} is used where YAML expects a plain {named(_PLAIN[odd[0]])}",
                Position(number, odd.start() + 1),
                next="retype it, or quote that text",
            )
    return None


class _Builder:
    """Turns nodes into values and notes where each one is."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.count = 0
        self.open: set[int] = set()

    def build(self, node: yaml.Node, loc: Loc, key: Position) -> Any:
        """The value of a node at a place whose key is at a position."""
        self.count += 1
        here = Position.of(node.start_mark)
        if self.count > MAX_NODES:
            raise UnreadableError(
                f"it contains more than {MAX_NODES} values",
                here,
                why="aliases (*name) are expanded",
            )
        if id(node) in self.open:
            raise UnreadableError("an alias (*name) contains itself", here)
        text = node.value if isinstance(node, yaml.ScalarNode) else None
        self.parsed.spots[loc] = Spot(key, here, text)
        self.open.add(id(node))
        try:
            return self._value(node, loc)
        finally:
            self.open.discard(id(node))

    def _value(self, node: yaml.Node, loc: Loc) -> Any:
        tag = node.tag.removeprefix("tag:yaml.org,2002:")
        if isinstance(node, yaml.MappingNode) and tag == "map":
            return dict(self._pairs(node, loc))
        if isinstance(node, yaml.SequenceNode) and tag == "seq":
            return [
                self.build(item, (*loc, index), Position.of(item.start_mark))
                for index, item in enumerate(node.value)
            ]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, tag)
        raise self._tagged(node)

    def _pairs(self, node: yaml.MappingNode, loc: Loc) -> Iterator[tuple[str, Any]]:
        first: dict[str, Position] = {}
        for key_node, value_node in node.value:
            here = Position.of(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                raise UnreadableError(
                    f"a key is {kind_of_node(key_node)}", here, next="keys are text"
                )
            name = str(key_node.value)
            if name == "<<":
                raise UnreadableError(
                    "merge keys (<<) are not supported",
                    here,
                    next="put the settings that hosts share in `defaults` or their group",
                )
            if name in first:
                self._duplicate(loc, name, first[name], here)
                continue
            first[name] = here
            yield name, self.build(value_node, (*loc, name), here)

    def _duplicate(self, loc: Loc, name: str, first: Position, here: Position) -> None:
        """A duplicate key; the error is at the second position."""
        place = (*loc, f"{name} (again at {here})")
        self.parsed.spots[place] = Spot(here, here)
        self.parsed.issues.append(
            Issue(
                place,
                f"{dotted((*loc, name))} is a duplicate key",
                why=f"the first is on line {first.line}",
                next="keep one",
                at_key=True,
                doubts=((*loc, name),),
            )
        )

    def _scalar(self, node: yaml.ScalarNode, tag: str) -> Any:
        text = str(node.value)
        if tag == "str":
            return text
        if tag == "null":
            return None
        try:
            if tag == "bool":
                return {"true": True, "false": False}[text.lower()]
            if tag == "int":
                return int(text, 16 if text.startswith("0x") else 10)
            if tag == "float":
                return float(text)
        except (ValueError, KeyError):
            pass
        raise self._tagged(node)

    def _tagged(self, node: yaml.Node) -> UnreadableError:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        return UnreadableError(
            f"the tag {tag} is not allowed", Position.of(node.start_mark), next="remove it"
        )
