"""YAML of others, read within bounds, and documents laid on one another."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinstall.documents import DEEPEST, NotYamlError, merged, read

pytestmark = pytest.mark.unit


def test_mappings_are_merged_and_all_else_is_replaced() -> None:
    base = {"a": {"b": 1, "c": [1]}, "d": 2, "e": {"f": 1}}
    over = {"a": {"c": [2]}, "d": {"g": 3}, "e": None}
    assert merged(base, over) == {"a": {"b": 1, "c": [2]}, "d": {"g": 3}, "e": None}
    assert base == {"a": {"b": 1, "c": [1]}, "d": 2, "e": {"f": 1}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 12:30", {"a": "12:30"}),
        ("a: 2026-01-02", {"a": "2026-01-02"}),
        ("a: =", {"a": "="}),
        ("9000: x", {"9000": "x"}),
        ("true: x", {"true": "x"}),
        ("a: 1_0", {"a": 10}),
    ],
)
def test_scalars_are_those_of_kubernetes(text: str, value: Any) -> None:
    assert list(read(text)) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "{a: " * 200_000,
        "- " * 200_000 + "x",
        "? " * 200_000 + "x",
        "\n".join(" " * depth + "a:" for depth in range(DEEPEST + 2)),
        "\n".join("  " * depth + "- a:" for depth in range(DEEPEST)),
    ],
    ids=["lists", "mappings", "items", "keys", "indented", "both"],
)
def test_deep_nesting_is_refused_and_does_not_end_the_process(text: str) -> None:
    with pytest.raises(NotYamlError, match=f"more than {DEEPEST} nested collections"):
        list(read(text))


def test_many_brackets_that_are_not_deep_are_fine() -> None:
    text = "a: [{}, []]\n---\n" * (DEEPEST + 1)
    assert len(list(read(text))) == DEEPEST + 1


def test_what_refers_to_itself_is_refused() -> None:
    with pytest.raises(NotYamlError):
        list(read("a: &a [*a]"))


def test_values_are_counted() -> None:
    with pytest.raises(NotYamlError, match="more than 3 values"):
        list(read("[1, 2, 3]", most=3))
    assert list(read("[1, 2]", most=4)) == [[1, 2]]


def test_an_error_names_the_place_and_nothing_of_the_text() -> None:
    with pytest.raises(NotYamlError) as caught:
        list(read("a: fine\nb: [hunter2\n"))
    assert str(caught.value).startswith("it is not YAML")
    assert str(caught.value).endswith("(line 3, column 1)")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(NotYamlError) as caught:
        list(read("a: !hunter2 x"))
    assert "hunter2" not in str(caught.value)
