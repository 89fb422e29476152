"""Values of objects that can be secrets: in no diff and in no message, whoever put them there."""

from __future__ import annotations

import json
from base64 import b64encode
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeinstall.addons.changes import Change, Live, change
from kubeinstall.addons.objects import Object
from kubeinstall.addons.veil import HIDDEN, veiled, veiled_at
from kubeinstall.inventory.catalogue.folders import find
from kubeinstall.inventory.catalogue.values import problems, secret_values
from kubeinstall.inventory.known_secrets import known_secrets
from tests.unit.addon_folders import applied, config, deployment, folder, rendered, with_addons
from tests.unit.clusters import cluster
from tests.unit.test_addons_changes import parent_of

pytestmark = pytest.mark.unit

OLD, NEW = "old-hunter2", "new-hunter3"
ENCODED = b64encode(OLD.encode()).decode(), b64encode(NEW.encode()).decode()
LAST = "kubectl.kubernetes.io/last-applied-configuration"
DECLARED = {"password": {"type": "string", "writeOnly": True, "description": "Its password."}}


def secret(value: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login"},
        "data": {"password": b64encode(value.encode()).decode()},
    }


def annotated(value: str) -> Object:
    note = {LAST: json.dumps(secret(value)), "plain": "seen"}
    return {**secret("x"), "metadata": {"name": "login", "annotations": note}}


def noted(value: str) -> Object:
    made = config("notes", a="b")
    made["metadata"]["annotations"] = {LAST: json.dumps(secret(value))}
    return made


def with_container(**container: Any) -> Object:
    made = deployment("web")
    made["spec"]["template"] = {"spec": {"containers": [{"name": "web", **container}]}}
    return made


def custom(value: str) -> Object:
    return {
        "apiVersion": "example.org/v1",
        "kind": "Login",
        "metadata": {"name": "login"},
        "spec": {"users": [{"name": "a", "adminPassword": value}], "api-token": value},
    }


PLACES: dict[str, tuple[Any, dict[str, Any]]] = {
    "a Secret's data": (secret, {}),
    "a Secret's annotation": (annotated, {}),
    "a ConfigMap's annotation": (noted, {}),
    "a variable": (lambda v: with_container(env=[{"name": "PASS", "value": v}]), {}),
    "a flag": (lambda v: with_container(args=[f"--admin-password={v}"]), {}),
    "a flag's word": (lambda v: with_container(command=["x", "--token", v]), {}),
    "a field of a custom object": (custom, {}),
    "a ConfigMap's key": (lambda v: config("c", **{"admin-password": v}), {}),
    "a ConfigMap of an addon with secrets": (
        lambda v: config("c", ini=f"[a]\npass={v}\n"),
        {"values": DECLARED},
    ),
    "an argument of an addon with secrets": (
        lambda v: with_container(args=["sh", "-c", f"run -p{v}"]),
        {"values": DECLARED},
    ),
}


def made(top: Path, place: str, *, drift: bool) -> Change:
    """An addon that wants the new value where the cluster has the old one.

    Args:
        drift: somebody else set it; otherwise the inventory had it before.
    """
    build, more = PLACES[place]
    folder(top, "shop", build(NEW), **more)
    choice = {"values": {"password": "irrelevant"}} if more else {}
    (addon,) = rendered(with_addons(top, shop=choice))
    live = []
    for document in addon.objects:
        found = applied(document)
        text = json.dumps(found)
        for new, old in ((NEW, OLD), (ENCODED[1], ENCODED[0])):
            text = text.replace(new, old)
        found = json.loads(text)
        (entry,) = found["metadata"]["managedFields"]
        if drift:
            theirs = deepcopy(entry["fieldsV1"])
            for name in ("f:data", "f:spec"):
                entry["fieldsV1"].pop(name, None)
            entry["fieldsV1"].get("f:metadata", {}).get("f:annotations", {}).pop(f"f:{LAST}", None)
            other = {"manager": "kubectl-edit", "fieldsV1": theirs}
            found["metadata"]["managedFields"].append(other)
        else:
            found["metadata"]["annotations"]["kubeinstall.io/applied"] = "older"
        live.append(found)
    return change(addon, Live({"shop": parent_of(addon)}, live))


