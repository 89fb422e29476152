"""What the cluster has of addons, as the script on the control plane packs it."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.facts.addons import KINDS, Addons, Objects
from kubeinstall.facts.kubeadm import ADMIN
from tests.unit.operating import with_programs

pytestmark = pytest.mark.unit

REFUSED = "Unable to connect to the server: dial tcp 10.0.0.10:6443: connect: no route to host"


def packed(said: Any) -> list[str]:
    """Lines of base64, as ``gzip | base64`` writes them."""
    text = said if isinstance(said, str) else json.dumps(said)
    return base64.encodebytes(gzip.compress(text.encode())).decode().splitlines()


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "List", "items": list(items)}


def parent(addon: str, kind: str = "ConfigMap", name: str = "") -> dict[str, Any]:
    labels = {"kubeinstall.io/addon": addon}
    name = name or f"kubeinstall-addon-{addon}"
    return {"kind": kind, "metadata": {"name": name, "labels": labels}}


def thing(name: str) -> dict[str, Any]:
    return {"kind": "Secret", "metadata": {"name": name}}


def test_parents_by_addon_and_all_objects() -> None:
    warned = f"Warning: policy/v1beta1 is deprecated\n{json.dumps(listed(thing('a'), thing('b')))}"
    state = Addons().process([*packed(listed(parent("shop"))), "--", *packed(warned)])
    assert list(state.parents) == ["shop"]
    assert [o["metadata"]["name"] for o in state.objects] == ["a", "b"]
    assert state.error == ""


def test_only_what_has_the_name_is_an_addons() -> None:
    others = [parent("base", name="x"), parent("", name="y")]
    kept = [parent("shop"), parent("shop", "Secret"), *others]
    state = Addons().process(packed(listed(*kept)))
    assert (list(state.parents), list(state.secrets)) == (["shop"], ["shop"])
    assert state.secrets["shop"]["kind"] == "Secret"


TABLE = """\
Warning: x is deprecated
bindings                       v1                       true    Binding
nodes               no         v1                       false   Node
podsecuritypolicies psp        policy/v1beta1           false   PodSecurityPolicy
jobs                           batch/v1                 true    Job
jobs                vcjob,vj   batch.volcano.sh/v1alpha1  false   Job
things              v1         example.org/v1           maybe   Thing
"""


def test_what_is_served_says_which_kinds_have_a_namespace() -> None:
    lines = [*packed(listed(parent("shop"))), "::", *packed(TABLE), "--", *packed(listed())]
    state = Addons().process(lines)
    assert state.namespaced == {
        ("", "Binding"): True,
        ("", "Node"): False,
        ("policy", "PodSecurityPolicy"): False,
        ("batch", "Job"): True,
        ("batch.volcano.sh", "Job"): False,
    }
    assert (list(state.parents), state.error, state.answered) == (["shop"], "", True)
    cut = Addons().process([*packed(listed(parent("shop"))), "::", "AAAA"])
    assert (cut.namespaced, list(cut.parents), cut.error) == ({}, ["shop"], "")


def test_a_kind_reaches_kubectl_only_in_its_form(tmp_path: Path) -> None:
    """What a ConfigMap names is no option and no other resource's path."""
    kinds = "--kubeconfig=/x,Pod.v1.,$(id),Thing.v1beta1.example.org,secrets,-A"
    said = json.dumps(listed({"metadata": {"annotations": {KINDS: kinds}}}), indent=1)
    (tmp_path / "said").write_text(said)
    (tmp_path / "admin").touch()
    log = tmp_path / "log"
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f'#!/bin/sh\necho "$*" >> {log}\ncat {tmp_path}/said\n')
    kubectl.chmod(0o755)
    script = with_programs(Addons().command(), tmp_path).replace(ADMIN, str(tmp_path / "admin"))
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["sh", "-c", script], env=path, check=True, capture_output=True)
    _, served, asked = log.read_text().splitlines()[:3]
    assert served.endswith(" --cache-dir=/run/kubeinstall/kubectl api-resources --no-headers")
    assert " Pod.v1.,Thing.v1beta1.example.org --show" in asked


def test_an_object_that_nests_too_deeply_is_an_error_and_no_traceback() -> None:
    deep = '{"kind":"X","metadata":{},"spec":' + "[" * 200_000
    state = Addons().process([*packed(listed(parent("shop"))), "--", *packed(deep)])
    assert state.error


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
