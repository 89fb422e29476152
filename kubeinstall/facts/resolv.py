"""Name resolution: which servers a host asks, and whether systemd-resolved stands before them."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api.facts import FactBase

USUAL = "/etc/resolv.conf"
RESOLVED = "/run/systemd/resolve/resolv.conf"
"""Where systemd-resolved names the servers that it asks itself: systemd-resolved.service(8)."""


@dataclass(frozen=True)
class ResolverState:
    """A host's resolver.

    Args:
        servers: the name servers in /etc/resolv.conf.
        behind: systemd-resolved names others that it asks itself.
    """

    servers: tuple[str, ...] = ()
    behind: bool = False

    @property
    def is_local(self) -> bool:
        """Whether the servers are programs on the host itself, which its pods cannot ask."""
        return any(server.startswith("127.") or server == "::1" for server in self.servers)

    @property
    def for_pods(self) -> str:
        """The file with servers that pods can ask, as far as there is one."""
        return RESOLVED if self.is_local and self.behind else USUAL


class Resolver(FactBase[ResolverState]):
    """The host's resolver."""

    @staticmethod
    def default() -> ResolverState:
        return ResolverState()

    def command(self) -> str:
        return (
            f"grep -sE '^nameserver[[:space:]]' {USUAL}; "
            f"if [ -e {RESOLVED} ] && grep -qE '^nameserver[[:space:]]' {RESOLVED}; "
            "then echo behind; fi"
        )

    def process(self, output: list[str]) -> ResolverState:
        rows = [line.split() for line in output]
        servers = tuple(row[1] for row in rows if len(row) > 1 and row[0] == "nameserver")
        return ResolverState(servers, ["behind"] in rows)
