"""The files of the bridge network (pure).

Source: the CNI plugins' documentation (bridge, host-local, portmap), CNI specification 0.4.0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Network

from kubeinstall.inventory.model import Cluster, NetworkPlugin
from kubeinstall.templates import render

CONFLIST = "/etc/cni/net.d/10-kubeinstall.conflist"
CNI_FILES = {
    "10-kubeinstall.conflist": NetworkPlugin.BRIDGE,
    "10-flannel.conflist": NetworkPlugin.FLANNEL,
    "10-calico.conflist": NetworkPlugin.CALICO,
    "10-canal.conflist": NetworkPlugin.CANAL,
}
"""Each plugin's file in /etc/cni/net.d: runtimes take the first by name. Source: upstream's
manifests, whose names the addons keep."""
SCRIPT = "/usr/local/lib/kubeinstall/routes"
UNIT = "kubeinstall-routes"
UNIT_FILE = f"/etc/systemd/system/{UNIT}.service"
PROTOCOL = 107
"""The routes' protocol number (rtnetlink(7)); one that /etc/iproute2/rt_protos gives to nobody."""


def conflist(pod_cidr: IPv4Network) -> str:
    """The node's CNI configuration.

    Args:
        pod_cidr: the node's share of the pod network, as the cluster allotted it.
    """
    document = {
        "cniVersion": "0.4.0",
        "name": "kubeinstall",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                # The plugin would also masquerade what goes to other nodes' pods.
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": str(pod_cidr)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def routes(
    node: str, pod_cidrs: Mapping[str, IPv4Network], node_ips: Mapping[str, str]
) -> dict[str, str]:
    """The routes that a node needs: pod network of every other node, to that node's address."""
    return {
        str(pod_cidrs[name]): node_ips[name]
        for name in sorted(pod_cidrs)
        if name != node and name in node_ips
    }


def script(cluster: Cluster, wanted: Mapping[str, str]) -> str:
    """The shell script that puts routes and firewall chains in place."""
    return render(
        "cni/routes.sh.j2",
        protocol=PROTOCOL,
        pods=str(cluster.spec.network.pods),
        routes=[{"pods": pods, "via": via} for pods, via in wanted.items()],
    )


def unit() -> str:
    """The systemd unit that runs the script at every start."""
    return render("cni/kubeinstall-routes.service.j2", script=SCRIPT)
