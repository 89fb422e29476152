"""The kubelet's resolv.conf, which its pods get: per node, for not every one has the same."""

from __future__ import annotations

from pyinfra.context import host

from kubeinstall.facts.resolv import USUAL, Resolver, ResolverState
from kubeinstall.files.proxy import drop_in
from kubeinstall.inventory.model import Host
from kubeinstall.operations.files import MARKER, Holds, absent_file, managed_file

DROP_IN = drop_in("kubelet").replace("proxy", "resolver")


def own_resolver(node: Host, state: ResolverState) -> str | None:
    """The file that this node's kubelet has to be told of.

    Returns:
        None: the cluster's setting, /etc/resolv.conf, is right, or the inventory has its own.
    """
    given = "resolvConf" in node.kubelet.config or "resolv-conf" in node.kubelet.extra_args
    return None if given or state.for_pods == USUAL else state.for_pods


def unit(path: str) -> str:
    """The drop-in of the kubelet, over the variable that kubeadm's own has in every version.

    A flag goes before the field of KubeletConfiguration, which kubeadm has once for all nodes.
    """
    flags = f"--config=/var/lib/kubelet/config.yaml --resolv-conf={path}"
    return f'# {MARKER}.\n[Service]\nEnvironment="KUBELET_CONFIG_ARGS={flags}"\n'


def configure(node: Host) -> None:
    """Where systemd-resolved answers on the host's loopback, name the servers behind it."""
    path = own_resolver(node, host.get_fact(Resolver))
    if path:
        name = "Use systemd-resolved's name servers for pods"
        managed_file(path=DROP_IN, content=unit(path), holds=Holds.PUBLIC, name=name)
    else:
        absent_file(path=DROP_IN, name="Use the host's name servers for pods")
