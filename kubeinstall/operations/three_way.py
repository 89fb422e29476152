"""Settings of ours laid into a user's document, and taken out of it again.

As ``kubectl apply`` does it: what was set the last time tells which keys are ours. So what the
user adds, then or later, stays; a key that we no longer want goes, or goes back to what it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

_NONE: Final = object()
"""In the place of a value where there is no such key; null is a value."""


def laid_into(
    found: Mapping[str, Any],
    ours: Mapping[str, Any],
    last: Mapping[str, Any],
    first: Mapping[str, Any],
    shared: Collection[str] = (),
) -> dict[str, Any]:
    """The document as it should be: maps are merged key by key, all other values are whole.

    Args:
        found: as it is now.
        ours: what we want in it; where both have a key, ours wins.
        last: what we wanted the last time.
        first: as it was before we came.
        shared: keys of lists that hold the user's items after ours.
    """
    result = {}
    for key in dict.fromkeys([*found, *ours]):
        here, want, had, was = (part.get(key, _NONE) for part in (found, ours, last, first))
        if key in shared and isinstance(here, list) and (want, had) != (_NONE, _NONE):
            value = _items(here, want, had) or _NONE
        elif isinstance(here, Mapping) and _is_map(want, had):
            value = laid_into(here, _map(want), _map(had), _map(was), shared)
            if not value and want is _NONE and not isinstance(was, Mapping):
                value = was
        elif want is not _NONE:
            value = want
        else:
            # What was ours goes, unless somebody has made it theirs by changing it.
            value = was if had is not _NONE and here == had else here
        if value is not _NONE:
            result[key] = value
    return result


def _items(found: list[Any], want: Any, had: Any) -> list[Any]:
    """Our items, then the user's; of an option, ``name=value``, there is one."""
    ours = want if isinstance(want, list) else []
    last = had if isinstance(had, list) else []
    names = {_name(item) for item in ours}
    return [*ours, *(i for i in found if _name(i) not in names and i not in last)]


def _name(item: Any) -> str:
    return str(item).partition("=")[0]


def _is_map(want: Any, had: Any) -> bool:
    """Whether ours is, or was where it is gone, a map."""
    return isinstance(had if want is _NONE else want, Mapping)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
