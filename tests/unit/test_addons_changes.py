"""What is to be done with addons, from what is wanted and what the cluster has."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from kubeinstall.addons import parents
from kubeinstall.addons.changes import Change, Live, change, removal, removal_order, wanted_keys
from kubeinstall.addons.objects import PART_OF, Object, apply_set, parent_name
from kubeinstall.addons.render import Rendered
from kubeinstall.addons.secrets import generate
from kubeinstall.addons.sharing import shared
from kubeinstall.deploys.addons import work
from kubeinstall.facts import addons as facts
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.catalogue.model import GeneratedSecret, Stage
from tests.unit.addon_folders import applied, config, deployment, folder, rendered, with_addons

pytestmark = pytest.mark.unit

CRD: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.org"},
    "spec": {"group": "example.org", "names": {"kind": "Thing", "plural": "things"}},
}
THING: Object = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "first"}}


def one(top: Path, *documents: Object, choice: Any = None, **more: Any) -> Rendered:
    folder(top, "shop", *documents, **more)
    return rendered(with_addons(top, shop=choice or {}))[0]


def parent_of(addon: Rendered) -> Object:
    return parents.parent(addon.name, "1.0", Stage.ADDONS, addon.objects)


def live_of(addon: Rendered, *more: Object, without: Sequence[str] = ()) -> Live:
    found = [applied(d) for d in addon.objects if d["metadata"]["name"] not in without]
    return Live({addon.name: parent_of(addon)}, [*found, *more])


def titles(made: Change) -> list[str]:
    return [found.title for found, _ in made.applied]


def test_the_marks_are_those_that_the_fact_asks_for() -> None:
    assert (facts.KINDS, facts.PART_OF) == (parents.KINDS, PART_OF)
    assert facts.ADDON_LABEL in parent_label()
    assert parent_name("shop") == f"{facts.PREFIX}shop"


def parent_label() -> dict[str, str]:
    labels: dict[str, str] = parents.parent("a", "1", Stage.ADDONS, [])["metadata"]["labels"]
    return labels


def test_a_new_addon_is_applied_whole_after_its_config_map(tmp_path: Path) -> None:
    addon = one(tmp_path, THING, CRD, deployment("web"))
    made = change(addon, Live({}, []))
    assert made.action == "Apply shop 1.0"
    done = work(made)
    assert done.before == (parent_of(addon),)
    assert [[d["kind"] for d in stage] for stage in done.stages] == [
        ["Namespace", "CustomResourceDefinition"],
        ["Deployment"],
        ["Thing"],
    ]
    assert done.after == ()
    assert "+++ Deployment shop/web" in done.diff
    annotations = done.before[0]["metadata"]["annotations"]
    assert annotations[parents.KINDS] == (
        "CustomResourceDefinition.v1.apiextensions.k8s.io,Deployment.v1.apps,"
        "Namespace.v1.,Thing.v1.example.org"
    )
    assert annotations["applyset.kubernetes.io/additional-namespaces"] == "shop"


def test_an_addon_that_is_as_wanted_is_left_alone(tmp_path: Path) -> None:
    addon = one(tmp_path)
    made = change(addon, live_of(addon))
    assert not made.any
    assert not work(made)


def test_an_object_that_is_missing_comes_back(tmp_path: Path) -> None:
    addon = one(tmp_path, deployment("web"), config("web", a="1"))
    assert titles(change(addon, live_of(addon, without=["web"]))) == [
        "ConfigMap shop/web",
        "Deployment shop/web",
    ]


def test_what_disappears_from_an_addon_is_pruned(tmp_path: Path) -> None:
    old = one(tmp_path / "old", deployment("web"), config("web"), CRD, THING)
    live = live_of(old)
    made = change(one(tmp_path / "new", deployment("web")), live)
    assert titles(made) == []
    done = work(made)
    assert [[d["kind"] for d in stage] for stage in done.removal.stages] == [
        ["Thing"],
        ["ConfigMap"],
    ]
    assert done.removal.crds == ("things.example.org",)
    # A run that is killed must still find the old kinds; only at the end they are forgotten.
    assert done.before == ()
    assert done.after
    assert "Thing" not in done.after[0]["metadata"]["annotations"][parents.KINDS]
    assert "- Thing shop/first" in done.diff


def test_an_addon_that_is_named_no_more_is_removed_with_its_namespace(tmp_path: Path) -> None:
    addon = one(tmp_path)
    made = removal("shop", live_of(addon))
    done = work(made)
    assert made.action == "Remove shop"
    assert done.removal.namespaces == ("shop",)
    assert done.gone == "kubeinstall-addon-shop"


def test_what_another_addon_wants_now_is_not_deleted(tmp_path: Path) -> None:
    addon = one(tmp_path, deployment("web"), config("web"))
    kept = frozenset({("", "ConfigMap", "shop", "web")})
    made = removal("shop", live_of(addon), kept)
    assert [d["kind"] for d in made.removed] == ["Namespace", "Deployment"]


def test_others_objects_are_nobodys_to_delete(tmp_path: Path) -> None:
    addon = one(tmp_path)
    other = deepcopy(config("other"))
    other["metadata"] |= {"namespace": "shop", "labels": {PART_OF: apply_set("another")}}
    assert change(addon, live_of(addon, other)).removed == ()


def drifted(top: Path, choice: Any = None) -> tuple[Rendered, Live]:
    addon = one(top, deployment("web", 2), choice=choice)
    live = [applied(d) for d in addon.objects]
    web = next(o for o in live if o["kind"] == "Deployment")
    web["spec"]["replicas"] = 5
    (entry,) = web["metadata"]["managedFields"]
    del entry["fieldsV1"]["f:spec"]["f:replicas"]
    edited = {"manager": "kubectl-edit", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    web["metadata"]["managedFields"].append(edited)
    return addon, Live({"shop": parent_of(addon)}, live)


def test_a_field_that_was_changed_is_taken_back_and_named(tmp_path: Path) -> None:
    made = change(*drifted(tmp_path))
    assert made.action == "Revert spec.replicas of Deployment shop/web, set by kubectl-edit"
    (((document,),)) = work(made).stages
    assert document["spec"]["replicas"] == 2
    assert "-  replicas: 5\n+  replicas: 2" in made.diff


def test_a_field_that_was_changed_can_be_kept(tmp_path: Path) -> None:
    addon, live = drifted(tmp_path, {"changes_by_others": "keep"})
    made = change(addon, live)
    assert not made.any
    assert [t.field for _, t in made.taken] == ["spec.replicas"]


def test_a_kept_field_stays_when_something_else_is_applied(tmp_path: Path) -> None:
    addon, live = drifted(tmp_path, {"changes_by_others": "keep"})
    for found in live.objects:
        found["metadata"]["annotations"]["kubeinstall.io/applied"] = "older"
    ((_, document),) = [a for a in change(addon, live).applied if "replicas" in str(a)]
    assert "replicas" not in document["spec"]


def test_secrets_values_are_never_shown(tmp_path: Path) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login"},
        "stringData": {"password": "tell-nobody", "user": "me"},
    }
    addon = one(tmp_path, secret)
    encoded = base64.b64encode(b"tell-nobody").decode()
    shown = change(addon, Live({}, [])).diff
    assert "password: (hidden)" in shown
    assert encoded not in shown
    live = [applied(d) for d in addon.objects]
    old = next(o for o in live if o["kind"] == "Secret")
    old["metadata"]["annotations"]["kubeinstall.io/applied"] = "older"
    old["data"]["password"] = "b2xk"
    shown = change(addon, Live({}, live)).diff
    assert "-  password: (hidden)\n+  password: (hidden, a different value)" in shown
    assert "b2xk" not in shown


def test_generated_secrets_are_made_once(tmp_path: Path) -> None:
    addon = one(tmp_path, generated_secrets=[{"name": "login", "keys": {"password": 24}}])
    made = change(addon, live_of(addon))
    assert made.diff == "+ Secret shop/login (generated)"
    (secret,) = work(made).secrets
    word = base64.b64decode(secret["data"]["password"]).decode()
    assert (len(word), word.isalnum()) == (24, True)
    (other,) = work(made).secrets
    assert other["data"] != secret["data"]
    assert parents.KINDS in str(made.before)
    live = Live({"shop": made.after or made.before or {}}, [*live_of(addon).objects, dict(secret)])
    assert not change(addon, live).any
    assert [d["kind"] for d in removal("shop", live).removed] == [
        "Namespace",
        "Secret",
        "Deployment",
    ]


def test_a_generated_certificate_is_for_its_names() -> None:
    asked = {"name": "tls", "certificate": {"dns": ["shop", "shop.shop.svc"]}}
    secret = generate(GeneratedSecret.model_validate(asked), "shop", "shop")
    decoded = {k: base64.b64decode(v) for k, v in secret["data"].items()}
    leaf = x509.load_pem_x509_certificate(decoded["tls.crt"])
    root = x509.load_pem_x509_certificate(decoded["ca.crt"])
    leaf.verify_directly_issued_by(root)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["shop", "shop.shop.svc"]
    assert b"PRIVATE KEY" in decoded["tls.key"]
    assert secret["type"] == "kubernetes.io/tls"


def test_members_trust_each_other_by_a_generated_certificate(tmp_path: Path) -> None:
    """Both ends show the same one, as Elasticsearch's nodes do."""
    asked = {"name": "tls", "certificate": {"dns": ["shop"]}}
    secret = generate(GeneratedSecret.model_validate(asked), "shop", "shop")
    for key, value in secret["data"].items():
        (tmp_path / key).write_bytes(base64.b64decode(value))
    contexts = [ssl.SSLContext(p) for p in (ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER)]
    for context in contexts:
        context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
        context.load_verify_locations(tmp_path / "ca.crt")
        context.verify_mode = ssl.CERT_REQUIRED
    ends = socket.socketpair()
    with ThreadPoolExecutor() as pool:
        server = pool.submit(contexts[1].wrap_socket, ends[1], server_side=True)
        client = contexts[0].wrap_socket(ends[0], server_hostname="shop")
        with client, server.result(10) as accepted:
            accepted.sendall(b"seen")
            assert client.recv(4) == b"seen"


