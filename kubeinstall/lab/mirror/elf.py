"""Just enough of ELF to tell a static program from one that needs a C library."""

from __future__ import annotations

import struct
from pathlib import Path

_MAGIC = b"\x7fELF"
_INTERPRETER = 3
_CLASS_64 = 2
_LITTLE = 1


def is_program(path: Path) -> bool:
    """Whether the file is an ELF file at all."""
    with path.open("rb") as file:
        return file.read(4) == _MAGIC


def is_static(path: Path) -> bool:
    """Whether a 64-bit program asks for no loader, and so runs in an empty image.

    Raises:
        ValueError: not a 64-bit ELF file.
    """
    with path.open("rb") as file:
        head = file.read(64)
        if head[:4] != _MAGIC or len(head) < 64 or head[4] != _CLASS_64:
            raise ValueError(f"{path} is not a 64-bit program")
        order = "<" if head[5] == _LITTLE else ">"
        (offset,) = struct.unpack_from(f"{order}Q", head, 32)
        size, count = struct.unpack_from(f"{order}HH", head, 54)
        file.seek(offset)
        headers = file.read(size * count)
    kinds = (struct.unpack_from(f"{order}I", headers, at * size)[0] for at in range(count))
    return _INTERPRETER not in kinds
