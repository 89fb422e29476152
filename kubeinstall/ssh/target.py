"""Who is connected to, how, and the ssh command that does the same by hand."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from kubeinstall.inventory.model import Host, Jump, Ssh
from kubeinstall.ssh.known_hosts import name_of

_HERE = Path(".ssh") / "known_hosts"


@dataclass(frozen=True)
class Target:
    """One ssh server, and what to log in to it with: nothing of it is shown to another server.

    Args:
        key: private key file; with no password either, the agent and the keys in ~/.ssh are used.
        known_hosts: the file of host keys that counts.
        accept_new: trust a host the first time that it is seen.
        via: the bastion that it is reached through.
        key_setting: where the inventory names the key.
    """

    address: str
    port: int
    user: str
    key: Path | None
    key_passphrase: SecretStr | None
    password: SecretStr | None
    known_hosts: Path
    accept_new: bool
    via: Target | None = None
    key_setting: str = "ssh.key"

    @classmethod
    def of(cls, host: Host) -> Target:
        """How a host of the inventory is reached."""
        ssh = host.ssh
        return cls(
            host.address,
            ssh.port,
            ssh.user,
            ssh.key,
            ssh.key_passphrase,
            ssh.password,
            known_hosts_file(ssh),
            ssh.host_keys == "accept-new",
            _bastion(ssh),
        )

    @property
    def at(self) -> str:
        """Address and port."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    @property
    def host_key_name(self) -> str:
        """How known_hosts names it."""
        return name_of(self.address, self.port)

    @property
    def by_hand(self) -> str:
        """The ssh command that logs in."""
        return shlex.join(self._words())

    def running(self, command: str) -> str:
        """The ssh command that runs a shell command there."""
        return shlex.join([*self._words(), command])

    def _words(self, *options: str) -> list[str]:
        words = ["ssh", *(["-i", str(self.key)] if self.key else [])]
        words += ["-p", str(self.port)] if self.port != 22 else []
        if self.known_hosts != Path.home() / _HERE:
            words += ["-o", f'UserKnownHostsFile="{self.known_hosts}"']
        if self.via:
            words += self.via._jump()
        return [*words, *options, f"{self.user}@{self.address}"]

    def _jump(self) -> list[str]:
        """The options that go through this bastion. -J knows no key and no file of its own."""
        plain = Target(
            self.address, self.port, self.user, None, None, None, Path.home() / _HERE, False
        )
        if self._words() == plain._words():
            return ["-J", f"{self.user}@{self.at}"]
        words = shlex.join(self._words()).replace("%", "%%")
        return ["-o", f"ProxyCommand={words} -W %h:%p"]


def known_hosts_file(ssh: Ssh) -> Path:
    """The file of host keys that counts for a host."""
    return ssh.known_hosts or Path.home() / _HERE


def _bastion(ssh: Ssh) -> Target | None:
    """The bastion of a host, which gets nothing that is for the host but the login's name."""
    if ssh.bastion is None:
        return None
    jump = Jump.parse(ssh.bastion)
    return Target(
        jump.host,
        jump.port,
        jump.user or ssh.user,
        ssh.bastion_key,
        ssh.bastion_key_passphrase,
        ssh.bastion_password,
        known_hosts_file(ssh),
        ssh.host_keys == "accept-new",
        key_setting="ssh.bastion_key",
    )
