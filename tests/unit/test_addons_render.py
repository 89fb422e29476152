"""From an addon's folder to its objects: values, templates, images, labels, order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.addons.image_names import full_name, rewritten
from kubeinstall.addons.objects import APPLIED, PART_OF, apply_set, finished, key, scopes
from kubeinstall.addons.render import Rendered, render_all
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.catalogue.chosen import Chosen, chosen, levels
from kubeinstall.inventory.catalogue.folders import UnreadableAddonError, find, names
from kubeinstall.inventory.catalogue.model import Range
from kubeinstall.inventory.catalogue.values import merged, problems
from kubeinstall.inventory.model import AddonChoice
from kubeinstall.releases import Version
from tests.unit.clusters import cluster

pytestmark = pytest.mark.unit

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: {{ values.replicas }}
  template:
    spec:
      initContainers: [{name: first, image: busybox:1.37}]
      containers: [{name: web, image: {{ image('web') }}, args: ["{{ cluster.dns_address }}"]}]
---
{% if since(1, 30) %}
apiVersion: v1
kind: ConfigMap
metadata: {name: new, namespace: elsewhere}
{% endif %}
"""
FILE: dict[str, Any] = {
    "name": "web",
    "title": "A web server",
    "releases": [
        {"version": "2.0", "kubernetes": {"since": "1.25"}, "images": {"web": "quay.io/a/web:2"}},
        {"version": "1.0", "kubernetes": {"until": "1.24"}, "images": {"web": "quay.io/a/web:1"}},
    ],
    "namespace": "web",
    "pod_security": "restricted",
    "notices": [
        "open http://{{ cluster.endpoint }}",
        "{% if values.replicas > 5 %}many{% endif %}",
    ],
    "values": {
        "replicas": {"type": "integer", "minimum": 1, "default": 2, "description": "Pods."},
        "limits": {
            "type": "object",
            "description": "What a pod may use.",
            "properties": {"cpu": {"type": "string", "default": "1"}},
            "default": {},
        },
    },
}


def folder(top: Path, name: str = "web", text: str = DEPLOYMENT, **more: Any) -> Path:
    """A folder of addons with one addon in it."""
    (top / name / "manifests").mkdir(parents=True)
    (top / name / "addon.yaml").write_text(yaml.safe_dump({**FILE, "name": name, **more}))
    (top / name / "manifests" / "web.yaml.j2").write_text(text)
    return top


def rendered(top: Path, version: str = "1.36.2", choice: Any = None, **spec: Any) -> Rendered:
    choices = {"web": AddonChoice.model_validate(choice or {})}
    made = cluster(version=version, addon_folders=[top], addons=choices, **spec)
    return render_all(made, chosen(made))[0]


def by_kind(one: Rendered, kind: str) -> dict[str, Any]:
    return next(d for d in one.objects if d["kind"] == kind)


def test_objects(tmp_path: Path) -> None:
    one = rendered(folder(tmp_path))
    assert [d["kind"] for d in one.objects] == ["Namespace", "ConfigMap", "Deployment"]
    assert one.title == "web 2.0"
    web = by_kind(one, "Deployment")
    assert web["metadata"]["namespace"] == "web"
    assert by_kind(one, "ConfigMap")["metadata"]["namespace"] == "elsewhere"
    assert "namespace" not in by_kind(one, "Namespace")["metadata"]
    enforced = "pod-security.kubernetes.io/enforce"
    assert by_kind(one, "Namespace")["metadata"]["labels"][enforced] == "restricted"
    assert web["spec"]["replicas"] == 2
    assert web["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "kubeinstall",
        "app.kubernetes.io/part-of": "web",
        PART_OF: apply_set("web"),
    }
    assert "labels" not in web["spec"]["template"].get("metadata", {})
    assert web["spec"]["template"]["spec"]["containers"][0]["args"] == ["10.96.0.10"]
    assert one.notices == ("open http://10.0.0.10:6443",)


def test_release_and_template_follow_the_kubernetes_version(tmp_path: Path) -> None:
    one = rendered(folder(tmp_path), version="1.24.3")
    assert one.title == "web 1.0"
    assert [d["kind"] for d in one.objects] == ["Namespace", "Deployment"]


def test_the_mark_changes_with_what_is_wanted(tmp_path: Path) -> None:
    top = folder(tmp_path)

    def mark(**choice: Any) -> str:
        web = by_kind(rendered(top, choice=choice), "Deployment")
        return str(web["metadata"]["annotations"][APPLIED])

    assert mark() == mark()
    assert mark() != mark(values={"replicas": 3})


