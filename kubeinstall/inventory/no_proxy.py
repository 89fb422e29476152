"""What is reached without a proxy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network


def covered(name: str, entries: Iterable[str]) -> bool:
    """Whether an address or a name is reached without the proxy by these entries of NO_PROXY."""
    is_address = re.fullmatch(r"[0-9.]+", name) is not None
    for entry in entries:
        if "/" in entry:
            if is_address and IPv4Network(name).subnet_of(IPv4Network(entry, strict=False)):
                return True
            continue
        plain = entry.partition(":")[0].removeprefix("*")
        if name == plain.removeprefix("."):
            return True
        if not is_address and name.endswith(f".{plain.removeprefix('.')}"):
            return True
    return False