@pytest.mark.parametrize("drift", [False, True], ids=["changed", "drifted"])
@pytest.mark.parametrize("place", PLACES)
def test_neither_the_old_nor_the_new_value_is_shown(
    tmp_path: Path, place: str, drift: bool
) -> None:
    found = made(tmp_path, place, drift=drift)
    assert found.any
    said = "\n".join([found.action, found.diff, *found.told])
    for value in (OLD, NEW, *ENCODED, "hunter"):
        assert value not in said, said
    assert HIDDEN in said
    assert not drift or found.told


def test_that_a_value_differs_is_shown(tmp_path: Path) -> None:
    shown = made(tmp_path, "a variable", drift=False).diff
    assert "(hidden, a different value)" in shown
    assert "name: PASS" in shown


def test_ordinary_values_are_shown(tmp_path: Path) -> None:
    folder(tmp_path, "shop", config("c", ini="[server]\nport=1\n"), deployment("web", 3))
    (addon,) = rendered(with_addons(tmp_path, shop={}))
    shown = change(addon, Live({}, [])).diff
    assert "port=1" in shown
    assert "replicas: 3" in shown
    names = {"secretName": "tls", "automountServiceAccountToken": False, "secretRef": {"name": "x"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": names}
    assert veiled(pod, private=False)[0] == pod


texts = st.text(min_size=1, max_size=8)
values = st.recursive(
    texts | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(texts, values), st.lists(texts, max_size=3))
def test_whatever_is_in_a_secret_is_hidden(data: dict[str, Any], way: list[str]) -> None:
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data}
    shown, hidden = veiled(deepcopy(document), private=False)
    assert set(map(str, shown["data"].values())) <= {HIDDEN, "None"}
    assert {way[-1] for way in hidden} == {k for k, v in data.items() if v is not None}
    assert veiled_at(document, ("data", "key", *way), data, private=False) == HIDDEN


def test_values_that_an_addon_declares_secret_are_known(tmp_path: Path) -> None:
    inner = {
        "type": "object",
        "description": "Logins.",
        "properties": {"user": {"type": "string"}, "pin": {"type": "integer", "writeOnly": True}},
    }
    schema = {
        "login": inner,
        "tokens": {
            "type": "array",
            "description": "Tokens.",
            "items": {"type": "string", "format": "password"},
        },
        "size": {"type": "string", "description": "Its size."},
    }
    folder(tmp_path, "shop", values=schema)
    given = {"login": {"user": "me", "pin": 12345}, "tokens": ["one-token"], "size": "big"}
    addon = find("shop", [tmp_path])
    assert addon
    assert list(secret_values(addon, given)) == ["12345", "one-token"]
    known = known_secrets(with_addons(tmp_path, shop={"values": given}))
    assert {"12345", "one-token"} <= set(known)
    assert "big" not in known


def test_a_wrong_value_that_is_secret_is_not_repeated(tmp_path: Path) -> None:
    folder(tmp_path, "shop", values={"password": {**DECLARED["password"], "minLength": 20}})
    addon = find("shop", [tmp_path])
    assert addon
    ((_, what, advice),) = problems(addon, {"password": OLD})
    assert OLD not in what + advice


def test_logins_in_urls_are_known_wherever_they_are() -> None:
    known = known_secrets(
        cluster(
            runtime={
                "registries": {
                    "hub.lab": {
                        "mirrors": ["https://robot:in-a-mirror@m.lab"],
                        "username": "u",
                        "password": "of-a-registry",
                    }
                },
                "config": {"proxies": {"http-proxy": "http://p:in-the-config@p.lab:1"}},
            },
            proxy={"http": "http://me:of%40proxy@p.lab:1"},
        )
    )
    wanted = {"in-a-mirror", "of-a-registry", "in-the-config", "of%40proxy", "of@proxy"}
    assert wanted <= set(known)
    assert not any("p.lab" in one for one in known)
