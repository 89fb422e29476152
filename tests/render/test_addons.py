"""Every shipped addon: rendered for each Kubernetes it claims, and judged.

A case is a file ``addons/ADDON/CASE.yaml`` beside this one with ``values`` and, where they matter,
``cluster`` settings; ``default`` is there wherever no value is needed. After a wanted change:
``pytest tests/render --update-golden``, and read the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeinstall.addons.image_names import full_name, images
from kubeinstall.addons.objects import APPLIED, group
from kubeinstall.addons.render import render_all
from kubeinstall.inventory.catalogue import values
from kubeinstall.inventory.catalogue.chosen import Chosen
from kubeinstall.inventory.catalogue.folders import find, names
from kubeinstall.inventory.catalogue.model import Addon
from kubeinstall.inventory.model import AddonChoice
from kubeinstall.releases import Version
from tests.render.offline import Offline
from tests.render.schemas import VERSIONS, errors, schemas_of
from tests.unit.clusters import cluster

pytestmark = pytest.mark.render

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "addons"
MIRROR = "mirror.example.org"
_WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
_CRD = "CustomResourceDefinition"

WILDCARDS: dict[str, str] = {}
"""Roles that may use a wildcard, and why."""
_SIDECAR = "the driver beside it is probed; upstream has none either"
WITHOUT_PROBES: dict[str, str] = {
    "coredns/coredns": "kubeadm's own object, which has them: only the rest of it is ours",
    "csi-nfs-controller/csi-provisioner": _SIDECAR,
    "csi-nfs-controller/csi-resizer": _SIDECAR,
    "csi-nfs-controller/liveness-probe": _SIDECAR,
    "csi-nfs-node/liveness-probe": _SIDECAR,
    "csi-nfs-node/node-driver-registrar": _SIDECAR,
}
"""Containers (workload/container) that have no probe, and why."""
_BY_URL = "its CRDs are upstream's, by URL and SHA-256"
DOWNLOADED: dict[str, str] = {
    "gateway.networking.k8s.io": _BY_URL,
    "metallb.io": _BY_URL,
    "ceph.rook.io": _BY_URL,
    "projectcontour.io": _BY_URL,
    "crd.projectcalico.org": _BY_URL,
    "operator.tigera.io": _BY_URL,
}
"""API groups of custom resources whose CRDs are not here, and why."""


def addon_of(name: str) -> Addon:
    addon = find(name)
    assert addon
    return addon


def cases() -> Iterator[tuple[str, str]]:
    """Each addon with each of its cases."""
    for name in names():
        needed = [v for v, s in addon_of(name).file.values.items() if "default" not in s]
        if not needed:
            yield name, "default"
        for path in sorted((HERE / "addons" / name).glob("*.yaml")):
            yield name, path.stem


CASES = list(cases())


def minors(addon: Addon) -> list[str]:
    """The Kubernetes minors that an addon claims and that there are schemas of."""
    return [m for m in VERSIONS if addon.release(Version.parse(f"{m}.0"))]


@cache
def rendered(name: str, case: str, minor: str) -> tuple[dict[str, Any], ...]:
    """The objects of an addon."""
    addon = addon_of(name)
    path = HERE / "addons" / name / f"{case}.yaml"
    said = yaml.safe_load(path.read_text()) if path.is_file() else {}
    given = said.get("values", {})
    assert not list(values.problems(addon, given))
    version = Version.parse(f"{minor}.0")
    release = addon.release(version)
    assert release
    starts = {full_name(image).partition("/")[0] for image in release.images.values()}
    mirrored = {start: f"{MIRROR}/{start}" for start in starts}
    made = cluster(version=str(version), **{"images": mirrored, **said.get("cluster", {})})
    choice = AddonChoice(values=given)
    one = Chosen(addon, release, values.merged(addon, given), choice)
    return render_all(made, [one], Offline())[0].objects


@pytest.mark.parametrize(("name", "case"), CASES)
def test_valid_for_every_kubernetes_it_claims(name: str, case: str) -> None:
    claimed = minors(addon_of(name))
    assert claimed, "no Kubernetes that there is a schema of"
    if case != "default":
        claimed = sorted({claimed[0], claimed[-1]})
    for minor in claimed:
        documents = list(rendered(name, case, minor))
        crds = schemas_of(documents)
        here = [d for d in documents if group(d) not in DOWNLOADED]
        wrong = [e for d in here for e in errors(d, minor, crds)]
        assert not wrong, f"Kubernetes {minor}: {wrong}"


@pytest.mark.parametrize(("name", "case"), CASES)
def test_golden(name: str, case: str, as_golden: Callable[[Path, str], None]) -> None:
    """As it was last looked at; CRDs are upstream's text, and in the addon's folder already."""
    newest = minors(addon_of(name))[-1]
    own = [_unmarked(d) for d in rendered(name, case, newest) if d["kind"] != _CRD]
    text = yaml.safe_dump_all(own, sort_keys=True, width=100)
    as_golden(GOLDEN / f"{name}-{case}.yaml", text)


def _unmarked(document: dict[str, Any]) -> dict[str, Any]:
    """An object without the hash of itself, which changes with all of it."""
    metadata = document["metadata"]
    kept = {k: v for k, v in metadata["annotations"].items() if k != APPLIED}
    return {**document, "metadata": {**metadata, "annotations": kept}}


@pytest.mark.parametrize(("name", "case"), CASES)
def test_all_images_follow_the_inventory(name: str, case: str) -> None:
    for image in images(list(rendered(name, case, minors(addon_of(name))[-1]))):
        assert image.startswith(f"{MIRROR}/"), image
        assert ":" in image.rpartition("/")[2] or "@sha256:" in image, f"{image} is not pinned"


@pytest.mark.parametrize(("name", "case"), CASES)
def test_workloads_ask_for_what_they_use(name: str, case: str) -> None:
    for document in rendered(name, case, minors(addon_of(name))[-1]):
        if document["kind"] not in _WORKLOADS:
            continue
        template = document["spec"]["template"]["spec"]
        for container in template["containers"]:
            where = f"{document['metadata']['name']}/{container['name']}"
            requests = container.get("resources", {}).get("requests", {})
            assert {"cpu", "memory"} <= set(requests), where
            if where not in WITHOUT_PROBES:
                assert "readinessProbe" in container or "livenessProbe" in container, where


@pytest.mark.parametrize(("name", "case"), CASES)
def test_rights_are_named_one_by_one(name: str, case: str) -> None:
    for document in rendered(name, case, minors(addon_of(name))[-1]):
        if document["kind"] not in ("Role", "ClusterRole"):
            continue
        where = f"{name}: {document['kind']} {document['metadata']['name']}"
        for rule in document.get("rules") or []:
            said = [w for part in ("apiGroups", "resources", "verbs") for w in rule.get(part, [])]
            assert "*" not in said or where in WILDCARDS, where


@pytest.mark.parametrize("name", names())
def test_the_folder_holds_what_its_file_names(name: str) -> None:
    addon = addon_of(name)
    assert addon.file.home.startswith("https://")
    templates = [p for p in addon.folder.rglob("*") if p.is_file()]
    text = "".join(path.read_text() for path in templates)
    for release in addon.file.releases:
        for image in release.images:
            used = f"image('{image}')" in text or release.upstream
            assert used, f"image {image} is used nowhere"


def test_no_case_is_left_over() -> None:
    for path in (HERE / "addons").glob("*/*.yaml"):
        assert (path.parent.name, path.stem) in CASES
    golden = {f"{name}-{case}.yaml" for name, case in CASES}
    assert {path.name for path in GOLDEN.iterdir()} == golden
