"""Host keys: nobody is spoken to who is not known, unless the inventory says so."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from kubeinstall.findings import Finding, Kind, Place
from kubeinstall.ssh.known_hosts import Entry, KnownHosts, Marker
from kubeinstall.ssh.lean import paramiko
from kubeinstall.ssh.reasons import ChangedHostKey, RevokedHostKey, SshFailure, UnknownHostKey
from kubeinstall.ssh.target import Target

_writing = threading.Lock()


class HostKeys:
    """known_hosts files, each read once.

    Args:
        warn: told of the lines that were skipped, once for each file.
    """

    def __init__(self, warn: Callable[[Finding], None]) -> None:
        self._warn = warn
        self._files: dict[Path, KnownHosts] = {}
        self._guard = threading.Lock()

    def prepare(self, client: paramiko.SSHClient, target: Target) -> list[str]:
        """Have a client check the key that it will be shown.

        Returns:
            the kinds of key that are known of the host.

        Raises:
            SshFailure: the file cannot be read.
        """
        known = self._read(target.known_hosts)
        found = known.of(target.host_key_name)
        # As ssh does: what is known of the address on port 22 is good for its other ports too.
        other = known.of(target.address) if target.port != 22 else ()
        client.set_missing_host_key_policy(_Check(target, found, other))
        return [entry.kind for entry in (*found, *other) if entry.marker is Marker.NONE]

    def _read(self, path: Path) -> KnownHosts:
        with self._guard:
            if path not in self._files:
                try:
                    known = self._files[path] = KnownHosts.read(path)
                except OSError as error:
                    why = error.strerror or str(error)
                    raise SshFailure(f"{path} cannot be read", why=why) from error
                if known.skipped:
                    self._warn(_skipped(path, known))
            return self._files[path]


class _Check(paramiko.MissingHostKeyPolicy):
    """Decides on the key that a server shows.

    paramiko's own check knows no patterns, no revoked keys, and one key of a kind. Its client is
    given no keys, so that each connection comes here.
    """

    def __init__(self, target: Target, found: Sequence[Entry], other: Sequence[Entry]) -> None:
        self._target = target
        self._found = found
        self._other = other

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002
        hostname: str,  # noqa: ARG002
        key: paramiko.PKey,
    ) -> None:
        """Return if the key is the host's.

        Raises:
            RevokedHostKey, ChangedHostKey, UnknownHostKey: it is not, or nobody knows.
            SshFailure: a new key cannot be kept.
        """
        every = (*self._found, *self._other)
        shown = [entry for entry in every if entry.blob == key.asbytes()]
        for entry in shown:
            if entry.marker is Marker.REVOKED:
                raise RevokedHostKey(key, entry.line)
        own = [entry for entry in self._found if entry.marker is Marker.NONE]
        good = own or [entry for entry in self._other if entry.marker is Marker.NONE]
        if any(entry in good for entry in shown):
            return
        if own:
            raise ChangedHostKey(key, own[0].line)
        if not self._target.accept_new:
            authorities = [e.line for e in every if e.marker is Marker.AUTHORITY]
            raise UnknownHostKey(key, authorities[0] if authorities else None)
        self._keep(key)

    def _keep(self, key: paramiko.PKey) -> None:
        path, name = self._target.known_hosts, self._target.host_key_name
        line = f"{name} {key.get_name()} {key.get_base64()}\n"
        try:
            with _writing:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with path.open("a+b") as file:
                    fcntl.flock(file, fcntl.LOCK_EX)
                    # A last line without an end would become one with ours, and both be lost.
                    size = file.seek(0, 2)
                    file.seek(max(size - 1, 0))
                    ends = file.read(1) in {b"", b"\n"}
                    file.write((line if ends else f"\n{line}").encode())
        except OSError as error:
            raise SshFailure(
                f"the new ssh host key of {name} cannot be saved", why=str(error)
            ) from error


def _skipped(path: Path, known: KnownHosts) -> Finding:
    first, *more = known.skipped
    what = f"line {first.line}"
    if more:
        what = f"{len(known.skipped)} lines"
    return Finding(
        Kind.CONNECT,
        f"{what} of the known hosts file cannot be read and {'are' if more else 'is'} skipped",
        why="; ".join(f"line {one.line}: {one.why}" for one in known.skipped[:5])
        + (f"; and {len(known.skipped) - 5} more" if len(known.skipped) > 5 else ""),
        next=f"to show it: sed -n {first.line}p {path}; correct or remove it",
        severity="warning",
        place=Place(str(path), first.line),
    )
