"""Documents of mappings: read from YAML that somebody else wrote, and laid on one another.

PyYAML knows more of YAML 1.1 than Go's readers do: dates, ``12:30`` as a number of base 60, and
``=`` as a value of its own. All three are plain text to Kubernetes, and all three are met in
manifests of others (``=`` in CRDs of the Prometheus operator).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

MOST_VALUES = 2_000_000
"""Values of one text, each alias counted with all that it stands for."""
DEEPEST = 200
"""Collections within one another; at some ten thousand libyaml's composer ends the process."""
_NOT_KNOWN = frozenset({"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_Resolvers = dict[str, list[tuple[str, re.Pattern[str]]]]


class NotYamlError(ValueError):
    """A text that is not YAML, or too much of it.

    Args:
        problem: what is wrong, without a word of the text, which may have secrets in it.
        line, column: where, counted from 1; 0: not known.
    """

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        place = f" (line {line}, column {column})" if line else ""
        super().__init__(f"{problem}{place}")


class _Loader(yaml.CSafeLoader):
    """libyaml's safe loader (the one in Python needs seconds for what a big operator brings)."""

    yaml_implicit_resolvers: _Resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in pairs if tag not in _NOT_KNOWN]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        plain = kind is yaml.ScalarNode and implicit[0]
        if plain and ":" in value and _BASE_60.fullmatch(value):
            return "tag:yaml.org,2002:str"
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]


def read(text: str | bytes, most: int = MOST_VALUES) -> Iterator[Any]:
    """What each document of a YAML text holds; keys are text. Empty documents are left out.

    Args:
        most: values that the text may hold.

    Raises:
        NotYamlError: it is not YAML, or holds too much.
    """
    left = itertools.count(most, -1)
    try:
        _not_too_deep(text)
        for document in yaml.load_all(text, _Loader):
            if document is not None:
                yield _with_text_keys(document, left, most)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        line, column = (at.line + 1, at.column + 1) if at else (0, 0)
        # What the scanner and the parser say is about signs; others' words may hold the text's.
        signs = isinstance(error, (yaml.scanner.ScannerError, yaml.parser.ParserError))
        problem = f": {error.problem}" if signs and error.problem else ""
        raise NotYamlError(f"it is not YAML{problem}", line, column) from None
    except NotYamlError:
        raise
    # PyYAML's constructors raise what Python does at numbers that are none.
    except (
        yaml.YAMLError,
        RecursionError,
        ValueError,
        OverflowError,
        TypeError,
        AttributeError,
    ):
        raise NotYamlError("it is not YAML") from None


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``over`` laid on it: mappings are merged key by key, all else is replaced."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merged(old, value) if both else value  # type: ignore[arg-type]
    return result


def _not_too_deep(text: str | bytes) -> None:
    """Look at events, which libyaml reads one by one, before anything is composed of them."""
    depth = 0
    for event in yaml.parse(text, _Loader) if _may_be_deep(text) else ():
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise NotYamlError(f"it has more than {DEEPEST} nested collections")


def _may_be_deep(text: str | bytes) -> bool:
    """Whether it can be: by brackets, or by a line that starts with very many indicators."""
    plain = text if isinstance(text, str) else text.decode(errors="replace")
    brackets = plain.count("[") + plain.count("{")
    return brackets > DEEPEST or bool(
        re.search(rf"^[-?:\s]{{{DEEPEST // 2}}}", plain, re.MULTILINE)
    )


def _with_text_keys(value: Any, left: Iterator[int], most: int) -> Any:
    """Keys as JSON has them: ``9000: x`` in a ConfigMap has the key ``"9000"``.

    Args:
        left: counts down to 0: aliases of aliases make few lines very many values.
    """
    if next(left) <= 0:
        raise NotYamlError(f"it contains more than {most} values")
    if isinstance(value, dict):
        return {_key(key): _with_text_keys(inner, left, most) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_text_keys(inner, left, most) for inner in value]
    return value


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)
