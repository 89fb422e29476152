"""Open ssh connections.

Only what the inventory says counts: ~/.ssh/config is not read, so that a run is the same on every
machine it is started from.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from kubeinstall.findings import Finding
from kubeinstall.inventory.model import Host
from kubeinstall.ssh.hostkeys import HostKeys
from kubeinstall.ssh.lean import paramiko
from kubeinstall.ssh.reasons import SshFailure, failure
from kubeinstall.ssh.target import Target
from kubeinstall.ssh.transport import preferring

_KEEPALIVE = 10
_USER_TIMEOUT_MS = 30_000
# A server under load may be slow to greet and to check a key; it has taken the connection by then.
_LOGIN_TIMEOUT = 60.0

# What it would log is told by our findings, without its tracebacks.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


class Dialer:
    """Opens connections; those that a run shares (bastions, keys) it opens once.

    Args:
        warn: told what should be known, e.g. of lines of known_hosts that were skipped.
        timeout: seconds to wait for a TCP connection.
    """

    def __init__(
        self, warn: Callable[[Finding], None] = lambda _: None, timeout: float = 15.0
    ) -> None:
        self._timeout = timeout
        self._host_keys = HostKeys(warn)
        self._keys: dict[tuple[Path, str | None], paramiko.PKey] = {}
        self._key_guard = threading.Lock()
        self._bastions: dict[Target, _Bastion] = {}
        self._bastion_guard = threading.Lock()
        self._opening: set[socket.socket] = set()

    def open(self, host: Host) -> paramiko.SSHClient:
        """Connect and log in.

        Raises:
            SshFailure: with the reason and what to do.
        """
        target = Target.of(host)
        bastion = self._bastion(target.via) if target.via else None
        return self._login(target, bastion.channel(target, self._timeout) if bastion else None)

    def abort(self) -> None:
        """Give up every connect that is under way."""
        for sock in list(self._opening):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the bastions' connections."""
        for bastion in self._bastions.values():
            bastion.close()

    def _bastion(self, target: Target) -> _Bastion:
        with self._bastion_guard:
            if target not in self._bastions:
                self._bastions[target] = _Bastion(self._login, target)
            return self._bastions[target]

    def _login(self, target: Target, via: paramiko.Channel | None = None) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        own = target.key is None and target.password is None
        sock: Any = via
        try:
            kinds = self._host_keys.prepare(client, target)
            sock = sock or self._dial(target)
            client.connect(
                target.address,
                port=target.port,
                username=target.user,
                pkey=self._key(target.key, target.key_passphrase) if target.key else None,
                password=target.password.get_secret_value() if target.password else None,
                allow_agent=own,
                look_for_keys=own,
                timeout=_LOGIN_TIMEOUT,
                banner_timeout=_LOGIN_TIMEOUT,
                auth_timeout=_LOGIN_TIMEOUT,
                sock=sock,
                transport_factory=preferring(kinds),
            )
        except Exception as error:
            client.close()
            raise failure(error, target) from error
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

    def _key(self, path: Path, secret: SecretStr | None) -> paramiko.PKey:
        passphrase = secret.get_secret_value() if secret else None
        with self._key_guard:
            known = self._keys.get((path, passphrase))
            if known is None:
                known = self._keys[path, passphrase] = load_key(path, passphrase)
            return known


class _Bastion:
    """One jump host's connection, opened by the first host that needs it."""

    def __init__(self, login: Callable[[Target], paramiko.SSHClient], target: Target) -> None:
        self._login = login
        self._target = target
        self._name = f"{target.user}@{target.at}"
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
                next=f"try it there: {self._target.running(f'nc -vz {to.address} {to.port}')}",
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
                except SshFailure as lost:
                    # Kept: the next hosts need not wait for the same answer.
                    self._failure = SshFailure(
                        f"the bastion {self._name} cannot be reached: {lost.what}",
                        lost.why,
                        lost.next,
                    )
                    raise self._failure from lost
            return self._client


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
            f"the key {path} has a passphrase, and none is set",
            next="set its passphrase next to it in the inventory, or load the key into an agent "
            "and omit it from the inventory",
        ) from error
    except OSError as error:
        raise SshFailure(f"the key {path} cannot be read", why=str(error.strerror)) from error
    except Exception as error:
        why = "it is not a private key in a supported format"
        if Path(f"{path.expanduser()}-cert.pub").exists():
            why += f", or {path}-cert.pub next to it is not a certificate for it"
        if passphrase:
            why = f"the passphrase is wrong, or {why}"
        raise SshFailure(f"the key {path} cannot be used", why=why) from error
