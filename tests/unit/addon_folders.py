"""Addons for tests: their folders, and the cluster's answer as if they had been applied."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from kubeinstall.addons.objects import MANAGER, Object
from kubeinstall.addons.render import Rendered, render_all
from kubeinstall.inventory.catalogue.chosen import chosen, levels
from kubeinstall.inventory.model import AddonChoice, Cluster
from tests.unit.clusters import cluster


def deployment(name: str, replicas: int = 1) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}},
    }


def config(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def folder(top: Path, name: str, *documents: Object, **more: Any) -> None:
    """Write an addon's folder; without documents it has a Deployment of its name."""
    (top / name / "manifests").mkdir(parents=True, exist_ok=True)
    file = {"name": name, "title": "A test", "releases": [{"version": "1.0"}], "namespace": name}
    (top / name / "addon.yaml").write_text(yaml.safe_dump({**file, **more}))
    text = yaml.safe_dump_all(documents or (deployment(name),))
    (top / name / "manifests" / "all.yaml").write_text(text)


def with_addons(top: Path, **choices: Any) -> Cluster:
    """A cluster with addons of that folder."""
    chosen_ = {name: AddonChoice.model_validate(choice) for name, choice in choices.items()}
    return cluster(workers=1, addon_folders=[top], addons=chosen_)


def rendered(made: Cluster) -> list[Rendered]:
    """Its addons, in their order."""
    return render_all(made, [one for level in levels(chosen(made)) for one in level])


def applied(document: Object) -> Object:
    """An object as the API server has it after we applied it, and it became ready."""
    live = deepcopy(document)
    body = {k: v for k, v in live.items() if k not in ("apiVersion", "kind")}
    body["metadata"] = {k: body["metadata"][k] for k in ("labels", "annotations")}
    entry = {
        "manager": MANAGER,
        "operation": "Apply",
        "apiVersion": live["apiVersion"],
        "fieldsV1": _fields(body),
    }
    live["metadata"] |= {"managedFields": [entry], "generation": 1}
    if live["kind"] == "Deployment":
        count = live["spec"]["replicas"]
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        live["status"] = {"observedGeneration": 1, **dict.fromkeys(counts, count)}
    return live


def _fields(value: Any) -> dict[str, Any]:
    """FieldsV1 of a value; its lists are whole."""
    if not isinstance(value, dict):
        return {}
    return {f"f:{name}": _fields(item) for name, item in value.items()}