def test_a_job_is_made_anew(tmp_path: Path) -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": {"a": 1}}
    addon = one(tmp_path, job)
    assert work(change(addon, Live({}, []))).replaced == ()
    live = [applied(d) for d in addon.objects]
    for found in live:
        found["metadata"]["annotations"]["kubeinstall.io/applied"] = "older"
    done = work(change(addon, Live({"shop": parent_of(addon)}, live)))
    assert [d["kind"] for d in done.replaced] == ["Job"]


def test_a_namespace_of_two_addons_is_the_first_ones_and_the_least_strict(tmp_path: Path) -> None:
    folder(tmp_path, "one", config("a"), namespace="both", pod_security="restricted")
    folder(tmp_path, "two", config("b"), namespace="both", pod_security="privileged")
    before = rendered(with_addons(tmp_path, one={}, two={}))
    first, second = shared(before)
    assert [d["kind"] for d in second.objects] == ["ConfigMap"]
    namespace = first.objects[0]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
    old = before[0].objects[0]["metadata"]["annotations"]
    assert namespace["metadata"]["annotations"] != old
    assert ("", "ConfigMap", "both", "b") in wanted_keys([second])


def test_two_addons_with_one_object_are_refused(tmp_path: Path) -> None:
    folder(tmp_path, "one", config("a"), namespace="both")
    folder(tmp_path, "two", config("a"), namespace="both")
    with pytest.raises(KubeinstallError) as error:
        shared(rendered(with_addons(tmp_path, one={}, two={})))
    assert error.value.findings[0].what == "addons one and two both contain ConfigMap both/a"


