"""Facts in bulk: what is asked of a host is noted first, then read in one script.

A deploy is run through with what is known; each fact that is not known yet is noted and answered
by its default. Then all noted facts are read at once, and the deploy is run through again, until
nothing is missing. A host that is as it should be costs one round trip.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyinfra.api.exceptions import FactPreconditionError, FactProcessError
from pyinfra.api.facts import SU_REGEXES, FactBase, ShortFactBase
from pyinfra.api.util import get_kwargs_str

from kubeinstall.engine import commands
from kubeinstall.engine.batch import Answer, Question, answers, ask_script
from kubeinstall.engine.types import Output


class FactError(Exception):
    """A fact could not be read."""


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

    @cached_property
    def asked(self) -> tuple[FactBase[Any], Question]:
        """The fact as it was asked (some remember with what, for the reading), and its question."""
        fact = self.fact()
        text = commands.script(fact.command(*self.args, **self.kwargs), self.settings)
        return fact, Question(text, fact.requires_command(*self.args, **self.kwargs))

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


class Facts:
    """What is known of one host.

    Args:
        ask: runs a script on the host.
    """

    def __init__(self, ask: Callable[[str], Output]) -> None:
        self._ask = ask
        self._known: dict[Request, Answer] = {}
        self.missing: dict[Request, None] = {}
        self.asked: dict[Request, None] = {}
        self.recording = False
        self.trips = 0

    def get(
        self, state: Any, host: Any, fact: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """In the place of pyinfra's ``host.get_fact``.

        Raises:
            FactError: it could not be read.
        """
        if issubclass(fact, ShortFactBase):
            return fact().process_data(self.get(state, host, fact.fact, args, kwargs))
        if reason := fact().check_preconditions(state, host):
            if state.is_executing:
                raise FactPreconditionError(fact, reason)
            return fact.default()
        request = Request.of(host, fact, args, kwargs)
        self.asked[request] = None
        if request not in self._known:
            if self.recording:
                self.missing[request] = None
                return fact.default()
            self.read([request])
        return request.value(self._known[request])

    def value(self, fact: type[FactBase[Any]], kwargs: Mapping[str, Any]) -> Any:
        """A fact for who is no deploy, with the arguments that deploys ask for it with.

        Raises:
            FactError: it could not be read.
        """
        request = Request((fact, (), _frozen(dict(kwargs)), ()), fact, (), dict(kwargs), {})
        self.read([request])
        return request.value(self._known[request])

    def read(self, requests: Iterable[Request]) -> None:
        """Read what is not known of these, in one round trip.

        Raises:
            FactError: the host did not answer them all.
        """
        wanted = [r for r in dict.fromkeys(requests) if r not in self._known]
        if not wanted:
            return
        text, mark = ask_script([request.asked[1] for request in wanted])
        output = self._ask(text)
        self.trips += 1
        found = answers(output, mark)
        if len(found) != len(wanted):
            reason = (output.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise FactError(
                f"the host answered {len(found)} of {len(wanted)} questions "
                f"(exit code {output.exit_code}): {reason}"
            )
        self._known.update(zip(wanted, found, strict=True))

    def forget(self) -> None:
        """Something has changed: what was known may be wrong."""
        self._known.clear()


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
