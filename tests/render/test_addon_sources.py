"""Addons that apply what others publish: served by a web server, built by the real programs."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.addons import downloads, oci
from kubeinstall.addons.chosen import chosen
from kubeinstall.addons.objects import Object
from kubeinstall.addons.render import Rendered, render_all
from kubeinstall.findings import Finding, KubeinstallError
from kubeinstall.inventory.model import AddonChoice
from tests import programs
from tests.forward_proxy import forward_proxy
from tests.render.schemas import errors
from tests.unit.clusters import cluster
from tests.web import Page, Web, serving

pytestmark = pytest.mark.render

UPSTREAM = b"""
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: shop}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: shop, namespace: shops}
  spec:
    replicas: 1
    selector: {matchLabels: {app: shop}}
    template:
      metadata: {labels: {app: shop}}
      spec:
        containers: [{name: shop, image: "example.org/shop:1"}]
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-web, namespace: {{ .Release.Namespace }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {for: "{{ .Capabilities.KubeVersion.Version }}"}
    spec:
      containers: [{name: web, image: "{{ .Values.image }}"}]
"""
TEST = """
apiVersion: v1
kind: Pod
metadata: {name: try, annotations: {helm.sh/hook: test}}
spec: {containers: [{name: try, image: busybox}]}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: made-up}
stringData: {password: {{ .Values.password | default (randAlphaNum 9) }}}
"""
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: carts.example.org}
spec:
  group: example.org
  names: {kind: Cart, plural: carts}
  scope: Cluster
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
"""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def chart(version: str = "1.2.3", **more: str) -> bytes:
    """The archive of a chart named web."""
    files = {
        "Chart.yaml": f"apiVersion: v2\nname: web\nversion: {version}\n",
        "values.yaml": "replicas: 1\nimage: example.org/web:1\nextra: {}\n",
        "templates/web.yaml": DEPLOYMENT,
        "templates/try.yaml": TEST,
        "crds/cart.yaml": CRD,
        **more,
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"web/{name}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)


def upstream(web: Web, path: str = "/shop.yaml", text: bytes = UPSTREAM) -> dict[str, Any]:
    """A release that pins what is at a path of the server."""
    return {"upstream": [{"url": f"{web.url}{path}", "sha256": sha256(text)}]}


def repository(web: Web, archive: bytes, version: str = "1.2.3") -> dict[str, Any]:
    """Put a chart repository up; returns an addon's ``chart`` that names it."""
    entry = {"name": "web", "version": version, "urls": [f"files/web-{version}.tgz"]}
    index = {"apiVersion": "v1", "entries": {"web": [entry]}}
    web.pages["/charts/index.yaml"] = yaml.safe_dump(index).encode()
    web.pages[f"/charts/files/web-{version}.tgz"] = archive
    return {
        "repository": f"{web.url}/charts",
        "name": "web",
        "version": version,
        "digest": sha256(archive),
    }


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(downloads, "_PAUSE", 0.0)
    with serving(Web()) as server:
        yield server


def path_with(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Only these folders hold programs."""
    monkeypatch.setenv("PATH", ":".join(map(str, folders)) or "/nowhere")


@pytest.fixture(params=[programs.OLD, programs.NEW], ids=lambda one: f"helm-{one.helm}")
def helm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> programs.Programs:
    found: programs.Programs = request.param
    path_with(monkeypatch, programs.folder(found))
    return found


def addon(top: Path, release: dict[str, Any], **more: Any) -> Path:
    """A folder of addons with the addon ``shop`` in it."""
    file = {"name": "shop", "title": "A shop", "namespace": "shops", **more}
    file["releases"] = [{"version": "1.0", **release}]
    (top / "shop").mkdir(parents=True, exist_ok=True)
    (top / "shop" / "addon.yaml").write_text(yaml.safe_dump(file))
    return top


def whole(top: Path, version: str = "1.36.2", **spec: Any) -> Rendered:
    choice = AddonChoice(values=spec.pop("values", {}))
    made = cluster(version=version, addon_folders=[top], addons={"shop": choice}, **spec)
    return render_all(made, chosen(made))[0]


def rendered(top: Path, version: str = "1.36.2", **spec: Any) -> list[Object]:
    return list(whole(top, version, **spec).objects)


def notices(top: Path, **spec: Any) -> tuple[str, ...]:
    return whole(top, **spec).notices


def finding(top: Path, **spec: Any) -> Finding:
    with pytest.raises(KubeinstallError) as raised:
        rendered(top, **spec)
    (found,) = raised.value.findings
    return found


def kinds(documents: list[Object]) -> list[str]:
    return [f"{d['kind']} {d['metadata']['name']}" for d in documents]


def one(documents: list[Object], kind: str) -> Object:
    return next(d for d in documents if d["kind"] == kind)


class TestUpstream:
    def test_objects(self, web: Web, tmp_path: Path) -> None:
        web.pages["/shop.yaml"] = Page(status=302, headers={"Location": "/v1/shop.yaml"})
        web.pages["/v1/shop.yaml"] = UPSTREAM
        top = addon(tmp_path, upstream(web))
        made = rendered(top, images={"example.org": "mirror.example.org"})
        assert kinds(made) == ["Namespace shops", "ServiceAccount shop", "Deployment shop"]
        assert one(made, "ServiceAccount")["metadata"]["namespace"] == "shops"
        labels = one(made, "Deployment")["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "kubeinstall"
        template = one(made, "Deployment")["spec"]["template"]
        assert template["spec"]["containers"][0]["image"] == "mirror.example.org/shop:1"
        assert not [e for d in made for e in errors(d, "1.36", {})]

    def test_read_once_and_then_without_the_network(self, web: Web, tmp_path: Path) -> None:
        web.pages["/shop.yaml"] = UPSTREAM
        top = addon(tmp_path, upstream(web))
        before = rendered(top)
        web.pages.clear()
        assert rendered(top) == before
        assert web.asked == ["/shop.yaml"]
        (kept,) = (tmp_path / "cache" / "kubeinstall" / "addons").iterdir()
        kept.write_bytes(b"damaged")
        web.pages["/shop.yaml"] = UPSTREAM
        assert rendered(top) == before
        assert kept.read_bytes() == UPSTREAM

    def test_another_file_is_not_used(self, web: Web, tmp_path: Path) -> None:
        web.pages["/shop.yaml"] = UPSTREAM + b"# new\n"
        top = addon(tmp_path, upstream(web))
        found = finding(top)
        assert found.what == f"{web.url}/shop.yaml is not the file that the addon pins"
        has = sha256(UPSTREAM + b"# new\n")
        assert found.why == f"its SHA-256 is {has}, pinned is {sha256(UPSTREAM)}"
        assert not (tmp_path / "cache" / "kubeinstall" / "addons").exists()

    @pytest.mark.parametrize(
        ("page", "why", "times"),
        [
            (Page(b"gone", 404), "the server says 404 Not Found", 1),
            (Page(b"ill", 503), "the server says 503 Service Unavailable", 3),
            (Page(UPSTREAM, cut=100), f"it was cut off after {len(UPSTREAM) - 100} bytes", 3),
            (Page(status=302, headers={"Location": "file:///etc/passwd"}), "not allowed", 1),
        ],
    )
    def test_what_cannot_be_had(
        self, page: Page, why: str, times: int, web: Web, tmp_path: Path
    ) -> None:
        web.pages["/shop.yaml"] = page
        top = addon(tmp_path, upstream(web))
        found = finding(top)
        assert found.what == f"{web.url}/shop.yaml cannot be downloaded"
        assert why in found.why
        cache = tmp_path / "cache" / "kubeinstall" / "addons" / sha256(UPSTREAM)
        assert found.next.endswith(f"or put the file at {cache}")
        assert web.asked == ["/shop.yaml"] * times

    def test_no_server(self, tmp_path: Path, web: Web) -> None:
        top = addon(tmp_path, {"upstream": [{"url": "http://127.0.0.1:9/x", "sha256": "0" * 64}]})
        assert "Connection refused" in finding(top).why
        assert not web.asked

    @pytest.mark.parametrize(
        ("text", "why"),
        [(b"a: [", "it is not YAML"), (b"<html>", "document 1 in it is no object")],
    )
    def test_no_manifest(self, text: bytes, why: str, web: Web, tmp_path: Path) -> None:
        web.pages["/x"] = text
        top = addon(tmp_path, upstream(web, "/x", text))
        found = finding(top)
        assert found.where == f"{web.url}/x"
        assert found.why.startswith(why)

    def test_through_a_proxy(
        self, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        web.pages["/shop.yaml"] = UPSTREAM
        url = f"http://shop.invalid:{web.server_port}/shop.yaml"
        pin = {"url": url, "sha256": sha256(UPSTREAM)}
        top = addon(tmp_path, {"upstream": [pin]})
        monkeypatch.setattr(socket, "getaddrinfo", _resolved)
        with forward_proxy("127.0.0.1", 0, login="me:secret") as proxy:
            given = f"http://me:secret@127.0.0.1:{proxy.server_port}"
            assert rendered(top, proxy={"http": given})
            assert proxy.asked == [f"shop.invalid:{web.server_port}"]
            assert rendered(top, proxy={"http": given})
            assert len(proxy.asked) == 1
            _forget(tmp_path)
            monkeypatch.setenv("http_proxy", given)
            assert rendered(top, proxy={"http": "http://127.0.0.1:9"})
            assert len(proxy.asked) == 2

    def test_past_the_inventorys_proxy(self, web: Web, tmp_path: Path) -> None:
        web.pages["/shop.yaml"] = UPSTREAM
        top = addon(tmp_path, upstream(web))
        assert rendered(top, proxy={"http": "http://192.0.2.1:9", "no_proxy": ["127.0.0.0/8"]})


class TestChart:
    def test_objects(self, web: Web, tmp_path: Path, helm: programs.Programs) -> None:
        del helm
        pin = repository(web, chart())
        top = addon(
            tmp_path,
            {"chart": {**pin, "values": "values.yaml.j2"}, "images": {"web": "example.org/web:2"}},
        )
        (top / "shop" / "values.yaml.j2").write_text("image: {{ image('web') }}\nreplicas: 2\n")
        made = rendered(top, version="1.34.1", images={"example.org": "mirror.example.org/e"})
        assert kinds(made) == [
            "Namespace shops",
            "CustomResourceDefinition carts.example.org",
            "Deployment shop-web",
        ]
        deployment = one(made, "Deployment")
        assert deployment["metadata"]["namespace"] == "shops"
        assert deployment["spec"]["replicas"] == 2
        template = deployment["spec"]["template"]
        assert template["metadata"]["annotations"] == {"for": "v1.34.1"}
        assert template["spec"]["containers"][0]["image"] == "mirror.example.org/e/web:2"
        assert not [e for d in made for e in errors(d, "1.34", {})]
        given = rendered(top, values={"chart": {"replicas": 3}})
        assert one(given, "Deployment")["spec"]["replicas"] == 3

    def test_what_it_makes_up_is_told(
        self, web: Web, tmp_path: Path, helm: programs.Programs
    ) -> None:
        del helm
        more = {"templates/s.yaml": SECRET}
        top = addon(tmp_path, {"chart": repository(web, chart(**more))})
        (told,) = notices(top)
        assert told.startswith("the chart web 1.2.3 makes up Secret made-up anew each time")
        assert notices(top, values={"chart": {"password": "given"}}) == ()

    def test_offline_after_the_first_time(
        self, web: Web, tmp_path: Path, helm: programs.Programs
    ) -> None:
        del helm
        top = addon(tmp_path, {"chart": repository(web, chart())})
        before = rendered(top)
        web.pages.clear()
        assert rendered(top) == before
        assert web.asked == ["/charts/index.yaml", "/charts/files/web-1.2.3.tgz"]

    def test_no_helm(self, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path_with(monkeypatch)
        found = finding(addon(tmp_path, {"chart": repository(web, chart())}))
        assert found.what == "the chart web 1.2.3 cannot be rendered: there is no helm"
        assert "https://helm.sh/docs/intro/install" in found.next

    def test_what_helm_says_is_told(
        self, web: Web, tmp_path: Path, helm: programs.Programs
    ) -> None:
        del helm
        more = {"templates/x.yaml": '{{ required "name the shop" .Values.name }}'}
        found = finding(addon(tmp_path, {"chart": repository(web, chart(**more))}))
        assert found.what == "the chart web 1.2.3 cannot be rendered"
        assert "name the shop" in found.why

    def test_the_users_own_helm_does_not_count(
        self, web: Web, tmp_path: Path, helm: programs.Programs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing of the user's settings comes in: not even that helm shall be chatty."""
        del helm
        monkeypatch.setenv("HELM_PLUGINS", str(tmp_path / "nowhere"))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "broken"))
        (tmp_path / "broken").write_text("a: [")
        assert rendered(addon(tmp_path / "a", {"chart": repository(web, chart())}))

    @pytest.mark.parametrize(
        ("change", "why", "then"),
        [
            ({"name": "wbe"}, "it has no chart wbe", "did you mean web?"),
            ({"version": "1.2.4"}, "web has no version 1.2.4", "1.2.3"),
            ({"repository": "/none"}, "the server says 404 Not Found", "see whether"),
        ],
    )
    def test_not_in_the_repository(
        self, change: dict[str, str], why: str, then: str, web: Web, tmp_path: Path
    ) -> None:
        pin = repository(web, chart())
        if "repository" in change:
            change = {"repository": web.url + change["repository"]}
        found = finding(addon(tmp_path, {"chart": {**pin, **change}}))
        assert found.why == why
        assert found.next.startswith(then)

    @pytest.mark.parametrize(
        ("index", "why"),
        [
            (b"a: [", "its index.yaml cannot be read: it is not YAML"),
            (b"<html></html>", "its index.yaml is no index of charts"),
            (b"entries: {web: [{version: 1.2.3}]}", "its index names no archive of web 1.2.3"),
        ],
    )
    def test_no_index(self, index: bytes, why: str, web: Web, tmp_path: Path) -> None:
        pin = repository(web, chart())
        web.pages["/charts/index.yaml"] = index
        assert finding(addon(tmp_path, {"chart": pin})).why.startswith(why)

    def test_the_archive_is_gone(self, web: Web, tmp_path: Path) -> None:
        pin = repository(web, chart())
        del web.pages["/charts/files/web-1.2.3.tgz"]
        found = finding(addon(tmp_path, {"chart": pin}))
        assert found.what == f"{web.url}/charts/files/web-1.2.3.tgz cannot be downloaded"
        assert found.next.endswith(f"/kubeinstall/addons/{pin['digest']}")

    def test_another_archive_is_not_used(self, web: Web, tmp_path: Path) -> None:
        pin = repository(web, chart())
        other = chart(**{"templates/more.yaml": "# more"})
        web.pages["/charts/files/web-1.2.3.tgz"] = other
        found = finding(addon(tmp_path, {"chart": pin}))
        assert found.why == f"its SHA-256 is {sha256(other)}, pinned is {pin['digest']}"

    @pytest.mark.parametrize(
        ("archive", "why"),
        [
            (b"PK", "its archive is no chart: "),
            (chart("1.2.2"), "the archive with the pinned digest is web 1.2.2, not web 1.2.3"),
        ],
    )
    def test_no_such_chart(self, archive: bytes, why: str, web: Web, tmp_path: Path) -> None:
        assert finding(addon(tmp_path, {"chart": repository(web, archive)})).why.startswith(why)

    def test_by_its_address(self, web: Web, tmp_path: Path, helm: programs.Programs) -> None:
        del helm
        pin = repository(web, chart())
        pin["repository"] = f"{web.url}/charts/files/web-1.2.3.tgz"
        assert "Deployment shop-web" in kinds(rendered(addon(tmp_path, {"chart": pin})))
        assert web.asked == ["/charts/files/web-1.2.3.tgz"]


