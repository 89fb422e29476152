"""The first control plane: kubeadm init, and kubeconfigs on the host."""

from __future__ import annotations

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.deploys import kubeadm_files, kubelet, proxy_files
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations import kubeadm
from kubeinstall.operations.proxy import pod_proxies

_MADE = (
    ("addon/kube-proxy", "daemonset/kube-proxy", "kube-system"),
    ("addon/coredns", "deployment/coredns", "kube-system"),
    ("bootstrap-token", "configmap/cluster-info", "kube-public"),
    ("upload-config/kubeadm", "configmap/kubeadm-config", "kube-system"),
)
"""Phases of ``kubeadm init``, the last one first, and what each makes in which namespace."""


def last_made(cluster: Cluster) -> tuple[str, str]:
    """What ``kubeadm init`` makes last, and its namespace: with it there, init went to its end."""
    skipped = set(cluster.spec.kubeadm.skip_phases)
    for phase, made, namespace in _MADE:
        if not skipped & {phase, phase.partition("/")[0]}:
            return made, namespace
    return "namespace/kube-system", "kube-system"


@deploy("control plane")
def init() -> None:
    """Make the control plane; give root, and the login of ssh, a kubeconfig."""
    cluster: Cluster = host.data.cluster
    kubelet.place_patch(cluster, host.data.node)
    in_file = kubeadm_files.skip_phases_in_file(cluster)
    environment = proxy_files.kubeadm_environment_file(cluster)
    last, namespace = last_made(cluster)
    kubeadm.init(
        name="Initialise the control plane with kubeadm",
        config=kubeadm_files.init_config(cluster),
        path=kubeadm_files.CONFIG,
        cluster=cluster.spec.name,
        cri_socket=kubeadm_files.cri_socket(cluster),
        port=kubeadm_files.api_port(cluster),
        skip_phases=() if in_file else tuple(kubeadm_files.init_skip_phases(cluster)),
        last=last,
        environment=environment,
        namespace=namespace,
    )
    kubeadm.kubelet_running(name="Run the kubelet")
    pod_proxies(
        name="Give the control plane's pods the proxy's settings",
        wanted=proxy_files.kubeadm_environment(cluster),
        config=kubeadm_files.init_config(cluster),
        environment=environment,
        kube_proxy=cluster.spec.kubeadm.installs("kube-proxy"),
    )
    for user in dict.fromkeys(("root", host.data.node.ssh.user)):
        kubeadm.kubeconfig(name=f"Give {user} a kubeconfig", user=user)
