"""The examples of docs/addons/writing.md are addons that work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubeinstall.addons.render import Rendered, render_all
from kubeinstall.inventory.catalogue.chosen import chosen
from kubeinstall.inventory.model import AddonChoice
from tests import programs
from tests.pages import fenced
from tests.render.published import chart, kinds, one, path_with, repository, sha256
from tests.render.published import web as web
from tests.unit.clusters import cluster
from tests.web import Web

pytestmark = pytest.mark.render

APPLES = b"""
apiVersion: apps/v1
kind: Deployment
metadata: {name: apples}
spec: {replicas: 1}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: left-over}
"""


def examples(top: Path, web: Web) -> Path:
    """The page's files below a folder, with addresses and checksums of the test's server."""
    pin = repository(web, chart())
    web.pages["/apples/v1.4.0/install.yaml"] = APPLES
    for text in fenced("docs/addons/writing.md"):
        if not text.startswith("# "):
            continue
        name, _, content = text.removeprefix("# ").partition("\n")
        content = content.replace("https://example.org", web.url)
        content = content.replace("https://charts.example.org", pin["repository"])
        content = re.sub(r"(sha256: )0+\b", rf"\g<1>{sha256(APPLES)}", content)
        content = re.sub(r"(digest: )0+\b", rf"\g<1>{pin['digest']}", content)
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return top


@pytest.fixture
def addons(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Rendered]:
    path_with(monkeypatch, programs.folder(programs.OLD))
    top = examples(tmp_path / "my-addons", web)
    names = sorted(path.name for path in top.iterdir())
    choices = {name: AddonChoice(values={}) for name in names}
    made = cluster(version="1.28.3", addon_folders=[top], addons=choices)
    return {rendered.name: rendered for rendered in render_all(made, chosen(made))}


def test_examples(addons: dict[str, Rendered]) -> None:
    assert {name: kinds(list(rendered.objects)) for name, rendered in addons.items()} == {
        "shop": ["Namespace shop", "Deployment shop"],
        "apples": ["Namespace apples", "Deployment apples"],
        "pears": [
            "Namespace pears",
            "CustomResourceDefinition carts.example.org",
            "Deployment pears-web",
        ],
        "plums": ["Namespace plums", "Deployment prod-plums"],
    }
    replicas = {
        name: one(list(rendered.objects), "Deployment")["spec"]["replicas"]
        for name, rendered in addons.items()
    }
    assert replicas == {"shop": 2, "apples": 2, "pears": 2, "plums": 2}


def test_an_example_follows_the_kubernetes_version(addons: dict[str, Rendered]) -> None:
    assert addons["shop"].title == "shop 1.8.4"
    assert addons["shop"].notices == ("Open http://shop.shop.svc.cluster.local in the cluster.",)
