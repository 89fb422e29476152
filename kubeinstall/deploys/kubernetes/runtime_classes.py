"""The cluster's runtime classes; runs on a control plane."""

from __future__ import annotations

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.files import runtime_classes as runtime_class_files
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations import runtime_classes as operations


@deploy("runtime classes")
def runtime_classes() -> None:
    """Have the inventory's classes in the cluster, and none that it no longer names."""
    cluster: Cluster = host.data.cluster
    wanted = runtime_class_files.names(cluster)
    operations.runtime_classes(wanted=wanted, name="Name the runtime classes")
