"""What of an addon's objects is never shown to people: decided by its place, not by its value.

A place that can hold a secret is hidden whatever it holds now: what somebody else put there, and
what was there before the inventory changed, are shown by the same diff.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kubeinstall.addons.objects import Object, group

HIDDEN = "(hidden)"
ANOTHER = "(hidden, a different value)"

Names = tuple[str, ...]
"""The way to a value: names of fields; items of lists by their name or number, in brackets."""
Leaves = Mapping[Names, Any]

# Annotations that hold whole objects, as kubectl, Helm and kubeinstall write them.
_WHOLE_OBJECTS = ("last-applied-configuration", "kubeinstall.io/before")
# Names of fields, keys and flags whose text gives access to something, without - _ and dots.
_TELLING = re.compile(
    r"(?i)(password|passwd|passphrase|secret|token|apikey|privatekey|accesskey|secretkey|signingkey"
    r"|credentials?|bearer|authorization|basicauth)$"
)
_ARGUMENTS = ("args", "command")


def veiled(document: Object, private: bool, before: Leaves | None = None) -> tuple[Object, Leaves]:
    """An object as it may be shown, and what was hidden of it.

    Args:
        private: the addon takes values that are secret, so more of its objects may hold one.
        before: what was hidden of the object that is there: a value that differs is said so.
    """
    veil = _Veil(document, private, before or {})
    shown: Object = veil.value(document, ())
    return shown, veil.hidden


def veiled_at(document: Object, way: Names, value: Any, private: bool) -> Any:
    """A value at some place of an object, as it may be shown.

    Args:
        way: where it is.
    """
    veil = _Veil(document, private, {})
    if any(veil.hides(way[:end], value) for end in range(1, len(way) + 1)):
        return HIDDEN
    return veil.value(value, way)


class _Veil:
    """Goes through an object's values and hides some."""

    def __init__(self, document: Object, private: bool, before: Leaves) -> None:
        self._secret = (group(document), document["kind"]) == ("", "Secret")
        self._config = (group(document), document["kind"]) == ("", "ConfigMap")
        self._private = private
        self._before = before
        self.hidden: dict[Names, Any] = {}

    def value(self, value: Any, way: Names) -> Any:
        if self.hides(way, value):
            self.hidden[way] = value
            other = way in self._before and self._before[way] != value
            return ANOTHER if other else HIDDEN
        if isinstance(value, dict):
            return {key: self.value(inner, (*way, str(key))) for key, inner in value.items()}
        if isinstance(value, list):
            if way and way[-1] in _ARGUMENTS and all(isinstance(one, str) for one in value):
                return self._arguments(value, way)
            return [self.value(one, (*way, _item(i, one))) for i, one in enumerate(value)]
        return value

    def hides(self, way: Names, value: Any) -> bool:
        """Whether what is at a place is hidden whole."""
        if value is None or len(way) < 2:
            return False
        name, inside = way[-1], way[-2]
        if self._secret and (way[0] in ("data", "stringData") or inside == "annotations"):
            return True
        if inside == "annotations" and name.endswith(_WHOLE_OBJECTS):
            return True
        if self._config and (way[0] == "binaryData" or (self._private and way[0] == "data")):
            return True
        if name == "value" and len(way) > 2 and way[-3] == "env":
            return True
        if self._private and inside in _ARGUMENTS:
            return True
        return isinstance(value, str | bytes) and _tells(name)

    def _arguments(self, words: list[str], way: Names) -> list[str]:
        """A command line: the value of a flag that is called like a secret goes."""
        shown, telling = [], False
        for index, word in enumerate(words):
            here = (*way, f"[{index}]")
            flag, equals, _ = word.partition("=")
            if self._private or (telling and not word.startswith("-")):
                shown.append(self._masked(word, here))
            elif equals and _tells(flag):
                shown.append(f"{flag}={self._masked(word, here)}")
            else:
                shown.append(word)
            telling = word.startswith("-") and not equals and _tells(word)
        return shown

    def _masked(self, word: str, way: Names) -> str:
        self.hidden[way] = word
        return ANOTHER if self._before.get(way, word) != word else HIDDEN


def _tells(name: str) -> bool:
    return _TELLING.search(re.sub(r"[-_. ]", "", name)) is not None


def _item(index: int, item: Any) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return f"[{name if isinstance(name, str) else index}]"
