"""Host keys: nobody is spoken to who is not known, unless the inventory says so."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import paramiko

from kubeinstall.engine.reasons import SshFailure, UnknownHostKey
from kubeinstall.inventory.model import Ssh

_writing = threading.Lock()


def known_hosts_file(ssh: Ssh) -> Path:
    """The file of host keys that counts for a host."""
    return ssh.known_hosts or Path.home() / ".ssh" / "known_hosts"


class HostKeys:
    """known_hosts files, each read once."""

    def __init__(self) -> None:
        self._files: dict[Path, paramiko.HostKeys] = {}
        self._guard = threading.Lock()

    def prepare(self, client: paramiko.SSHClient, ssh: Ssh, name: str) -> list[str]:
        """Let a client know what is known of a host, and what to do if that is nothing.

        Args:
            name: as known_hosts has it, ``address`` or ``[address]:port``.

        Returns:
            the kinds of key that are known.

        Raises:
            SshFailure: the file cannot be read.
        """
        path = known_hosts_file(ssh)
        with self._guard:
            if path not in self._files:
                self._files[path] = _read(path)
            known = dict(self._files[path].lookup(name) or {})
        for kind, key in known.items():
            client.get_host_keys().add(name, kind, key)
        accept = ssh.host_keys == "accept-new"
        client.set_missing_host_key_policy(_AcceptNew(path) if accept else _Refuse())
        return list(known)


class _AcceptNew(paramiko.MissingHostKeyPolicy):
    """Trust a host the first time it is seen, and remember it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002
        hostname: str,
        key: paramiko.PKey,
    ) -> None:
        try:
            with _writing:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with self._path.open("a") as out:
                    fcntl.flock(out, fcntl.LOCK_EX)
                    out.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")
        except OSError as error:
            raise SshFailure(
                f"the new ssh host key of {hostname} cannot be kept", why=str(error)
            ) from error


class _Refuse(paramiko.MissingHostKeyPolicy):
    """Refuse a host whose key is not known."""

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002
        hostname: str,
        key: paramiko.PKey,
    ) -> None:
        raise UnknownHostKey(hostname, key)


def _read(path: Path) -> paramiko.HostKeys:
    try:
        return paramiko.HostKeys(str(path)) if path.exists() else paramiko.HostKeys()
    except (OSError, UnicodeDecodeError, paramiko.SSHException) as error:
        raise SshFailure(f"{path} cannot be read", why=str(error)) from error
