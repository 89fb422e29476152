"""The ``images`` phase: kubeadm's images are on the host before kubeadm starts anything.

It also waits for the clock, which has had since the ``hosts`` phase to get in step: what comes next
makes certificates.
"""

from __future__ import annotations

from pyinfra.api.deploy import deploy

from kubeinstall.deploys import clock
from kubeinstall.deploys.inputs import SystemInputs
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.files import proxy as proxy_files
from kubeinstall.inventory.model import Cluster, Host, RuntimeName
from kubeinstall.operations.images import pulled

_CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "coredns")
_ADDONS = ("coredns", "kube-proxy")


@deploy("Pull the Kubernetes images")
def pull(inputs: SystemInputs | None = None) -> None:
    """The images of kubeadm's own list that the host needs to become a node; the clock in step."""
    inputs = inputs or SystemInputs.plain()
    cluster, node = inputs.cluster, inputs.host
    pulled(
        config=kubeadm_files.images_config(cluster, node),
        docker=cluster.spec.runtime.name is RuntimeName.DOCKER,
        left_out=left_out(cluster, node),
        required=required(cluster),
        environment=proxy_files.environment_file(cluster),
        logins=tuple(
            name for name, registry in cluster.spec.runtime.registries.items() if registry.username
        ),
        name="Pull the images that kubeadm needs",
    )
    clock.awaited(cluster, inputs.family())


def left_out(cluster: Cluster, node: Host) -> tuple[str, ...]:
    """Images of kubeadm's list that the node can do without, by the last part of their name.

    Those are what only control planes run, and addons that are skipped.
    """
    skipped = set(cluster.spec.kubeadm.skip_phases)
    addons = [name for name in _ADDONS if skipped & {"addon", f"addon/{name}"}]
    return tuple(dict.fromkeys((*addons, *(() if node.is_control_plane else _CONTROL_PLANE))))


def required(cluster: Cluster) -> bool:
    """Whether kubeadm's preflight check of the images, and so ours, may not fail."""
    ignored = {name.lower() for name in cluster.spec.kubeadm.ignore_preflight_errors}
    return not ignored & {"all", "imagepull"}
