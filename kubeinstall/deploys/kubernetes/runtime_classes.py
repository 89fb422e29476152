"""The cluster's runtime classes; runs on a control plane."""

from __future__ import annotations

from pyinfra.api.deploy import deploy

from kubeinstall.deploys.inputs import Inputs
from kubeinstall.files import runtime_classes as runtime_class_files
from kubeinstall.operations import runtime_classes as operations


@deploy("runtime classes")
def runtime_classes(inputs: Inputs | None = None) -> None:
    """Have the inventory's classes in the cluster, and none that it no longer names."""
    inputs = inputs or Inputs.plain()
    wanted = runtime_class_files.names(inputs.cluster)
    operations.runtime_classes(wanted=wanted, name="Apply the runtime classes")
