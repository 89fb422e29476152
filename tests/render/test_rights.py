"""No addon is granted more than its upstream asks for; ``rights/ADDON.yaml`` has what that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.render.test_addons import CASES, addon_of, minors, rendered

pytestmark = pytest.mark.render

RIGHTS = Path(__file__).parent / "rights"
Grants = dict[str, set[str]]
"""``RESOURCE.GROUP``, or a path of the API, to verbs."""


def grants(roles: Iterable[Mapping[str, Any]]) -> Grants:
    found: Grants = {}
    for role in roles:
        for rule in role["rules"]:
            named = [
                f"{resource}.{group}".rstrip(".")
                for group in rule.get("apiGroups", [])
                for resource in rule.get("resources", [])
            ]
            for resource in (*named, *rule.get("nonResourceURLs", [])):
                found.setdefault(resource, set()).update(rule["verbs"])
    return found


def beyond(ours: Grants, theirs: Grants) -> dict[str, set[str]]:
    """What we grant and they do not."""
    everything = theirs.get("*.*", set())
    more = {r: v - theirs.get(r, everything) for r, v in ours.items()}
    return {
        resource: verbs
        for resource, verbs in more.items()
        if verbs and "*" not in theirs.get(resource, everything)
    }


@pytest.mark.parametrize(
    ("name", "case"), [(n, c) for n, c in CASES if (RIGHTS / f"{n}.yaml").is_file()]
)
def test_no_right_that_upstream_does_not_ask_for(name: str, case: str) -> None:
    asked = yaml.safe_load((RIGHTS / f"{name}.yaml").read_text())
    everywhere = {r: set(v) for r, v in asked["cluster"].items()}
    inside = {r: set(v) | everywhere.get(r, set()) for r, v in asked.get("namespace", {}).items()}
    documents = rendered(name, case, minors(addon_of(name))[-1])
    roles = {k: [d for d in documents if d["kind"] == k] for k in ("ClusterRole", "Role")}
    assert beyond(grants(roles["ClusterRole"]), everywhere) == {}
    assert beyond(grants(roles["Role"]), {**everywhere, **inside}) == {}
