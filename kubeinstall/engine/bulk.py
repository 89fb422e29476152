"""Facts in bulk: what is asked of a host is noted first, then read in one script.

A deploy is run through with what is known; each fact that is not known yet is noted and answered
by its default. Then all noted facts are read at once, and the deploy is run through again, until
nothing is missing. A host that is as it should be costs one round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pyinfra.api.exceptions import FactPreconditionError
from pyinfra.api.facts import FactBase, ShortFactBase

from kubeinstall.engine.batch import Answer, FactError, answers, ask_script
from kubeinstall.engine.requests import Request
from kubeinstall.engine.together import Ask, AskMany, alone, asks
from kubeinstall.engine.types import Output


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
        self.doubtful = False
        """Whether a default was given for a fact that cannot be asked for now, but maybe later."""
        self.trips = 0

    def known(self, requests: Iterable[Request]) -> bool:
        """Whether none of these has to be read."""
        return all(request in self._known for request in requests)

    def unknown(self, requests: Iterable[Request]) -> bool:
        """Whether each of these has to be read."""
        return not any(request in self._known for request in requests)

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
            self.doubtful = True
            return fact.default()
        request = Request.of(host, fact, args, kwargs)
        self.asked[request] = None
        if request not in self._known:
            if self.recording:
                if not (getattr(fact, "costly", False) and self._waits()):
                    self.missing[request] = None
                return fact.default()
            self.read([request])
        return request.value(self._known[request])

    def _waits(self) -> bool:
        """Whether the operation has asked for something else that is not known yet."""
        return not self.missing.keys().isdisjoint(self.asked)

    def value(self, fact: type[FactBase[Any]], kwargs: Mapping[str, Any]) -> Any:
        """A fact for who is no deploy, with the arguments that deploys ask for it with.

        Raises:
            FactError: it could not be read.
        """
        request = Request.plain(fact, kwargs)
        self.read([request])
        return request.value(self._known[request])

    def read(self, requests: Iterable[Request]) -> None:
        """Read what is not known of these, in one round trip.

        Raises:
            FactError: the host did not answer them all.
        """
        wanted = [r for r in dict.fromkeys(requests) if r not in self._known]
        self._put(asks(wanted))
        self._put(alone(r for r in wanted if r not in self._known))

    def forget(self) -> None:
        """Something has changed: what was known may be wrong."""
        self._known.clear()

    def _put(self, wanted: list[Ask | AskMany]) -> None:
        if not wanted:
            return
        text, mark = ask_script([ask.question for ask in wanted])
        output = self._ask(text)
        self.trips += 1
        found = answers(output, mark)
        if len(found) != len(wanted):
            reason = (output.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise FactError(
                f"the host answered {len(found)} of {len(wanted)} questions "
                f"(exit code {output.exit_code}): {reason}"
            )
        for ask, answer in zip(wanted, found, strict=True):
            self._known.update(ask.share(answer))