def test_images_follow_the_inventory(tmp_path: Path) -> None:
    images = {"docker.io": "r.example/hub", "quay.io/a": "r.example/a", "quay.io": "no.example"}
    spec = by_kind(rendered(folder(tmp_path), images=images), "Deployment")["spec"]["template"]
    assert spec["spec"]["initContainers"][0]["image"] == "r.example/hub/library/busybox:1.37"
    assert spec["spec"]["containers"][0]["image"] == "r.example/a/web:2"


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("grafana/grafana:12", "docker.io/grafana/grafana:12"),
        ("localhost/x:1", "localhost/x:1"),
        ("10.0.0.1:5000/x:1", "10.0.0.1:5000/x:1"),
        ("quay.io/a/b@sha256:" + "0" * 64, "quay.io/a/b@sha256:" + "0" * 64),
    ],
)
def test_full_name(image: str, full: str) -> None:
    assert full_name(image) == full


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({}, "registry.k8s.io/ms/ms:v1"),
        ({"source": "aliyun"}, "registry.aliyuncs.com/google_containers/ms:v1"),
        ({"image_repository": "r.example:5000"}, "r.example:5000/ms:v1"),
        ({"image_repository": "r.example", "image_layout": "nested"}, "r.example/ms/ms:v1"),
        ({"source": "aliyun", "images": {"registry.k8s.io": "r.example"}}, "r.example/ms/ms:v1"),
    ],
)
def test_kubernetes_images_come_from_where_kubeadms_do(spec: Any, name: str) -> None:
    assert rewritten("registry.k8s.io/ms/ms:v1", cluster(**spec)) == name


def test_a_start_of_a_name_ends_where_a_part_does() -> None:
    assert rewritten("quay.io.example/a:1", cluster(images={"quay.io": "no"})) == (
        "quay.io.example/a:1"
    )


def test_values(tmp_path: Path) -> None:
    addon = find("web", [folder(tmp_path)])
    assert addon
    assert merged(addon, {}) == {"replicas": 2, "limits": {"cpu": "1"}}
    assert merged(addon, {"limits": {"memory": "1Gi"}})["limits"] == {"cpu": "1", "memory": "1Gi"}
    assert not list(problems(addon, {"replicas": 3}))
    told = list(problems(addon, {"replica": 3}))
    assert told == [(("replica",), "unknown value", "did you mean replicas?")]
    assert [place for place, _, _ in problems(addon, {"replicas": "x"})] == [("replicas",)]


def test_a_value_of_another_form_is_told_by_what_it_is_for(tmp_path: Path) -> None:
    size = {"type": "string", "pattern": "^[0-9]+G$", "default": "1G", "description": "Its size."}
    addon = find("web", [folder(tmp_path, values={"size": size})])
    assert addon
    told = [(("size",), '"big" does not have the expected form', "size is: Its size.")]
    assert list(problems(addon, {"size": "big"})) == told


@pytest.mark.parametrize(
    ("since", "until", "version", "holds"),
    [
        (None, None, "1.20.2", True),
        ("1.9", None, "1.20.2", True),
        ("1.30", "1.36", "1.36.9", True),
        ("1.30", "1.36", "1.37.0", False),
        (None, "1.9", "1.10.0", False),
    ],
)
def test_range(since: str | None, until: str | None, version: str, holds: bool) -> None:
    assert Range(since=since, until=until).holds(Version.parse(version)) is holds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ values.replica }}", "'dict object' has no attribute 'replica'"),
        ("{{ image('db') }}", "there is no 'db'"),
        ("{% if %}", "Expected an expression"),
        ("a: [", "it is not YAML"),
        ("a: 1", "document 1 in it has no apiVersion or no kind"),
        ("{apiVersion: v1, kind: A}", "document 1 in it, of kind A, has no metadata.name"),
        ("{apiVersion: v1, kind: A, metadata: {name: a}}\n---\n" * 2, "A a is duplicated"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_told(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(KubeinstallError, match="addon web") as raised:
        rendered(folder(tmp_path, text=text))
    (finding,) = raised.value.findings
    assert finding.why.startswith(why)
    assert str(tmp_path) in finding.where
    assert finding.next


def test_a_list_is_its_items(tmp_path: Path) -> None:
    text = "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: A, metadata: {name: a}}]}"
    assert [d["kind"] for d in rendered(folder(tmp_path, text=text)).objects] == ["Namespace", "A"]


def test_plain_text_of_a_secret_is_encoded() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "stringData": {"a": "b"},
    }
    made = finished(secret, "web", "web", {})
    assert made["data"] == {"a": "Yg=="}
    assert "stringData" not in made


def test_ports_name_their_protocol() -> None:
    ports: list[dict[str, Any]] = [{"port": 53, "protocol": "UDP"}, {"port": 80}]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"ports": ports},
    }
    made = finished(service, "web", "web", {})
    assert [port["protocol"] for port in made["spec"]["ports"]] == ["UDP", "TCP"]
    assert "protocol" not in ports[1]


