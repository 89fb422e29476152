"""The control plane's arguments: what its pods run with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyinfra.api.facts import FactBase

MANIFESTS = "/etc/kubernetes/manifests"


@dataclass(frozen=True)
class StaticPodsState:
    """The control plane of a host.

    Args:
        arguments: component to the arguments in its manifest, ``--name=value`` each.
    """

    arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class StaticPods(FactBase[StaticPodsState]):
    """The arguments of the control plane on this host."""

    @staticmethod
    def default() -> StaticPodsState:
        return StaticPodsState()

    def command(self) -> str:
        # grep names the file of each line only if it gets several, and fails if no line matches.
        return f"grep -s '^ *- --' {MANIFESTS}/*.yaml /dev/null || true"

    def process(self, output: list[str]) -> StaticPodsState:
        arguments: dict[str, list[str]] = {}
        for line in output:
            path, _, rest = line.partition(":")
            name, argument = path.rpartition("/")[2], rest.strip().removeprefix("- ")
            if name.endswith(".yaml") and argument.startswith("--"):
                arguments.setdefault(name.removesuffix(".yaml"), []).append(argument)
        return StaticPodsState({name: tuple(found) for name, found in arguments.items()})
