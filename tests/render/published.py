"""What others publish, on a server of the test's own, and addons that apply it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.addons import downloads
from kubeinstall.addons.objects import Object
from kubeinstall.addons.render import Rendered, render_all
from kubeinstall.findings import Finding, KubeinstallError
from kubeinstall.inventory.catalogue.chosen import chosen
from kubeinstall.inventory.model import AddonChoice
from tests import programs
from tests.unit.clusters import cluster
from tests.web import Web, serving

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
