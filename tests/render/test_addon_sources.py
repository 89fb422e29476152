"""Addons that apply a manifest of upstream's or a kustomization, and patches of either."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from tests import programs
from tests.forward_proxy import forward_proxy
from tests.render.published import (
    UPSTREAM,
    addon,
    finding,
    kinds,
    one,
    path_with,
    rendered,
    sha256,
    upstream,
)
from tests.render.published import helm as helm
from tests.render.published import web as web
from tests.render.schemas import errors
from tests.web import Page, Web

pytestmark = pytest.mark.render


VALUES = {"replicas": {"type": "integer", "default": 4, "description": "Pods."}}


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
        assert found.why == f"its SHA-256 is {has}, but {sha256(UPSTREAM)} is pinned"
        assert not (tmp_path / "cache" / "kubeinstall" / "addons").exists()

    @pytest.mark.parametrize(
        ("page", "why", "times"),
        [
            (Page(b"gone", 404), "the server returned 404 Not Found", 1),
            (Page(b"ill", 503), "the server returned 503 Service Unavailable", 3),
            (Page(UPSTREAM, cut=100), f"the download ended after {len(UPSTREAM) - 100} bytes", 3),
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
        assert found.next.endswith(f"or save the file as {cache}")
        assert web.asked == ["/shop.yaml"] * times

    def test_no_server(self, tmp_path: Path, web: Web) -> None:
        top = addon(tmp_path, {"upstream": [{"url": "http://127.0.0.1:9/x", "sha256": "0" * 64}]})
        assert "Connection refused" in finding(top).why
        assert not web.asked

    @pytest.mark.parametrize(
        ("text", "why"),
        [(b"a: [", "it is not YAML"), (b"<html>", "document 1 in it is not an object")],
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
        ("text", "why"), [("a: [", "it is not YAML"), ("[]", "it is not a kustomization")]
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
        "the patch of Deployment shop (v1) matches no object; "
        "there is Deployment shops/shop (apps/v1)"
    )


_LOOK_UP = socket.getaddrinfo


def _resolved(name: str, *rest: Any, **more: Any) -> Any:
    """Only the proxy's side knows where shop.invalid is."""
    return _LOOK_UP("127.0.0.1" if name == "shop.invalid" else name, *rest, **more)


def _forget(top: Path) -> None:
    for path in (top / "cache" / "kubeinstall" / "addons").iterdir():
        path.unlink()
