"""Extra arguments of Kubernetes' programs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kubeinstall.inventory.positions import Issue, Loc, dotted

OWNED_ELSEWHERE = "remove it; kubeadm sets it"
_FLAG = re.compile(r"[a-z0-9][a-z0-9-]*")


def flags(loc: Loc, arguments: Mapping[str, object], owned: Mapping[str, str]) -> Iterator[Issue]:
    """What is wrong with one program's extra arguments.

    Args:
        loc: where they stand.
        owned: flags that are not theirs to set, and what to do instead.
    """
    for flag, value in arguments.items():
        place = (*loc, flag)
        if not _FLAG.fullmatch(flag):
            yield _misnamed(place, flag)
        elif flag in owned:
            what = f"{dotted(place)}: the inventory has its own setting for --{flag}"
            if owned[flag] == OWNED_ELSEWHERE:
                what = f"{dotted(place)}: --{flag} cannot be set in the inventory"
            yield Issue(place, what, next=owned[flag], at_key=True)
        if isinstance(value, str) and "\n" in value:
            yield Issue(
                place, f"{dotted(place)}: the value has a line break", next="write it on one line"
            )


def _misnamed(loc: Loc, flag: str) -> Issue:
    bare = flag.lstrip("-").partition("=")[0].replace("_", "-").lower()
    return Issue(
        loc,
        f'{dotted(loc)}: "{flag}" is not the name of a flag',
        why="flags are named without leading dashes, in lower case",
        next=f"did you mean {bare}?" if _FLAG.fullmatch(bare) else "",
        at_key=True,
    )
