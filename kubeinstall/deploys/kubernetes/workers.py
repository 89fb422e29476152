"""Workers: kubeadm join."""

from __future__ import annotations

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.deploys.kubernetes import kubelet
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.files import proxy as proxy_files
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.operations import kubeadm


@deploy("workers")
def join() -> None:
    """Join the cluster, if the host is not in it.

    In memory: ``nodes`` (names that the cluster has; None: not asked), ``ca_sha256`` (its
    authority's fingerprint) and ``join_config`` (the JoinConfiguration, made when any worker has
    to join).
    """
    cluster: Cluster = host.data.cluster
    node: Host = host.data.node
    nodes = host.data.get("nodes")
    kubelet.place_patch(cluster, node)
    in_file = kubeadm_files.skip_phases_in_file(cluster)
    kubeadm.join(
        name="Join the cluster with kubeadm",
        config=host.data.get("join_config"),
        node=node.hostname,
        known=None if nodes is None else node.hostname in nodes,
        ca_sha256=host.data.get("ca_sha256"),
        cri_socket=kubeadm_files.cri_socket(cluster),
        version=str(cluster.version),
        environment=proxy_files.kubeadm_environment_file(cluster),
        skip_phases=() if in_file else tuple(kubeadm_files.join_skip_phases(cluster)),
    )
    kubeadm.kubelet_running(name="Run the kubelet")
