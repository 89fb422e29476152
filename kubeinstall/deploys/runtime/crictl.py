"""crictl, for whichever runtime there is."""

from __future__ import annotations

from kubeinstall.files.crictl import crictl_yaml
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.files import Holds, managed_file


def configure(cluster: Cluster) -> None:
    """Tell crictl where the runtime is; it need not be installed."""
    file = crictl_yaml(cluster)
    managed_file(path=file.path, content=file.content, holds=Holds.PUBLIC, name="Configure crictl")