class Registry(Web):
    """A registry with one chart that gives a token to everyone, and blobs from elsewhere."""

    def __init__(self, archive: bytes) -> None:
        super().__init__()
        digest = f"sha256:{sha256(archive)}"
        layer = {"mediaType": oci._CHART, "digest": digest, "size": len(archive)}
        manifest = {"schemaVersion": 2, "config": {}, "layers": [layer]}
        self.pages = {
            "/token?service=here&scope=repository%3Acharts%2Fweb%3Apull": b'{"token": "t0"}',
            "/v2/charts/web/manifests/1.2.3": json.dumps(manifest).encode(),
            f"/v2/charts/web/blobs/{digest}": Page(status=307, headers={"Location": "/store"}),
            "/store": archive,
        }

    def page(self, path: str, headers: dict[str, str]) -> Page:
        if path.startswith("/v2/") and headers.get("Authorization") != "Bearer t0":
            scope = "repository:charts/web:pull"
            challenge = f'Bearer realm="{self.url}/token",service="here",scope="{scope}"'
            return Page(status=401, headers={"WWW-Authenticate": challenge})
        if path == "/store" and "Authorization" in headers:
            return Page(status=400)  # as object stores do: one login too many
        return super().page(path, headers)


class TestRegistry:
    def pin(self, registry: Web, archive: bytes) -> dict[str, Any]:
        address = registry.url.replace("http://", "oci://")
        pin = {"repository": f"{address}/charts", "name": "web", "version": "1.2.3"}
        return {"chart": {**pin, "digest": sha256(archive)}}

    def test_objects(self, web: Web, tmp_path: Path, helm: programs.Programs) -> None:
        del helm, web
        with serving(Registry(chart())) as registry:
            made = rendered(addon(tmp_path, self.pin(registry, chart())))
        assert "Deployment shop-web" in kinds(made)

    def test_another_digest(self, web: Web, tmp_path: Path) -> None:
        del web
        with serving(Registry(chart())) as registry:
            found = finding(addon(tmp_path, self.pin(registry, b"other")))
        assert found.what.endswith("/charts/web:1.2.3 is not the chart that is pinned")
        assert found.why == f"its digest is {sha256(chart())}, pinned is {sha256(b'other')}"

    def test_no_chart(self, web: Web, tmp_path: Path) -> None:
        del web
        with serving(Registry(chart())) as registry:
            registry.pages["/v2/charts/web/manifests/1.2.3"] = b'{"layers": []}'
            found = finding(addon(tmp_path / "a", self.pin(registry, chart())))
            assert found.why == "there is something else than a Helm chart"
            del registry.pages["/v2/charts/web/manifests/1.2.3"]
            found = finding(addon(tmp_path / "b", self.pin(registry, chart())))
            assert found.why == "the server says 404 Not Found"

    def test_a_login_is_wanted(self, web: Web, tmp_path: Path) -> None:
        del web
        with serving(Registry(chart())) as registry:
            registry.pages = {}
            found = finding(addon(tmp_path, self.pin(registry, chart())))
        assert found.why == "the server says 401 Unauthorized"


