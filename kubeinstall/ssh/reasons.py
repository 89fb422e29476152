"""From an ssh library's error to a reason in people's words, and what to do next."""

from __future__ import annotations

import shlex
import socket

from kubeinstall.ssh.lean import paramiko
from kubeinstall.ssh.target import Target
from kubeinstall.ssh.transport import WeakSignature


class SshFailure(Exception):
    """A host cannot be reached, in people's words."""

    def __init__(self, what: str, why: str = "", next: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.next = what, why, next


class UnknownHostKey(paramiko.SSHException):
    """The host's key is in no known_hosts file.

    Args:
        authority: the line with a certificate authority for the host, if there is one.
    """

    def __init__(self, key: paramiko.PKey, authority: int | None = None) -> None:
        super().__init__("unknown host key")
        self.key, self.authority = key, authority


class ChangedHostKey(paramiko.SSHException):
    """Another key is known of the host.

    Args:
        line: where it is.
    """

    def __init__(self, key: paramiko.PKey, line: int) -> None:
        super().__init__("changed host key")
        self.key, self.line = key, line


class RevokedHostKey(paramiko.SSHException):
    """The host's key is one that is marked as revoked.

    Args:
        line: where.
    """

    def __init__(self, key: paramiko.PKey, line: int) -> None:
        super().__init__("revoked host key")
        self.key, self.line = key, line


def failure(error: Exception, target: Target) -> SshFailure:
    """What a failed connect means."""
    if isinstance(error, SshFailure):
        return error
    if isinstance(error, UnknownHostKey):
        return _unknown(error, target)
    if isinstance(error, ChangedHostKey):
        return _changed(error, target)
    if isinstance(error, RevokedHostKey):
        return _revoked(error, target)
    if isinstance(error, WeakSignature):
        return _weak(error, target)
    if isinstance(error, paramiko.AuthenticationException):
        return _login(error, target)
    if isinstance(error, paramiko.SSHException):
        return _protocol(error, target)
    return _network(error, target)


def _shown(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.fingerprint}"


def _unknown(error: UnknownHostKey, target: Target) -> SshFailure:
    keys = target.known_hosts
    why = f"{keys} has no key for it; it presents {_shown(error.key)}"
    if error.authority:
        why = (
            f"{keys}:{error.authority} names a certificate authority for it, and kubeinstall "
            f"does not support host certificates; its own key is {_shown(error.key)}"
        )
    scan = shlex.join(["ssh-keyscan", "-p", str(target.port), target.address])
    if target.via:
        scan = target.via.running(scan)
    return SshFailure(
        f"the ssh host key of {target.at} is not known",
        why=why,
        next=f"check that fingerprint, then: {scan} >> {shlex.quote(str(keys))} "
        "(or set ssh.host_keys: accept-new)",
    )


def _changed(error: ChangedHostKey, target: Target) -> SshFailure:
    keys = target.known_hosts
    remove = shlex.join(["ssh-keygen", "-f", str(keys), "-R", target.host_key_name])
    return SshFailure(
        f"the ssh host key of {target.at} HAS CHANGED: this may be another machine",
        why=f"{keys}:{error.line} has a key other than the {_shown(error.key)} that it presents",
        next=f"if the host was reinstalled, remove that line: {remove}",
    )


def _revoked(error: RevokedHostKey, target: Target) -> SshFailure:
    return SshFailure(
        f"the ssh host key of {target.at} is REVOKED: another machine could be using it",
        why=f"{target.known_hosts}:{error.line} revokes the {_shown(error.key)} that it presents",
        next="create a new key on the host, and delete the old one there",
    )


def _weak(error: WeakSignature, target: Target) -> SshFailure:
    if error.agreed:
        return SshFailure(
            f"{target.at} signs with {error.used}, although {error.agreed} was negotiated",
            why="a man-in-the-middle would do this to use a weak signature such as SHA-1",
            next="update the host's ssh server; if it is up to date, check which machine "
            "answers there",
        )
    return SshFailure(
        f"{target.at} requires a SHA-1 signature ({error.used}) of the key's certificate",
        why="its ssh server is older than OpenSSH 7.8; SHA-1 signatures can be forged",
        next="update it, or use a key that is not RSA, or one without a certificate",
    )


def _login(error: Exception, target: Target) -> SshFailure:
    tried = [f"the key {target.key}"] if target.key else []
    tried += ["the password"] if target.password else []
    allowed = ", ".join(getattr(error, "allowed_types", None) or [])
    why = f"the server rejected {' nor '.join(tried) or 'any key of the agent or of ~/.ssh'}"
    return SshFailure(
        f"{target.at} rejected the login of {target.user}",
        why=why + (f"; it accepts: {allowed}" if allowed else ""),
        next=f"try it by hand: {target.by_hand}"
        + ("" if tried else f"; or set {target.key_setting}"),
    )


def _protocol(error: paramiko.SSHException, target: Target) -> SshFailure:
    text = str(error)
    if "authentication methods" in text:
        return SshFailure(
            f"there is no key to log in to {target.at} with",
            why="no ssh agent is running, and ~/.ssh has no key",
            next=f"set {target.key_setting}, or load a key into an agent",
        )
    if "banner" in text.lower() or "existing session" in text.lower():
        return SshFailure(
            f"{target.at} is not an ssh server, or is overloaded",
            why=text,
            next=f"check what listens there: {target.by_hand}",
        )
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return SshFailure(
            f"{target.at} and kubeinstall have no cipher or key type in common",
            why=text,
            next="update the host's ssh server",
        )
    return SshFailure(f"the ssh handshake with {target.at} failed", why=text, next=target.by_hand)


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
            why="sshd there rejects connections (MaxStartups, a ban after failed logins), or is "
            "failing",
            next=target.by_hand,
        )
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return SshFailure(f"cannot connect to {target.at}", why=why, next=target.by_hand)
