"""What the cluster has of addons, as the script on the control plane packs it."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from kubeinstall.facts.addons import Addons, Objects

pytestmark = pytest.mark.unit

REFUSED = "Unable to connect to the server: dial tcp 10.0.0.10:6443: connect: no route to host"


def packed(said: Any) -> list[str]:
    """Lines of base64, as ``gzip | base64`` writes them."""
    text = said if isinstance(said, str) else json.dumps(said)
    return base64.encodebytes(gzip.compress(text.encode())).decode().splitlines()


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "List", "items": list(items)}


def parent(addon: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"labels": {"kubeinstall.io/addon": addon}}}


def thing(name: str) -> dict[str, Any]:
    return {"kind": "Secret", "metadata": {"name": name}}


def test_parents_by_addon_and_all_objects() -> None:
    warned = f"Warning: policy/v1beta1 is deprecated\n{json.dumps(listed(thing('a'), thing('b')))}"
    state = Addons().process([*packed(listed(parent("shop"))), "--", *packed(warned)])
    assert list(state.parents) == ["shop"]
    assert [o["metadata"]["name"] for o in state.objects] == ["a", "b"]
    assert state.error == ""


def test_a_kind_that_is_gone_takes_no_other_with_it() -> None:
    gone = 'error: the server doesn\'t have a resource type "Shop"'
    state = Addons().process(
        [*packed(listed(parent("shop"))), "--", *packed(gone), "--", *packed(listed(thing("a")))]
    )
    assert [o["metadata"]["name"] for o in state.objects] == ["a"]
    assert state.error == ""


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (packed(REFUSED), REFUSED),
        ([*packed(listed(parent("shop"))), "--", *packed(REFUSED)], REFUSED),
        ([*packed(listed(parent("shop")))[:1], "AAAA"], "the answer was cut off"),
    ],
)
def test_an_answer_that_is_none_is_told(lines: list[str], error: str) -> None:
    assert Addons().process(lines).error == error


def test_objects_by_name_are_asked_for_together_and_may_be_missing() -> None:
    refs = (("Shop.v1.example.com", "a", "x"), ("Shop.v1.example.com", "a", "y"))
    assert Objects().command(refs).count("get Shop.v1.example.com x y") == 1
    assert Objects().command(()) == "true"
    lines = [*packed(""), "--", *packed(thing("x")), "--", *packed(listed(thing("y"))), "--"]
    assert [o["metadata"]["name"] for o in Objects().process(lines)] == ["x", "y"]
