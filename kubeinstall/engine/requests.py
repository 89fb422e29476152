"""One fact as it is asked for: with what arguments, by which command, and read from what answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from pyinfra.api.exceptions import FactProcessError
from pyinfra.api.facts import SU_REGEXES, FactBase
from pyinfra.api.util import get_kwargs_str

from kubeinstall.engine import commands
from kubeinstall.engine.batch import Answer, FactError, Question


@dataclass(frozen=True)
class Request:
    """One fact with its arguments; equal ones have the same answer.

    Args:
        key: class, arguments and global arguments, hashable.
        settings: the global arguments that bear on it.
    """

    key: tuple[Any, ...]
    fact: type[FactBase[Any]] = field(compare=False)
    args: tuple[Any, ...] = field(compare=False)
    kwargs: Mapping[str, Any] = field(compare=False)
    settings: Mapping[str, Any] = field(compare=False)

    @classmethod
    def of(cls, host: Any, fact: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Request:
        """The request that ``host.get_fact(fact, *args, **kwargs)`` makes here and now."""
        around = host.current_op_global_arguments or host.current_deploy_kwargs or {}
        settings = {
            name: value
            for name in commands.GLOBALS
            if (value := kwargs.get(name, around.get(name))) and value != "sh"
        }
        if fact.shell_executable:
            settings["_shell_executable"] = fact.shell_executable
        own = {name: value for name, value in kwargs.items() if not name.startswith("_")}
        return cls(
            (fact, _frozen(args), _frozen(own), _frozen(settings)), fact, args, own, settings
        )

    @classmethod
    def plain(cls, fact: type[FactBase[Any]], kwargs: Mapping[str, Any]) -> Request:
        """The request that a deploy makes with these arguments and no global ones."""
        own = dict(kwargs)
        return cls((fact, (), _frozen(own), ()), fact, (), own, {})

    @cached_property
    def asked(self) -> tuple[FactBase[Any], Question]:
        """The fact as it was asked (some remember with what, for the reading), and its question."""
        return _asked(self)

    def value(self, answer: Answer) -> Any:
        """The fact, from what its command said. Made again each time: it may be changed.

        Raises:
            FactError: the command failed, or nobody understands what it printed.
        """
        fact = copy(self.asked[0])
        if answer.missing or (answer.exit_code == 0 and not answer.lines):
            return fact.default()
        if answer.exit_code != 0:
            if self._excused(answer):
                return fact.default()
            tail = " / ".join(answer.errors[-3:] or answer.lines[-3:]) or "it printed nothing"
            raise FactError(f"{self} exited with code {answer.exit_code}: {tail}")
        try:
            return fact.process(list(answer.lines))
        except (FactProcessError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise FactError(f"{self} printed unexpected output: {error!r}") from error

    def _excused(self, answer: Answer) -> bool:
        """As pyinfra has it: a user that is not there yet is no failure."""
        first = answer.errors[0] if answer.errors else ""
        return bool(self.settings.get("_ignore_errors")) or any(
            re.match(pattern, first) for pattern in SU_REGEXES
        )

    def __str__(self) -> str:
        words = [*map(str, self.args), get_kwargs_str(dict(self.kwargs))]
        return f"{self.fact.name}({', '.join(word for word in words if word)})"


@lru_cache(maxsize=4096)
def _asked(request: Request) -> tuple[FactBase[Any], Question]:
    # Once for all hosts: no other part of a no-op took a run longer than making these commands.
    fact = request.fact()
    text = commands.script(fact.command(*request.args, **request.kwargs), request.settings)
    return fact, Question(text, fact.requires_command(*request.args, **request.kwargs))


def _frozen(value: Any) -> Any:
    """Something hashable that is equal for equal values."""
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, dict):
        return tuple(sorted((key, _frozen(item)) for key, item in value.items()))
    if isinstance(value, set):
        return frozenset(map(_frozen, value))
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value
