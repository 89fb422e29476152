"""containerd: which one there is, or would be."""

from __future__ import annotations

import re
import shlex

from pyinfra.api.facts import FactBase


class Major(FactBase[int | None]):
    """The major version of containerd; None where neither it nor its package is known.

    Args:
        package: looked at for what would be installed, where nothing is yet.
    """

    def command(self, package: str) -> str:
        candidate = f"apt-cache show --no-all-versions {shlex.quote(package)} 2>/dev/null"
        return (
            "containerd --version 2>/dev/null || "
            f"{candidate} | sed -n 's/^Version: /containerd /p' || true"
        )

    def process(self, output: list[str]) -> int | None:
        # `containerd github.com/containerd/containerd 1.6.20~ds1 ...`, `containerd ... v2.1.9 ...`
        match = re.search(r"\sv?(?:\d+:)?(\d+)\.\d+\.\d+", "".join(output[:1]))
        return int(match[1]) if match else None
