"""Workers: kubeadm join."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyinfra.api.deploy import deploy

from kubeinstall.deploys import inputs
from kubeinstall.deploys.kubernetes import kubelet
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.files import proxy as proxy_files
from kubeinstall.operations import kubeadm


@dataclass(frozen=True)
class Inputs(inputs.Inputs):
    """The inputs of ``join``.

    Args:
        nodes: names of the cluster's nodes; None: it was not asked.
        ca_sha256: the fingerprint of the cluster's authority.
        join_config: the JoinConfiguration, made when a worker has to join; it holds the token.
    """

    nodes: frozenset[str] | None = None
    ca_sha256: str | None = None
    join_config: str | None = field(default=None, repr=False)


@deploy("workers")
def join(inputs: Inputs | None = None) -> None:
    """Join the cluster, if the host is not in it."""
    inputs = inputs or Inputs.plain()
    cluster, node, nodes = inputs.cluster, inputs.host, inputs.nodes
    kubelet.place_patch(cluster, node)
    in_file = kubeadm_files.skip_phases_in_file(cluster)
    kubeadm.join(
        name="Join the cluster with kubeadm",
        config=inputs.join_config,
        node=node.hostname,
        known=None if nodes is None else node.hostname in nodes,
        ca_sha256=inputs.ca_sha256,
        cri_socket=kubeadm_files.cri_socket(cluster),
        version=str(cluster.version),
        environment=proxy_files.kubeadm_environment_file(cluster),
        skip_phases=() if in_file else tuple(kubeadm_files.join_skip_phases(cluster)),
    )
    kubeadm.kubelet_running(name="Run the kubelet")
