"""What every renderer of files makes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RenderedFile:
    """A file for a host.

    Args:
        path: absolute path on the host.
        content: its text; secrets are placeholders.
        mode: octal digits.
    """

    path: str
    content: str
    mode: str = "644"