def test_an_object_of_somebody_else_is_taken_over_and_named(tmp_path: Path) -> None:
    addon = one(tmp_path)
    theirs = deepcopy(deployment("shop"))
    theirs["metadata"]["namespace"] = "shop"
    live = live_of(addon, theirs, without=["shop"])
    made = change(addon, live)
    assert [d.title for d in made.adopted] == ["Deployment shop/shop"]
    assert titles(made) == ["Namespace shop", "Deployment shop/shop"]


def test_who_made_a_namespace_is_removed_after_those_who_are_in_it(tmp_path: Path) -> None:
    folder(tmp_path, "host", deployment("host"), namespace="shared")
    folder(tmp_path, "guest", deployment("guest"), namespace="shared")
    folder(tmp_path, "front", deployment("front"), needs=["guest"])
    addons = shared(rendered(with_addons(tmp_path, host={}, guest={}, front={})))
    made = {one.name: change(one, Live({}, []), needs=_needs(one)).before for one in addons}
    live = Live(
        {name: parent for name, parent in made.items() if parent},
        [applied(d) for one in addons for d in one.objects],
    )
    assert removal_order(["guest", "host", "front"], live) == ["front", "guest", "host"]


def _needs(one: Rendered) -> list[str]:
    return one.chosen.addon.needs(one.chosen.values)
