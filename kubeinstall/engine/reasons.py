"""From an ssh library's error to a reason in people's words, and what to do next."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

import paramiko

from kubeinstall.inventory.model import Ssh


class SshFailure(Exception):
    """A host cannot be reached, in people's words."""

    def __init__(self, what: str, why: str = "", next: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.next = what, why, next


class UnknownHostKey(paramiko.SSHException):
    """The host's key is in no known_hosts file."""

    def __init__(self, name: str, key: paramiko.PKey) -> None:
        super().__init__(name)
        self.key = key


@dataclass(frozen=True)
class Target:
    """Who is connected to, and how.

    Args:
        user: the login name.
        known_hosts: the file of host keys that counts.
    """

    ssh: Ssh
    user: str
    address: str
    port: int
    known_hosts: Path

    @property
    def at(self) -> str:
        return f"{self.address}:{self.port}"

    @property
    def host_key_name(self) -> str:
        """How known_hosts names it."""
        return self.address if self.port == 22 else f"[{self.address}]:{self.port}"

    @property
    def by_hand(self) -> str:
        """The ssh command that does the same."""
        key = f"-i {self.ssh.key} " if self.ssh.key else ""
        port = f"-p {self.port} " if self.port != 22 else ""
        return f"ssh {key}{port}{self.user}@{self.address}"


def explain(error: Exception, target: Target) -> SshFailure:
    """What a failed connect means."""
    if isinstance(error, SshFailure):
        return error
    if isinstance(error, UnknownHostKey | paramiko.BadHostKeyException):
        return _host_key(error, target)
    if isinstance(error, paramiko.AuthenticationException):
        return _login(error, target)
    if isinstance(error, paramiko.SSHException):
        return _protocol(error, target)
    return _network(error, target)


def _host_key(error: UnknownHostKey | paramiko.BadHostKeyException, target: Target) -> SshFailure:
    keys = target.known_hosts
    if isinstance(error, UnknownHostKey):
        return SshFailure(
            f"the ssh host key of {target.at} is not known",
            why=f"{keys} has none for it; it shows {error.key.get_name()} {error.key.fingerprint}",
            next="check that fingerprint, then: "
            f"ssh-keyscan -p {target.port} {target.address} >> {keys} "
            "(or set ssh.host_keys: accept-new)",
        )
    return SshFailure(
        f"the ssh host key of {target.at} HAS CHANGED: this may be another machine",
        why=f"{keys} has another key than the {error.key.get_name()} {error.key.fingerprint} it "
        "shows",
        next=f"if the host was made anew: ssh-keygen -f {keys} -R '{target.host_key_name}'",
    )


def _login(error: Exception, target: Target) -> SshFailure:
    ssh = target.ssh
    tried = [f"the key {ssh.key}"] if ssh.key else []
    tried += ["the password"] if ssh.password else []
    allowed = ", ".join(getattr(error, "allowed_types", None) or [])
    why = f"it did not take {' nor '.join(tried) or 'any key of the agent or of ~/.ssh'}"
    return SshFailure(
        f"{target.at} does not let {target.user} log in",
        why=why + (f"; it takes: {allowed}" if allowed else ""),
        next=f"try it by hand: {target.by_hand}",
    )


def _protocol(error: paramiko.SSHException, target: Target) -> SshFailure:
    text = str(error)
    if "authentication methods" in text:
        return SshFailure(
            f"there is no key to log in to {target.at} with",
            why="no agent runs, and ~/.ssh has no key",
            next="set ssh.key, or load a key into an agent",
        )
    if "banner" in text.lower() or "existing session" in text.lower():
        return SshFailure(
            f"what answers on {target.at} is no ssh server, or too busy to say so",
            why=text,
            next=f"see who listens there: {target.by_hand}",
        )
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return SshFailure(
            f"{target.at} and we have no cipher or key type in common",
            why=text,
            next="update the host's ssh server",
        )
    return SshFailure(f"cannot speak ssh with {target.at}", why=text, next=target.by_hand)


def _network(error: Exception, target: Target) -> SshFailure:
    if isinstance(error, socket.gaierror):
        return SshFailure(
            f"the name {target.address} cannot be resolved",
            why=str(error.strerror or error),
            next=f"getent hosts {target.address}",
        )
    if isinstance(error, ConnectionRefusedError):
        return SshFailure(
            f"{target.at} refused the connection",
            why="the host is up, but nothing listens there",
            next="start sshd on it, or correct ssh.port",
        )
    if isinstance(error, TimeoutError):
        return SshFailure(
            f"no answer from {target.at}",
            why="the host is off, or a firewall drops the packets",
            next=f"ping {target.address}; then: {target.by_hand}",
        )
    if isinstance(error, EOFError | ConnectionResetError):
        return SshFailure(
            f"{target.at} closed the connection",
            why="sshd there refuses us (MaxStartups, a ban after failed logins), or is failing",
            next=target.by_hand,
        )
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return SshFailure(f"cannot connect to {target.at}", why=why, next=target.by_hand)
