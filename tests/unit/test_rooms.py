"""The rooms of the package know each other only as the table says, and nothing goes in a circle."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.unit.rooms import LEAVES, ROOMS, arrows, between, modules

pytestmark = pytest.mark.unit


def test_every_module_is_in_a_room() -> None:
    assert {name.split(".")[0] for name in modules()} == set(ROOMS) | LEAVES


def test_the_table_goes_down_only() -> None:
    seen: set[str] = set()
    for name, room in ROOMS.items():
        assert room.imports <= seen, name
        seen.add(name)


def test_a_room_imports_only_what_it_may() -> None:
    allowed = {(name, o) for name, room in ROOMS.items() for o in room.imports | LEAVES}
    allowed |= {(one, other) for one in LEAVES for other in LEAVES}
    wrong = {pair: uses for pair, uses in between().items() if pair not in allowed}
    assert not wrong


def test_the_table_allows_nothing_that_is_not_used() -> None:
    allowed = {(name, other) for name, room in ROOMS.items() for other in room.imports}
    assert allowed - set(between()) == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    try:
        list(TopologicalSorter(arrows()).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
