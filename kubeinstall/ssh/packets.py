"""What is read off the socket before anything is known of it: bounded in bytes.

paramiko reads a packet of any size that a server announces, up to 4 GiB, and lines before the
server's version for as long as they have no end. Both come before the host key is checked.
"""

from __future__ import annotations

from kubeinstall.ssh.lean import Packetizer, paramiko

_PACKET = 256 << 10
"""What OpenSSH takes at most; paramiko asks for packets of 32 KiB."""
_GREETING = 64 << 10


class Packets(Packetizer):
    """paramiko's reader of packets, with bounds.

    Raises:
        paramiko.SSHException: instead of reading more.
    """

    _greeting = 0

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Read a part of a packet of ``n`` bytes; see paramiko."""
        if n > _PACKET:
            raise paramiko.SSHException(f"a packet of {n} bytes, which is not an ssh packet")
        return super().read_all(n, check_rekey)

    def _read_timeout(self, timeout: float) -> bytes:
        piece: bytes = super()._read_timeout(timeout)  # type: ignore[misc]
        self._greeting += len(piece)
        if self._greeting > _GREETING:
            raise paramiko.SSHException("no ssh version in the first 64 KiB of its banner")
        return piece
