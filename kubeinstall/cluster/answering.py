"""Which control plane the cluster is asked on: the first in the inventory that answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubeinstall.engine.types import Output
from kubeinstall.facts.kubectl import Timeout, kubectl
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.model import Cluster

if TYPE_CHECKING:
    from kubeinstall.engine.session import Session

QUESTION = f"{kubectl(Timeout.POLL)} get --raw /readyz"
"""Asked of control planes where there are several to choose from; exit code 0: it answers."""
_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """What a control plane answered.

    Args:
        host: the one that was asked.
    """

    host: str
    output: Output


def choose(
    cluster: Cluster, usable: Collection[str], answers: Mapping[str, bool] | None = None
) -> str:
    """The control plane to ask.

    Args:
        usable: names of hosts that are connected and have not failed.
        answers: by name, whether a control plane's API server answers; None: nobody has asked.

    Returns:
        The first of the usable ones that answers. If none does, the first usable one, which can
        say why; if none is usable, the first.
    """
    names = [host.name for host in cluster.control_planes]
    here = [name for name in names if name in usable]
    said = answers or {}
    return next((name for name in here if said.get(name)), (here or names)[0])


class Answering:
    """The decision for one session: remembered, and made again once that control plane fails.

    With one control plane there is nothing to decide, so no question is asked.

    Args:
        session: connected to its cluster's control planes, as far as they can be reached.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._chosen = ""

    def host(self) -> str:
        """The name of the control plane to ask.

        Raises:
            KubeinstallError: interrupted.
        """
        usable = self.usable
        if self._chosen not in usable:
            self._chosen = choose(self.session.cluster, usable, self._answers(usable))
        return self._chosen

    def connect(self) -> None:
        """Connect to the control planes alone, for questions.

        Raises:
            KubeinstallError: none of them can be reached.
        """
        names = [host.name for host in self.session.cluster.control_planes]
        self.session.connect(names)
        if not self.usable:
            raise KubeinstallError(*(self.session.failures[name] for name in names))

    @property
    def usable(self) -> list[str]:
        """The control planes that are connected and have not failed, in the inventory's order."""
        alive = set(self.session.alive)
        return [h.name for h in self.session.cluster.control_planes if h.name in alive]

    def doubt(self) -> None:
        """It may answer no longer, or another one may by now: decide again."""
        self._chosen = ""

    def ask(self, script: str, *, stdin: str | None = None, timeout: float = 60) -> Answer:
        """Run a script there; if that host is lost meanwhile, on the next one.

        Args:
            script: can be run again where it was cut off.
            stdin: given to the script.
            timeout: seconds.

        Raises:
            KubeinstallError: the connection is lost, or there was no answer in time, and no other
                control plane is left.
        """
        while True:
            host = self.host()
            try:
                output = self.session.ask(host, script, stdin=stdin, timeout=timeout)
            except KubeinstallError:
                if host in self.session.alive or not self.usable:
                    raise
            else:
                if not output.ok:
                    self.doubt()
                return Answer(host, output)

    def _answers(self, usable: list[str]) -> dict[str, bool] | None:
        if len(usable) < 2 or self.session.interrupted:
            return None
        said = self.session.ask_all(dict.fromkeys(usable, QUESTION), timeout=_SECONDS)
        return {name: output.ok for name, output in said.items()}