class TestKustomization:
    def files(self, top: Path, **more: str) -> Path:
        addon(top, {}, kustomization="kustomize/prod", values=VALUES)
        files = {
            "base/kustomization.yaml": "resources: [shop.yaml]\n",
            "base/shop.yaml": UPSTREAM.decode(),
            "prod/kustomization.yaml": "bases: [../base]\nnamePrefix: my-\n"
            "patchesStrategicMerge: [replicas.yaml]\n",
            "prod/replicas.yaml.j2": "apiVersion: apps/v1\nkind: Deployment\n"
            "metadata: {name: shop, namespace: shops}\nspec: {replicas: {{ values.replicas }}}\n",
            **{name.replace("__", "/") + ".yaml": text for name, text in more.items()},
        }
        for name, text in files.items():
            path = top / "shop" / "kustomize" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return top

    def test_objects(self, web: Web, tmp_path: Path, helm: programs.Programs) -> None:
        del web, helm
        made = rendered(self.files(tmp_path), images={"example.org": "mirror.example.org"})
        assert kinds(made) == ["Namespace shops", "ServiceAccount my-shop", "Deployment my-shop"]
        assert one(made, "Deployment")["spec"]["replicas"] == 4
        containers = one(made, "Deployment")["spec"]["template"]["spec"]["containers"]
        assert containers[0]["image"] == "mirror.example.org/shop:1"

    def test_a_slash_at_the_end(self, web: Web, tmp_path: Path, helm: programs.Programs) -> None:
        del web, helm
        top = self.files(tmp_path)
        addon(top, {}, kustomization="kustomize/prod/", values=VALUES)
        assert "Deployment my-shop" in kinds(rendered(top))

    def test_no_kubectl(self, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        del web
        path_with(monkeypatch)
        found = finding(self.files(tmp_path))
        assert found.what.endswith(
            "addon shop cannot be rendered: there is no kustomize or kubectl"
        )

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("resources: ['https://example.org/x.yaml']", "resources: https://example.org/x.yaml"),
            ("bases: ['github.com/example/shop?ref=v1']", "bases: github.com/example/shop?ref=v1"),
            ("resources: [../../../other]", "resources: ../../../other"),
            ("patches: [{path: 'https://example.org/p.yaml'}]", "https://example.org/p.yaml"),
        ],
    )
    def test_nothing_comes_from_elsewhere(
        self, text: str, why: str, web: Web, tmp_path: Path
    ) -> None:
        del web
        found = finding(self.files(tmp_path, prod__kustomization=text))
        assert found.why == f"{why}: it is not in the addon's folder"
        assert found.where.endswith("/shop/kustomize/prod/kustomization.yaml")

    @pytest.mark.parametrize(
        ("text", "why"), [("a: [", "it is not YAML"), ("[]", "it is no kustomization")]
    )
    def test_no_kustomization(self, text: str, why: str, web: Web, tmp_path: Path) -> None:
        del web
        found = finding(self.files(tmp_path, prod__kustomization=text))
        assert found.why.startswith(why)

    def test_what_kustomize_says_is_told(
        self, web: Web, tmp_path: Path, helm: programs.Programs
    ) -> None:
        del web, helm
        text = "bases: [../base]\npatchesStrategicMerge: [none.yaml]\n"
        found = finding(self.files(tmp_path, prod__kustomization=text))
        assert "none.yaml" in found.why


