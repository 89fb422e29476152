"""Addons in their order: each is applied once those it needs are ready; all waits run at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kubeinstall.addons.changes import Change
from kubeinstall.addons.objects import Object
from kubeinstall.addons.readiness import namespaces, refs, unready_of
from kubeinstall.addons.render import Rendered
from kubeinstall.cluster.absent import absent
from kubeinstall.cluster.pending import Unready
from kubeinstall.deploys.addons import ChangeInputs, addon, conditions
from kubeinstall.engine.types import Step
from kubeinstall.facts.addons import Objects
from kubeinstall.findings import Finding, KubeinstallError
from kubeinstall.inventory.catalogue.chosen import needed
from kubeinstall.phases.addons import findings
from kubeinstall.phases.phase import Run

_PAUSE = 1.5
_WORDS = 200


@dataclass
class _Wait:
    """An addon that is applied and not ready yet.

    Args:
        until: when it is given up, on the monotonic clock.
    """

    addon: Rendered
    until: float
    unready: list[Unready] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return time.monotonic() > self.until or any(u.final for u in self.unready)


class Rollout:
    """The addons of one stage, on their way.

    Args:
        addons: those of the inventory.
        plan: what is to be done with some of them, by what the cluster has now.
    """

    def __init__(
        self,
        run: Run,
        addons: Sequence[Rendered],
        plan: Callable[[list[Rendered]], list[Change]],
    ) -> None:
        self._run = run
        self._plan = plan
        self._pending = list(addons)
        chosen = [one.chosen for one in addons]
        self._needs = {one.name: needed(one.chosen, chosen) for one in addons}
        self._waits: list[_Wait] = []
        self._ready: set[str] = set()
        self._failed: set[str] = set()
        self._findings: list[Finding] = []

    def go(self, gone: Sequence[Change]) -> None:
        """Remove, apply and wait.

        Args:
            gone: addons to remove.

        Raises:
            KubeinstallError: not all came about; the others did.
        """
        for change in gone:
            self._remove(change)
        while self._pending or self._waits:
            self._give_up()
            able = [one for one in self._pending if self._needs[one.name] <= self._ready]
            if able:
                for one, change in zip(able, self._plan(able), strict=True):
                    self._pending.remove(one)
                    self._apply(one, change)
            elif self._waits:
                self._watch()
        if self._findings:
            raise KubeinstallError(*self._findings)

    def _remove(self, change: Change) -> None:
        """Remove one addon."""
        if change.broken:
            self._findings.append(findings.broken(self._run, change, change.broken))
            return
        if change.volumes and change.name not in self._run.abandoned:
            self._findings.append(findings.in_use(self._run, change))
            return
        for line in change.told:
            self._run.reporter.note(line)
        self._settle(change)

    def _give_up(self) -> None:
        """Leave out what needs an addon that has failed."""
        while lost := [one for one in self._pending if self._needs[one.name] & self._failed]:
            for one in lost:
                self._pending.remove(one)
                self._fails(one, findings.needs(self._run, one, self._needs[one.name]))

    def _apply(self, one: Rendered, change: Change) -> None:
        """Apply one addon; unless it is ready already, it is waited for from now on."""
        if change.broken:
            self._fails(one, findings.broken(self._run, change, change.broken))
            return
        foreign = findings.foreign(self._run, change)
        if foreign:
            self._fails(one, *foreign)
            return
        for line in change.told:
            self._run.reporter.note(line)
        if not self._settle(change):
            unready = unready_of(one, self._ask([one]))
            self._fails(one, *(findings.not_ready(self._run, one, u) for u in unready[:1]))
            return
        if self._run.dry:
            self._ready.add(one.name)
            return
        for notice in one.notices if change.any else ():
            self._run.reporter.note(f"{one.name}: {notice}")
        if change.any or unready_of(one, self._seen(change)):
            until = time.monotonic() + one.chosen.choice.timeout
            self._waits.append(_Wait(one, until))
        else:
            self._ready.add(one.name)

    def _settle(self, change: Change) -> bool:
        """Do what is to be done with an addon.

        Returns:
            whether it went well.
        """
        host = self._run.answering.host()
        cluster = self._run.cluster
        step = Step(addon, ChangeInputs(cluster, cluster.host(host), change))
        result = self._run.round(self._run.phase, {host: [step]}, spare=True).get(host)
        for event in result.events if result else ():
            for kept in event.kept:
                self._run.reporter.note(f"{change.name}: {findings.stays(kept)}")
        if result is None or result.failed:
            said = result.failed.output if result and result.failed else ""
            self._failed.add(change.name)
            self._findings.append(findings.refused(self._run, change, said))
            return False
        return True

    def _seen(self, change: Change) -> list[Object]:
        """The live objects that are known without asking again."""
        live = [found.live for found in change.differences if found.live]
        if named := conditions(self._run.cluster):
            live += self._run.session.fact(self._run.answering.host(), Objects, refs=named)
        return live

    def _watch(self) -> None:
        """Ask for what is waited for, and sort out what is ready and what is given up."""
        found = self._ask([wait.addon for wait in self._waits])
        away = absent(self._run.hosts(), self._run.asked().items)
        for wait in list(self._waits):
            wait.unready = unready_of(wait.addon, found, away)
            if not wait.unready:
                self._ready.add(wait.addon.name)
                self._waits.remove(wait)
            elif wait.over:
                self._waits.remove(wait)
                self._fails(
                    wait.addon,
                    *(findings.not_ready(self._run, wait.addon, u) for u in wait.unready),
                )
        if self._waits:
            told = [f"{wait.addon.name}: {wait.unready[0]}" for wait in self._waits]
            more = f", and {len(told) - 1} more" if len(told) > 1 else ""
            self._run.reporter.waiting(f"{told[0][:_WORDS]}{more}")
            time.sleep(_PAUSE)

    def _ask(self, addons: Sequence[Rendered]) -> Sequence[Object]:
        """The objects that tell whether addons are ready, and the pods beside them."""
        asked = Objects().command(
            refs=[ref for one in addons for ref in refs(one)],
            pods=list(dict.fromkeys(n for one in addons for n in namespaces(one))),
        )
        return Objects().process(self._run.kubectl.ask(asked).stdout.split("\n"))

    def _fails(self, one: Rendered, *found: Finding) -> None:
        self._failed.add(one.name)
        self._findings += found