def test_quantities_are_text() -> None:
    spec = {"containers": [{"name": "a", "resources": {"requests": {"cpu": 1, "memory": "1Gi"}}}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    made = finished(pod, "web", "web", {})
    (container,) = made["spec"]["containers"]
    assert container["resources"]["requests"] == {"cpu": "1", "memory": "1Gi"}


def test_custom_resources_get_a_namespace_where_they_have_one() -> None:
    crd = {"apiVersion": "example.org/v1", "kind": "Pool", "metadata": {"name": "p"}}
    assert finished(crd, "a", "web", {})["metadata"]["namespace"] == "web"
    wide = {("example.org", "Pool"): False}
    assert "namespace" not in finished(crd, "a", "web", wide)["metadata"]
    issuer = {**crd, "kind": "ClusterIssuer"}
    assert "namespace" not in finished(issuer, "a", "web", {})["metadata"]
    served = {("example.org", "ClusterIssuer"): True}
    assert finished(issuer, "a", "web", served)["metadata"]["namespace"] == "web"


def test_a_namespace_that_a_chart_gives_a_kind_without_one_is_dropped() -> None:
    """The live object has none, and would be another one at each run."""
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    made = finished({**role, "metadata": {"name": "r", "namespace": "web"}}, "a", "web", {})
    assert key(made) == ("rbac.authorization.k8s.io", "ClusterRole", "", "r")


def test_crds_of_the_addons_say_what_their_kinds_have() -> None:
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "clusters.db.example.org"},
        "spec": {"group": "db.example.org", "names": {"kind": "Cluster"}, "scope": "Namespaced"},
    }
    own = {"apiVersion": "db.example.org/v1", "kind": "Cluster", "metadata": {"name": "c"}}
    assert finished(own, "a", "web", scopes([crd]))["metadata"]["namespace"] == "web"


def test_levels(tmp_path: Path) -> None:
    these: dict[str, dict[str, Any]] = {
        "web": {"needs": ["orders", "store"]},
        "db": {"provides": ["orders"]},
        "store": {"needs": ["orders"]},
        "alone": {},
    }
    for name, more in these.items():
        folder(tmp_path, name, **more)
    picks = {name: AddonChoice() for name in ("web", "alone", "store", "db")}
    found = chosen(cluster(addon_folders=[tmp_path], addons=picks))
    assert [[one.name for one in level] for level in levels(found)] == [
        ["alone", "db"],
        ["store"],
        ["web"],
    ]


def test_what_is_needed_may_depend_on_values(tmp_path: Path) -> None:
    for name, more in {
        "kinds": {},
        "router": {
            "needs": [{"addon": "kinds", "when": {"gateway": True}}],
            "values": {
                "gateway": {"type": "boolean", "default": False, "description": "Gateways."}
            },
        },
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        file = {"name": name, "title": name, "releases": [{"version": "1"}], **more}
        (folder / "addon.yaml").write_text(yaml.safe_dump(file))

    def ordered(**values: Any) -> list[list[str]]:
        addons = {"router": {"values": values}, "kinds": {}}
        made = chosen(cluster(addons=addons, addon_folders=[tmp_path]))
        return [[one.name for one in level] for level in levels(made)]

    assert ordered() == [["router", "kinds"]]
    assert ordered(gateway=True) == [["kinds"], ["router"]]


def test_own_addons_win_over_shipped_ones(tmp_path: Path) -> None:
    top = folder(tmp_path)
    assert "web" in names([top])
    found = find("web", [top])
    assert found and found.folder == top / "web"
    assert find("web") is None


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"colour": "blue"}, "colour: unknown key"),
        ({"values": {"a": {"type": "string"}}}, "values.a has no description"),
        ({"values": {"aB": {"description": "x"}}}, "values.aB: write it in lower case"),
        ({"releases": []}, "releases: List should have at least 1 item"),
        ({"title": ""}, "title: "),
        ({"makes_default": {"IngressClass": "first"}}, "IngressClass: there is no values.first"),
        ({"needs": [{"addon": "a", "when": {"b": 1}}]}, "needs: there is no values.b"),
        ({"hosts": {"ports": [{"port": 80, "when": {"c": 1}}]}}, "ports: there is no values.c"),
    ],
)
def test_an_addon_file_that_cannot_be_used_is_told(
    more: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableAddonError) as raised:
        find("web", [folder(tmp_path, **more)])
    assert told in raised.value.why
    assert raised.value.place.file.startswith(str(tmp_path))


def test_a_chosen_addon_knows_its_name(tmp_path: Path) -> None:
    made = cluster(addon_folders=[folder(tmp_path)], addons={"web": AddonChoice()})
    (one,) = chosen(made)
    assert isinstance(one, Chosen)
    assert one.name == "web"
