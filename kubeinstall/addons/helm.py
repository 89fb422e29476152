"""A Helm chart as objects: ``helm template``, never a release of helm's.

What is applied, pruned and looked after is kubeinstall's either way, so helm only fills in the
chart's templates. Source: helm.sh/docs/helm/helm_template, helm.sh/docs/topics/charts_hooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import yaml

from kubeinstall.addons.builder import Build
from kubeinstall.addons.objects import Object
from kubeinstall.addons.templating import render_file
from kubeinstall.inventory.catalogue.chosen import Chosen
from kubeinstall.inventory.catalogue.model import Chart
from kubeinstall.inventory.model import Cluster

_HOOK = "helm.sh/hook"
_APPLIED_HOOKS = frozenset({"pre-install", "post-install", "pre-upgrade", "post-upgrade"})
_MANAGED = ("app.kubernetes.io/managed-by", "Helm")
_ADVICE = (
    "install helm 3.8 or later on this machine (https://helm.sh/docs/intro/install), or on the "
    "control planes with cluster.helm"
)


def build(cluster: Cluster, one: Chosen, chart: Chart, archive: bytes) -> Build:
    """The run of helm that fills in a chart's templates.

    The addon's own values come first, then what the inventory says in ``values.chart``; helm lays
    them on the chart's.

    Args:
        archive: the chart's .tgz.

    Raises:
        KubeinstallError: the template of the values cannot be filled in.
    """
    files = {"chart.tgz": archive}
    if chart.values:
        files["addon.yaml"] = render_file(cluster, one, chart.values).encode()
    if given := one.values.get("chart"):
        files["inventory.yaml"] = yaml.safe_dump(given).encode()
    command = ["helm", "template", one.name, "chart.tgz", "--include-crds"]
    command += ["--namespace", one.addon.file.namespace, "--kube-version", str(cluster.version)]
    for name in [name for name in files if name != "chart.tgz"]:
        command += ["--values", name]
    return Build(f"the chart {chart.name} {chart.version}", files, [command], _ADVICE)


def own(documents: Iterable[Object]) -> Iterator[Object]:
    """A chart's objects as objects that helm does not know of.

    Of its hooks only those of an installation or upgrade are left, as objects like the others;
    tests, and what helm runs when it deletes or rolls back, are not.
    """
    for document in documents:
        metadata = document["metadata"]
        annotations, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
        hooks = {hook.strip() for hook in str(annotations.get(_HOOK, "")).split(",")} - {""}
        if hooks and not hooks & _APPLIED_HOOKS:
            continue
        kept = {
            **metadata,
            "annotations": {k: v for k, v in annotations.items() if not k.startswith(_HOOK)},
            "labels": {k: v for k, v in labels.items() if (k, v) != _MANAGED},
        }
        made = {**document, "metadata": kept}
        if hooks and document["kind"] == "Job":
            # helm runs it once; gone by itself, it would be missed and made again by every run.
            made["spec"] = {
                k: v for k, v in document["spec"].items() if k != "ttlSecondsAfterFinished"
            }
        yield made
