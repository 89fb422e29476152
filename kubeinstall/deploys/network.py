"""The pod network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from pyinfra.api.deploy import deploy

from kubeinstall.deploys import inputs
from kubeinstall.files import network as network_files
from kubeinstall.inventory.model import Cluster, NetworkPlugin
from kubeinstall.operations import cni
from kubeinstall.operations.files import Holds, managed_file


def alone(cluster: Cluster) -> None:
    """No CNI configuration that another pod network left; with one of your own: all stay."""
    plugin = cluster.spec.network.plugin
    own = [name for name, known in network_files.CNI_FILES.items() if known is plugin]
    if own:
        cni.others_aside(own=own[0], name="Back up CNI configuration of other pod networks")


@dataclass(frozen=True)
class Inputs(inputs.Inputs):
    """The inputs of ``configure``.

    Args:
        pod_cidrs: node name to the share of the pod network that the cluster allotted it; a node
            that has none yet is left for later.
    """

    pod_cidrs: Mapping[str, IPv4Network] = field(default_factory=dict)


@deploy("network")
def configure(inputs: Inputs | None = None) -> None:
    """Connect this node's pods to those of the others (plugin ``bridge``)."""
    inputs = inputs or Inputs.plain()
    cluster, node, pod_cidrs = inputs.cluster, inputs.host, inputs.pod_cidrs
    if cluster.spec.network.plugin is not NetworkPlugin.BRIDGE:
        return
    addresses = {other.hostname: other.node_ip for other in cluster.members}
    others = {other.name: other.pod_cidr for other in cluster.others if other.pod_cidr}
    wanted = network_files.routes(node.hostname, {**pod_cidrs, **others}, addresses)
    if node.hostname in pod_cidrs:
        managed_file(
            name="Write the CNI configuration",
            path=network_files.CONFLIST,
            content=network_files.conflist(pod_cidrs[node.hostname]),
            holds=Holds.PUBLIC,
        )
        cni.bridge(
            name="Remove the bridge of another pod network", pod_cidr=str(pod_cidrs[node.hostname])
        )
    managed_file(
        name="Write the pod routes script",
        path=network_files.SCRIPT,
        content=network_files.script(cluster, wanted),
        holds=Holds.PUBLIC,
        mode="755",
    )
    managed_file(
        name="Write the pod routes unit",
        path=network_files.UNIT_FILE,
        content=network_files.unit(),
        holds=Holds.PUBLIC,
    )
    cni.routes(
        name="Apply the pod routes",
        wanted=wanted,
        protocol=network_files.PROTOCOL,
        unit=f"{network_files.UNIT}.service",
        files=(network_files.SCRIPT, network_files.UNIT_FILE),
    )