VALUES = {"replicas": {"type": "integer", "default": 4, "description": "Pods."}}


def test_patches(web: Web, tmp_path: Path) -> None:
    web.pages["/shop.yaml"] = UPSTREAM
    pin = upstream(web)
    top = addon(tmp_path, pin, patches="patches.yaml.j2", values=VALUES)
    patches = top / "shop" / "patches.yaml.j2"
    patches.write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\n"
        "spec: {replicas: {{ values.replicas }}}\n"
        "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: shop}\n$patch: delete\n"
    )
    made = rendered(top)
    assert kinds(made) == ["Namespace shops", "Deployment shop"]
    assert one(made, "Deployment")["spec"]["replicas"] == 4
    patches.write_text("apiVersion: v1\nkind: Deployment\nmetadata: {name: shop}\n")
    found = finding(top)
    assert found.where == str(patches)
    assert found.why == (
        "the patch of Deployment shop (v1) is for no object; "
        "there is Deployment shops/shop (apps/v1)"
    )


_LOOK_UP = socket.getaddrinfo


def _resolved(name: str, *rest: Any, **more: Any) -> Any:
    """Only the proxy's side knows where shop.invalid is."""
    return _LOOK_UP("127.0.0.1" if name == "shop.invalid" else name, *rest, **more)


def _forget(top: Path) -> None:
    for path in (top / "cache" / "kubeinstall" / "addons").iterdir():
        path.unlink()
