"""Templates, shipped ones and those of addons: Jinja2, where a name without a value is an error.

An addon may come from anywhere, so a template only fills in text: it reaches no attribute of
Python's, changes nothing that it is given, and what it makes is bounded.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jinja2 import BaseLoader, FileSystemLoader, StrictUndefined, Template
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kubeinstall.resources import folder

MOST_CHARACTERS = 16 << 20
"""What a template may become."""
MOST_ROUNDS = 1_000_000
"""Numbers that ``range`` gives while one template is filled in."""
_WIDEST = 100_000
_MOST_BITS = 4096
_PADDING = ("center", "expandtabs", "ljust", "rjust", "zfill")
_SIZED_FILTERS = ("batch", "center", "indent", "slice")
_WIDE = re.compile(r"[0-9]{6}|\*|:[^}]*\{")
"""In a format: a width of six digits, or one that stands elsewhere."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's own sandbox, which does not bound what a single expression makes."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, loader: BaseLoader | None) -> None:
        super().__init__(  # plain text and configuration, no HTML: nothing to escape
            loader=loader,
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
        )
        del self.globals["lipsum"]
        for name in _SIZED_FILTERS:
            self.filters[name] = _bounded(self.filters[name])

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and not _is_small_power(left, right):
            raise SecurityError("the result of a power is too large")
        if operator == "*" and not (_is_short(left, right) and _is_short(right, left)):
            raise SecurityError(f"repeated text is longer than {_WIDEST} characters")
        if operator == "%" and isinstance(left, str) and _WIDE.search(left):
            raise SecurityError("a format's width is too large")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        name, owner = getattr(obj, "__name__", ""), getattr(obj, "__self__", None)
        if isinstance(owner, str | bytes):
            if name in _PADDING and not all(map(_is_size, args)):
                raise SecurityError("padded text is too long")
            if name.startswith("format") and _WIDE.search(str(owner)):
                raise SecurityError("a format's width is too large")
        return super().call(context, obj, *args, **kwargs)


def environment(loader: BaseLoader | None) -> ImmutableSandboxedEnvironment:
    """How every template is read: in a sandbox, nothing undefined, blocks leave no lines.

    Args:
        loader: where templates are; None: they are given as text.
    """
    return _Sandbox(loader)


def filled(template: Template, values: Mapping[str, Any]) -> str:
    """The text that a template becomes.

    Raises:
        jinja2.TemplateError: a name without a value, or what the sandbox refuses; a text that is
            too long. What a template calculates can raise Python's own errors.
    """
    parts, size = [], 0
    for part in template.generate({**values, "range": _rounds()}):
        size += len(part)
        if size > MOST_CHARACTERS:
            raise SecurityError(f"it becomes longer than {MOST_CHARACTERS >> 20} MiB")
        parts.append(part)
    return "".join(parts)


def render(name: str, **values: Any) -> str:
    """The text of a shipped template.

    Args:
        name: path below ``templates/``, e.g. ``chrony.conf.j2``.
        values: what the template names.

    Raises:
        jinja2.TemplateError: no such template, or a name without a value.
    """
    return filled(_shipped().get_template(name), values)


@cache
def _shipped() -> ImmutableSandboxedEnvironment:
    return environment(FileSystemLoader(folder("templates")))


def _rounds() -> Callable[..., range]:
    """``range`` for one template: loops in loops add up."""
    left = MOST_ROUNDS

    def counted(*numbers: int) -> range:
        nonlocal left
        made = range(*numbers)
        left -= len(made)
        if left < 0:
            raise SecurityError(f"its loops run more than {MOST_ROUNDS} times")
        return made

    return counted


def _bounded(wanted: Callable[..., Any]) -> Callable[..., Any]:
    """A filter without sizes that are too large."""

    @functools.wraps(wanted)  # Jinja2 keeps on the function what it is to be given
    def checked(*args: Any, **kwargs: Any) -> Any:
        if not all(map(_is_size, [*args, *kwargs.values()])):
            raise SecurityError(f"a size is larger than {_WIDEST}")
        return wanted(*args, **kwargs)

    return checked


def _is_size(value: Any) -> bool:
    return not isinstance(value, int) or value <= _WIDEST


def _is_short(repeated: Any, times: Any) -> bool:
    if not isinstance(repeated, str | bytes | list | tuple) or not isinstance(times, int):
        return True
    return len(repeated) * times <= _WIDEST


def _is_small_power(left: Any, right: Any) -> bool:
    if not isinstance(left, int) or not isinstance(right, int):
        return True
    return left.bit_length() * right <= _MOST_BITS
