"""A file that is sent piece by piece."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from kubeinstall.ssh.channel import Upload, Wire

pytestmark = pytest.mark.unit


class Channel:
    """Takes what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def sendall(self, data: bytes) -> None:
        self.sent.append(data)

    def settimeout(self, seconds: float | None) -> None: ...

    def close(self) -> None:
        self.closed = True


def sent(data: bytes, upload: Upload | None) -> Channel:
    channel = Channel()
    wire = Wire.__new__(Wire)
    wire.channel = cast(Any, channel)
    wire._send(data, upload)
    return channel


def test_no_piece_is_large_and_all_arrive_in_order(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 4000)
    channel = sent(b"head", Upload.of(str(file)))
    assert b"".join(channel.sent) == b"head" + file.read_bytes()
    assert max(map(len, channel.sent)) <= 1 << 18
    assert not channel.closed


def test_what_a_file_grows_by_meanwhile_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"all")
    upload = Upload.of(str(file))
    file.write_bytes(b"all and rm -rf /")
    assert sent(b"", upload).sent == [b"all"]


def test_a_file_that_shrinks_meanwhile_ends_the_program(tmp_path: Path) -> None:
    """It would wait for the rest for ever."""
    file = tmp_path / "file"
    file.write_bytes(b"whole")
    upload = Upload.of(str(file))
    file.write_bytes(b"who")
    assert sent(b"", upload).closed
