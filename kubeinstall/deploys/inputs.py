"""The inputs of deploys: the cluster, the host, and what a phase found out before."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Self

from pyinfra.context import host

from kubeinstall import families
from kubeinstall.facts.identity import System, SystemState
from kubeinstall.files.family import Family
from kubeinstall.inventory.model import Cluster, Host


@dataclass(frozen=True)
class Inputs:
    """The inputs of every deploy; one that needs more has a type of its own beside it.

    Args:
        host: the inventory's host that the deploy runs for.
    """

    cluster: Cluster
    host: Host

    @classmethod
    def plain(cls) -> Self:
        """Those under the plain pyinfra command, where no phase found anything out before.

        The data of pyinfra's hosts are ``cluster`` and ``node``, as in ``inventories/lab.py``.
        """
        return cls(host.data.cluster, host.data.node)


class Later(Enum):
    """A phase that installs packages, by its name."""

    RUNTIME = "runtime"
    PACKAGES = "packages"


@dataclass(frozen=True)
class SystemInputs(Inputs):
    """The inputs of a deploy that depends on the host's operating system.

    Args:
        system: as preflight found it; None: the host is asked. What else a deploy asks for depends
            on it, so as a fact it costs a round trip of its own.
        later: phases that are still to come in this run, whose packages may be installed already.
    """

    system: SystemState | None = None
    later: frozenset[Later] = frozenset()

    def identified(self) -> SystemState:
        """The host's system."""
        return self.system or host.get_fact(System)

    def family(self) -> Family:
        """The family of the host's system."""
        return families.of(self.identified())
