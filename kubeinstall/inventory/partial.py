"""Go on past the first errors: validate what is right, so that the rest can be checked too.

What is wrong is cut out of the values and the rest tried again. The checks are told which
places are in doubt and leave out what they would have to guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.positions import Issue, Loc, Parsed
from kubeinstall.inventory.translate import translate
from kubeinstall.releases import DEFAULT

_TRIES = 4


def doubts(issues: Iterable[Issue]) -> tuple[Loc, ...]:
    """The places that cannot be judged further because of errors."""
    errors = [issue for issue in issues if issue.severity == "error"]
    return tuple(loc for issue in errors for loc in (issue.loc, *issue.doubts))


def validate(
    value: dict[str, Any], parsed: Parsed, issues: list[Issue]
) -> tuple[InventoryFile | None, list[Issue]]:
    """The model of what is right in a file, and all issues known then.

    Args:
        value: plain values; what is wrong is removed from them.
        parsed: for the positions and the words of the values.
        issues: what is known to be wrong already.

    Returns:
        None for the model where nothing sensible is left.
    """
    for _ in range(_TRIES):
        known = doubts(issues)
        for loc in known:
            _cut(value, loc)
        if issues:
            _complete(value)
        try:
            return InventoryFile.model_validate(value), issues
        except ValidationError as error:
            found = translate(error.errors(include_url=False), parsed)
        for loc in doubts(found):
            _cut(value, loc)
        issues = [*issues, *(issue for issue in found if issue.loc not in known)]
    return None, issues


def _cut(value: Any, loc: Loc) -> None:
    """Remove a place if it is there; one inside a list takes the whole list with it."""
    keys = list(loc)
    for index, part in enumerate(loc):
        if isinstance(part, int):
            keys = keys[:index]
            break
    holder = value
    for key in keys[:-1]:
        if not isinstance(holder, dict) or key not in holder:
            return
        holder = holder[key]
    if isinstance(holder, dict) and keys:
        holder.pop(keys[-1], None)


def _complete(value: dict[str, Any]) -> None:
    """Put something in the place of what every inventory has and this one lacks."""
    cluster = value.setdefault("cluster", {})
    if isinstance(cluster, dict):
        cluster.setdefault("kubernetes", str(DEFAULT))
    groups = value.setdefault("groups", {})
    if isinstance(groups, dict):
        groups.setdefault("control_plane", {})
