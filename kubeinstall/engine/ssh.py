"""Open an ssh connection, and say why it could not be opened.

Only what the inventory says counts: ~/.ssh/config is not read, so that a run is the same on every
machine it is started from.
"""

from __future__ import annotations

import fcntl
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko

from kubeinstall.inventory.model import Host, Ssh

_KEEPALIVE = 10
_USER_TIMEOUT_MS = 30_000
_trust = threading.Lock()
_bastion_guard = threading.Lock()


class SshFailure(Exception):
    """A host cannot be reached, in people's words."""

    def __init__(self, what: str, why: str = "", next: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.next = what, why, next


@dataclass(frozen=True)
class Reached:
    """An authenticated client."""

    client: paramiko.SSHClient


def open_client(host: Host, timeout: float, bastions: dict[str, paramiko.SSHClient]) -> Reached:
    """Connect and log in.

    Args:
        timeout: seconds, for each step.
        bastions: the jump hosts that are connected already; a new one is added.

    Raises:
        SshFailure: with the reason and what to do.
    """
    ssh = host.ssh
    via: Any = None
    if ssh.bastion:
        via = _through(ssh, host.address, ssh.port, timeout, bastions)
    return Reached(_connect(ssh, ssh.user, host.address, ssh.port, timeout, via))


def known_hosts_file(ssh: Ssh) -> Path:
    """The file of host keys that counts for a host."""
    return ssh.known_hosts or Path.home() / ".ssh" / "known_hosts"


class _AcceptNew(paramiko.MissingHostKeyPolicy):
    """Trust a host the first time it is seen, and remember it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        with _trust:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._path.open("a") as out:
                fcntl.flock(out, fcntl.LOCK_EX)
                out.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")
            client.get_host_keys().add(hostname, key.get_name(), key)


class _Refuse(paramiko.MissingHostKeyPolicy):
    """Refuse a host whose key is not known."""

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002
        hostname: str,
        key: paramiko.PKey,
    ) -> None:
        raise _UnknownHostKey(hostname, key)


class _UnknownHostKey(paramiko.SSHException):
    def __init__(self, hostname: str, key: paramiko.PKey) -> None:
        super().__init__(hostname)
        self.key = key


def _connect(
    ssh: Ssh, user: str, address: str, port: int, timeout: float, via: Any
) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    keys = known_hosts_file(ssh)
    if keys.is_file():
        client.load_host_keys(str(keys))
        # load_host_keys also says where paramiko would write: we append ourselves.
        client._host_keys_filename = None  # type: ignore[attr-defined]
    accept = ssh.host_keys == "accept-new"
    client.set_missing_host_key_policy(_AcceptNew(keys) if accept else _Refuse())
    explicit = ssh.key is not None or ssh.password is not None
    try:
        client.connect(
            address,
            port=port,
            username=user,
            key_filename=str(ssh.key) if ssh.key else None,
            passphrase=ssh.key_passphrase.get_secret_value() if ssh.key_passphrase else None,
            password=ssh.password.get_secret_value() if ssh.password else None,
            allow_agent=not explicit,
            look_for_keys=not explicit,
            timeout=timeout,
            banner_timeout=timeout,
            auth_timeout=timeout,
            sock=via,
        )
    except Exception as error:
        client.close()
        raise _explain(error, ssh, user, address, port, keys) from error
    _tune(client)
    return client


def _tune(client: paramiko.SSHClient) -> None:
    transport = client.get_transport()
    if transport is None:
        return
    transport.set_keepalive(_KEEPALIVE)
    sock = transport.sock
    if isinstance(sock, socket.socket):
        # paramiko leaves Nagle on: with delayed acknowledgements that is 40 ms a command.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)


def _through(
    ssh: Ssh, address: str, port: int, timeout: float, bastions: dict[str, paramiko.SSHClient]
) -> paramiko.Channel:
    """A channel to the host from its bastion, which all its hosts share."""
    name = ssh.bastion or ""
    user, _, rest = name.rpartition("@")
    where, _, given_port = rest.partition(":")
    with _bastion_guard:
        client = bastions.get(name)
        if client is None:
            try:
                client = _connect(
                    ssh, user or ssh.user, where, int(given_port or 22), timeout, None
                )
            except SshFailure as failure:
                raise SshFailure(
                    f"the bastion {name} cannot be reached: {failure.what}",
                    failure.why,
                    failure.next,
                ) from failure
            bastions[name] = client
    transport = client.get_transport()
    if transport is None:
        raise SshFailure(f"the connection to the bastion {name} was lost")
    try:
        return transport.open_channel(
            "direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=timeout
        )
    except (paramiko.SSHException, OSError) as error:
        raise SshFailure(
            f"the bastion {name} cannot reach {address}:{port}",
            why=str(error),
            next=f"try it there: ssh {name} nc -vz {address} {port}",
        ) from error


def _explain(
    error: Exception, ssh: Ssh, user: str, address: str, port: int, keys: Path
) -> SshFailure:
    at = f"{address}:{port}"
    named = f"[{address}]:{port}" if port != 22 else address
    by_hand = f"ssh {'-i ' + str(ssh.key) + ' ' if ssh.key else ''}-p {port} {user}@{address}"
    if isinstance(error, _UnknownHostKey):
        return SshFailure(
            f"the ssh host key of {at} is not known",
            why=f"{keys} has none for it; it shows {error.key.get_name()} {error.key.fingerprint}",
            next=f"check that fingerprint, then: ssh-keyscan -p {port} {address} >> {keys} "
            "(or set ssh.host_keys: accept-new)",
        )
    if isinstance(error, paramiko.BadHostKeyException):
        return SshFailure(
            f"the ssh host key of {at} HAS CHANGED: this may be another machine",
            why=f"{keys} has another key for it",
            next=f"if the host was made anew: ssh-keygen -f {keys} -R '{named}'",
        )
    if isinstance(error, paramiko.PasswordRequiredException):
        return SshFailure(
            f"the key {ssh.key} has a passphrase, and none is given",
            next="set ssh.key_passphrase, or load the key into an agent and leave ssh.key out",
        )
    if isinstance(error, paramiko.AuthenticationException):
        return SshFailure(
            f"{at} does not let {user} log in",
            why=str(error),
            next=f"try it by hand: {by_hand}",
        )
    if isinstance(error, socket.gaierror):
        return SshFailure(f"the name {address} cannot be resolved", why=str(error))
    if isinstance(error, ConnectionRefusedError | paramiko.ssh_exception.NoValidConnectionsError):
        return SshFailure(
            f"{at} refused the connection",
            why="the host is up, but nothing listens there",
            next="start sshd on it, or correct ssh.port",
        )
    if isinstance(error, TimeoutError | socket.timeout):
        return SshFailure(
            f"no answer from {at}",
            why="the host is off, or a firewall drops the packets",
            next=f"ping {address}; then: {by_hand}",
        )
    if isinstance(error, paramiko.SSHException) and "banner" in str(error).lower():
        return SshFailure(
            f"what answers on {at} is not an ssh server, or too busy to say so",
            why=str(error),
            next=by_hand,
        )
    if isinstance(error, EOFError):
        return SshFailure(f"{at} closed the connection", next=by_hand)
    return SshFailure(
        f"cannot connect to {at}", why=f"{error}" or type(error).__name__, next=by_hand
    )
