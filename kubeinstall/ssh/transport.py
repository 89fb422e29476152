"""ssh without SHA-1: what is offered, what a server may sign with, and what we sign with.

paramiko 4 still has SHA-1 (CVE-2026-44405). ``disabled_algorithms`` takes it out of what is
offered, but paramiko then verifies a signature by the name that the signature itself carries: a
server that agreed on rsa-sha2-512 may still sign with ssh-rsa. A signature has to be of the
algorithm that was agreed on (RFC 8332, section 3), as OpenSSH requires it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kubeinstall.ssh.lean import Message, paramiko
from kubeinstall.ssh.packets import Packets

_CERTIFICATE = "-cert-v01@openssh.com"
_SHA1_KEYS = ("ssh-rsa", f"ssh-rsa{_CERTIFICATE}")
_RSA_SHA2 = ("rsa-sha2-512", "rsa-sha2-256")
DISABLED = {
    "keys": [*_SHA1_KEYS],
    "pubkeys": [*_SHA1_KEYS],
    "kex": [
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group1-sha1",
    ],
    "macs": ["hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96"],
}
"""What is not offered; no server that gets updates needs it."""


class WeakSignature(paramiko.SSHException):
    """A signature is of another algorithm than was agreed on, or would be made with SHA-1.

    Args:
        used: the algorithm of the signature.
        agreed: the one that was agreed on; empty if the signature would be ours.
    """

    def __init__(self, used: str, agreed: str = "") -> None:
        super().__init__(f"{used} instead of {agreed}" if agreed else used)
        self.used, self.agreed = used, agreed


class Transport(paramiko.Transport):
    """A transport that neither takes nor makes SHA-1 signatures, in the first exchange and later.

    Host certificates are not asked for: nothing here checks who signed them.
    """

    # Seconds between two looks at whether anything but a packet is due. paramiko looks ten times a
    # second, in a thread for each connection: of 200 hosts at rest, that is much of a run's time.
    _active_check_timeout = 1.0

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The kinds of host key that are asked for."""
        asked: Iterable[str] = super().preferred_keys
        return tuple(name for name in asked if not name.endswith(_CERTIFICATE))

    def auth_publickey(self, username: str, key: paramiko.PKey, event: Any = None) -> list[str]:
        """Log in with a key; see paramiko.

        Raises:
            WeakSignature: the server requires a SHA-1 signature, which old ones do of certificates.
        """
        sha2: Any = _Sha2Key(key)
        return super().auth_publickey(username, sha2, event)

    def _verify_key(self, host_key: bytes, sig: bytes) -> None:
        used = Message(sig).get_text()
        if used != self.host_key_type:
            raise WeakSignature(used, str(self.host_key_type))
        super()._verify_key(host_key, sig)  # type: ignore[misc]


class _Sha2Key:
    """A private key that refuses to sign with SHA-1."""

    def __init__(self, key: paramiko.PKey) -> None:
        self._key = key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> Message:
        if (algorithm or self._key.get_name()) in _SHA1_KEYS:
            raise WeakSignature(algorithm or self._key.get_name())
        return self._key.sign_ssh_data(data, algorithm)


def preferring(kinds: Iterable[str]) -> Callable[..., Transport]:
    """Makes transports that ask for the kinds of host key which are known, so they can be checked.

    paramiko does so too, but not for RSA keys, whose kind is not their signature's name.
    """
    first = [name for kind in kinds for name in (_RSA_SHA2 if kind == "ssh-rsa" else (kind,))]

    def make(*args: Any, **kwargs: Any) -> Transport:
        kwargs["disabled_algorithms"] = DISABLED
        kwargs["packetizer_class"] = Packets
        transport = Transport(*args, **kwargs)
        options = transport.get_security_options()
        offered = list(options.key_types)
        known = [name for name in first if name in offered]
        options.key_types = [*known, *(name for name in offered if name not in known)]
        return transport

    return make
