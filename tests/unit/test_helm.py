"""Helm on the control planes."""

from __future__ import annotations

import pytest

from kubeinstall.deploys.kubernetes.packages import install
from kubeinstall.inventory.model import Cluster
from tests.unit.clusters import cluster
from tests.unit.recorded import commands, recording

pytestmark = pytest.mark.unit

HELM = {"url": "https://get.helm.sh/helm-v4.2.4-linux-amd64.tar.gz", "sha256": "a" * 64}


def names(made: Cluster) -> list[str]:
    return list(commands(recording("debian-12"), made, install))


def test_only_when_the_inventory_names_an_archive() -> None:
    assert "Install Helm from its archive" in names(cluster(helm=HELM))
    assert "Install Helm from its archive" not in names(cluster())


def test_only_on_control_planes() -> None:
    made = cluster(helm=HELM)
    workers_only = made.model_copy(update={"hosts": (made.workers[0], *made.hosts)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cluster, "first", property(lambda c: c.hosts[0]))
        assert "Install Helm from its archive" not in names(workers_only)
