"""Addons that apply a Helm chart, from a repository or a registry, filled in by the real helm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.addons import oci
from tests import programs
from tests.render.published import (
    SECRET,
    addon,
    chart,
    finding,
    kinds,
    notices,
    one,
    path_with,
    rendered,
    repository,
    sha256,
)
from tests.render.published import helm as helm
from tests.render.published import web as web
from tests.render.schemas import errors
from tests.web import Page, Web, serving

pytestmark = pytest.mark.render


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
        assert told.startswith("the chart web 1.2.3 generates Secret made-up at random")
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
            ({"repository": "/none"}, "the server returned 404 Not Found", "check the address"),
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
            (b"<html></html>", "its index.yaml is not a chart index"),
            (b"entries: {web: [{version: 1.2.3}]}", "its index has no archive of web 1.2.3"),
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
        assert found.why == f"its SHA-256 is {sha256(other)}, but {pin['digest']} is pinned"

    @pytest.mark.parametrize(
        ("archive", "why"),
        [
            (b"PK", "its archive is not a chart: "),
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
        assert found.why == f"its digest is {sha256(chart())}, but {sha256(b'other')} is pinned"

    def test_no_chart(self, web: Web, tmp_path: Path) -> None:
        del web
        with serving(Registry(chart())) as registry:
            registry.pages["/v2/charts/web/manifests/1.2.3"] = b'{"layers": []}'
            found = finding(addon(tmp_path / "a", self.pin(registry, chart())))
            assert found.why == "it is not a Helm chart"
            del registry.pages["/v2/charts/web/manifests/1.2.3"]
            found = finding(addon(tmp_path / "b", self.pin(registry, chart())))
            assert found.why == "the server returned 404 Not Found"

    def test_a_login_is_wanted(self, web: Web, tmp_path: Path) -> None:
        del web
        with serving(Registry(chart())) as registry:
            registry.pages = {}
            found = finding(addon(tmp_path, self.pin(registry, chart())))
        assert found.why == "the server returned 401 Unauthorized"
