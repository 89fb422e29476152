"""Open ssh connections.

Only what the inventory says counts: ~/.ssh/config is not read, so that a run is the same on every
machine it is started from.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from pathlib import Path
from typing import Any

import paramiko

from kubeinstall.engine.hostkeys import HostKeys, known_hosts_file
from kubeinstall.engine.reasons import SshFailure, Target, explain
from kubeinstall.inventory.model import Host, Ssh

_KEEPALIVE = 10
_USER_TIMEOUT_MS = 30_000
# A server under load may be slow to greet and to check a key; it has taken the connection by then.
_LOGIN_TIMEOUT = 60.0

# paramiko 4 still offers SHA-1 (CVE-2026-44405); no server that gets updates needs it.
_SHA1 = {
    "keys": ["ssh-rsa", "ssh-rsa-cert-v01@openssh.com"],
    "pubkeys": ["ssh-rsa", "ssh-rsa-cert-v01@openssh.com"],
    "kex": [
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group1-sha1",
    ],
    "macs": ["hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96"],
}

# What it would log is told by our findings, without its tracebacks.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


class Dialer:
    """Opens connections; those that a run shares (bastions, keys) it opens once.

    Args:
        timeout: seconds to wait for a TCP connection.
    """

    def __init__(self, timeout: float = 15.0) -> None:
        self._timeout = timeout
        self._host_keys = HostKeys()
        self._keys: dict[tuple[Path, str | None], paramiko.PKey] = {}
        self._key_guard = threading.Lock()
        self._bastions: dict[tuple[str, str, Path | None], _Bastion] = {}
        self._bastion_guard = threading.Lock()
        self._opening: set[socket.socket] = set()

    def open(self, host: Host) -> paramiko.SSHClient:
        """Connect and log in.

        Raises:
            SshFailure: with the reason and what to do.
        """
        ssh = host.ssh
        target = Target(ssh, ssh.user, host.address, ssh.port, known_hosts_file(ssh))
        via = self._bastion(ssh).channel(target, self._timeout) if ssh.bastion else None
        return self._login(target, via)

    def abort(self) -> None:
        """Give up every connect that is under way."""
        for sock in list(self._opening):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the bastions' connections."""
        for bastion in self._bastions.values():
            bastion.close()

    def _bastion(self, ssh: Ssh) -> _Bastion:
        key = (ssh.bastion or "", ssh.user, ssh.key)
        with self._bastion_guard:
            if key not in self._bastions:
                self._bastions[key] = _Bastion(self._login, ssh)
            return self._bastions[key]

    def _login(self, target: Target, via: paramiko.Channel | None = None) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        ssh = target.ssh
        own = ssh.key is None and ssh.password is None
        sock: Any = via
        try:
            kinds = self._host_keys.prepare(client, ssh, target.host_key_name)
            sock = sock or self._dial(target)
            client.connect(
                target.address,
                port=target.port,
                username=target.user,
                pkey=self._key(ssh) if ssh.key else None,
                password=ssh.password.get_secret_value() if ssh.password else None,
                allow_agent=own,
                look_for_keys=own,
                timeout=_LOGIN_TIMEOUT,
                banner_timeout=_LOGIN_TIMEOUT,
                auth_timeout=_LOGIN_TIMEOUT,
                sock=sock,
                disabled_algorithms=_SHA1,
                transport_factory=_preferring(kinds),
            )
        except Exception as error:
            client.close()
            raise explain(error, target) from error
        finally:
            self._opening.discard(sock)
        transport = client.get_transport()
        if transport is not None:
            transport.set_keepalive(_KEEPALIVE)
        return client

    def _dial(self, target: Target) -> socket.socket:
        sock = socket.create_connection((target.address, target.port), self._timeout)
        self._opening.add(sock)
        # paramiko leaves Nagle on: with delayed acknowledgements that is 40 ms a command.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
        return sock

    def _key(self, ssh: Ssh) -> paramiko.PKey:
        passphrase = ssh.key_passphrase.get_secret_value() if ssh.key_passphrase else None
        path = ssh.key or Path()
        with self._key_guard:
            known = self._keys.get((path, passphrase))
            if known is None:
                known = self._keys[path, passphrase] = load_key(path, passphrase)
            return known


class _Bastion:
    """One jump host's connection, opened by the first host that needs it."""

    def __init__(self, login: Any, ssh: Ssh) -> None:
        self._login = login
        self._target = bastion_target(ssh)
        self._name = ssh.bastion or ""
        self._guard = threading.Lock()
        self._client: paramiko.SSHClient | None = None
        self._failure: SshFailure | None = None

    def channel(self, to: Target, timeout: float) -> paramiko.Channel:
        """A channel to the host behind it.

        Raises:
            SshFailure: names the bastion.
        """
        try:
            transport = self._connected().get_transport()
            if transport is None:
                raise paramiko.SSHException("the connection to it was lost")
            return transport.open_channel(
                "direct-tcpip", (to.address, to.port), ("127.0.0.1", 0), timeout=timeout
            )
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise SshFailure(
                f"the bastion {self._name} cannot reach {to.at}",
                why=str(error) or type(error).__name__,
                next=f"try it there: {self._target.by_hand} nc -vz {to.address} {to.port}",
            ) from error

    def close(self) -> None:
        if self._client:
            self._client.close()

    def _connected(self) -> paramiko.SSHClient:
        with self._guard:
            if self._failure:
                raise self._failure
            if self._client is None:
                try:
                    self._client = self._login(self._target)
                except SshFailure as failure:
                    # Kept: the next hosts need not wait for the same answer.
                    self._failure = SshFailure(
                        f"the bastion {self._name} cannot be reached: {failure.what}",
                        failure.why,
                        failure.next,
                    )
                    raise self._failure from failure
            return self._client


def _preferring(kinds: list[str]) -> Any:
    """Makes transports that ask for the kinds of host key which are known, so they can be checked.

    paramiko does so too, but not for RSA keys, whose kind is not their signature's name.
    """
    names = {"ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"]}
    first = [name for kind in kinds for name in names.get(kind, [kind])]

    def make(*args: Any, **kwargs: Any) -> paramiko.Transport:
        transport = paramiko.Transport(*args, **kwargs)
        options = transport.get_security_options()
        offered = list(options.key_types)
        known = [name for name in first if name in offered]
        options.key_types = [*known, *(name for name in offered if name not in known)]
        return transport

    return make


def bastion_target(ssh: Ssh) -> Target:
    """Who ``[user@]host[:port]`` is."""
    user, _, rest = (ssh.bastion or "").rpartition("@")
    address, _, port = rest.partition(":")
    return Target(ssh, user or ssh.user, address, int(port or 22), known_hosts_file(ssh))


def load_key(path: Path, passphrase: str | None) -> paramiko.PKey:
    """Read a private key of any kind.

    Raises:
        SshFailure: with the reason and what to do.
    """
    try:
        return paramiko.PKey.from_path(
            path.expanduser(), passphrase.encode() if passphrase else None
        )
    except (paramiko.PasswordRequiredException, TypeError) as error:
        raise SshFailure(
            f"the key {path} has a passphrase, and none is given",
            next="set ssh.key_passphrase, or load the key into an agent and leave ssh.key out",
        ) from error
    except OSError as error:
        raise SshFailure(f"the key {path} cannot be read", why=str(error.strerror)) from error
    except Exception as error:
        why = "it is no private key that ssh knows"
        if passphrase:
            why = f"the passphrase is wrong, or {why}"
        raise SshFailure(f"the key {path} cannot be used", why=why) from error
