"""One default class of a kind, whoever wrote the objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.addons.defaults import several_defaults
from kubeinstall.addons.render import render_all
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.catalogue.chosen import chosen
from tests.unit.clusters import cluster

pytestmark = pytest.mark.unit


def made(kind: str, name: str, default: object = "true") -> dict[str, Any]:
    mark = f"{kind.lower()}.kubernetes.io/is-default-class"
    if kind == "StorageClass":
        mark = "storageclass.kubernetes.io/is-default-class"
    metadata = {"name": name, "annotations": {mark: default}}
    return {"apiVersion": "storage.k8s.io/v1", "kind": kind, "metadata": metadata}


def test_one_of_each_kind_is_well() -> None:
    mine = [made("StorageClass", "disk"), made("StorageClass", "slow", "false")]
    assert list(several_defaults([("a", mine), ("b", [made("IngressClass", "web")])])) == []
    assert list(several_defaults([("a", [{"kind": "StorageClass", "metadata": None}])])) == []


def test_two_are_told_with_their_addons() -> None:
    [finding] = several_defaults(
        [("a", [made("StorageClass", "disk")]), ("b", [made("StorageClass", "net")])]
    )
    assert finding.what == "more than one default StorageClass: disk of addon a, net of addon b"
    assert "storageclass.kubernetes.io/is-default-class" in finding.next


def test_a_class_in_a_configmap_counts() -> None:
    text = yaml.safe_dump(made("StorageClass", "longhorn"))
    config = {"kind": "ConfigMap", "data": {"storageclass.yaml": text, "x": "is-default-class: ["}}
    [finding] = several_defaults([("a", [made("StorageClass", "disk")]), ("longhorn", [config])])
    assert "longhorn of addon longhorn" in finding.what


def test_it_is_told_before_anything_is_applied(tmp_path: Path) -> None:
    for name in ("a", "b"):
        manifests = tmp_path / name / "manifests"
        manifests.mkdir(parents=True)
        file = {"name": name, "title": name, "releases": [{"version": "1"}]}
        (tmp_path / name / "addon.yaml").write_text(yaml.safe_dump(file))
        (manifests / "class.yaml").write_text(yaml.safe_dump(made("StorageClass", f"disk-{name}")))
    whole = cluster(addons={"a": {}, "b": {}}, addon_folders=[tmp_path])
    with pytest.raises(KubeinstallError) as raised:
        render_all(whole, chosen(whole))
    assert "disk-a of addon a, disk-b of addon b" in raised.value.findings[0].what
