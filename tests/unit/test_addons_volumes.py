"""An addon whose volumes are in use does not go, unless it is asked for by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubeinstall.addons import parents
from kubeinstall.addons.changes import Live, change, removal
from kubeinstall.addons.objects import Object
from kubeinstall.addons.volumes import Held, held_by, provisioners
from kubeinstall.findings import KubeinstallError
from kubeinstall.phases import addons
from tests.unit.addon_folders import applied, folder, rendered, with_addons
from tests.unit.played_addons import again, session_of, started

pytestmark = pytest.mark.unit

CLASS: Object = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "fast"},
    "provisioner": "disks.example.org",
}
DRIVER: Object = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "CSIDriver",
    "metadata": {"name": "csi.example.org"},
}


def volume(name: str, by: str = "", driver: str = "", phase: str = "Bound", **spec: Any) -> Object:
    csi = {"csi": {"driver": driver}} if driver else {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": by}},
        "spec": {"claimRef": {"namespace": "shop", "name": f"data-{name}"}, **csi, **spec},
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(
    ("found", "held"),
    [
        (volume("a", by="disks.example.org"), True),
        (volume("a", driver="csi.example.org"), True),
        (volume("a", by="other.example.org"), False),
        (volume("a"), False),
        (volume("a", by="disks.example.org", phase="Available"), False),
        (volume("a", by="disks.example.org", phase="Released"), False),
        (
            volume(
                "a",
                by="disks.example.org",
                phase="Released",
                persistentVolumeReclaimPolicy="Delete",
            ),
            True,
        ),
        ({"kind": "PersistentVolume", "metadata": {"name": "a"}}, False),
    ],
)
def test_a_volume_is_held_by_who_made_it(found: Object, held: bool) -> None:
    makers = provisioners([CLASS, DRIVER])
    assert makers == {"disks.example.org", "csi.example.org"}
    assert held_by(makers, [found]) == ((Held("a", "shop/data-a"),) if held else ())


def test_volumes_that_kubernetes_itself_looks_after_hold_nothing() -> None:
    none = {**CLASS, "provisioner": "kubernetes.io/no-provisioner"}
    assert provisioners([none, {"kind": "ConfigMap", "metadata": {"name": "x"}}]) == frozenset()


def test_who_makes_volumes_is_kept_after_the_classes_are_gone(tmp_path: Path) -> None:
    """What a program registers by itself is in nobody's manifests: the addon's file says it."""
    folder(tmp_path, "disks", CLASS, provisioners=["own.example.org"])
    one = rendered(with_addons(tmp_path, disks={}))[0]
    parent = change(one, Live({}, [])).before or {}
    assert parent["metadata"]["annotations"][parents.PROVISIONERS] == (
        "disks.example.org,own.example.org"
    )
    assert removal("disks", Live({"disks": parent}, [])).provisioners == {
        "disks.example.org",
        "own.example.org",
    }
    del parent["metadata"]["annotations"][parents.PROVISIONERS]
    older = Live({"disks": parent}, [applied(d) for d in one.objects])
    assert removal("disks", older).provisioners == {"disks.example.org"}


def test_it_stays_with_a_finding_that_lists_the_claims_and_the_others_go(tmp_path: Path) -> None:
    folder(tmp_path, "disks", CLASS)
    folder(tmp_path, "other")
    run, server, memory = started(with_addons(tmp_path, disks={}, other={}))
    addons.run(run)
    server.volumes = [volume(f"v{n}", by="disks.example.org") for n in range(7)]
    again(run, memory)
    again(run, memory, with_addons(tmp_path))
    for dry in (True, False):
        run.dry = dry
        with pytest.raises(KubeinstallError) as error:
            addons.run(run)
        [finding] = error.value.findings
        assert finding.what == "addon disks was not removed"
        assert "shop/data-v0 (v0), " in finding.why
        assert finding.why.endswith(", and 2 more")
        assert finding.next.endswith("--abandon-volumes disks")
    assert memory.done == ["Remove other", "Remove other"]
    assert list(server.parents) == ["disks"]
    run.abandoned = frozenset({"disks"})
    again(run, memory)
    addons.run(run)
    assert memory.done == ["Remove disks"]


def test_it_goes_once_nothing_is_bound_and_others_ask_nothing(tmp_path: Path) -> None:
    folder(tmp_path, "disks", CLASS)
    folder(tmp_path, "other")
    run, _, memory = started(with_addons(tmp_path, disks={}, other={}))
    addons.run(run)
    again(run, memory, with_addons(tmp_path, disks={}))
    addons.run(run)
    assert not [c for _, c in session_of(run).asked if "persistentvolumes" in c], (
        "no further round trip"
    )
    again(run, memory, with_addons(tmp_path))
    addons.run(run)
    assert memory.done == ["Remove disks"]


def test_nothing_is_removed_while_the_volumes_are_not_known(tmp_path: Path) -> None:
    folder(tmp_path, "disks", CLASS)
    run, server, memory = started(with_addons(tmp_path, disks={}))
    addons.run(run)
    server.volumes = "Error from server: etcdserver: request timed out"
    again(run, memory, with_addons(tmp_path))
    with pytest.raises(KubeinstallError) as error:
        addons.run(run)
    assert "request timed out" in error.value.findings[0].why
    assert memory.done == []
