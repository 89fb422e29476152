"""The ports of the hosts that addons take, asked on a control plane."""

from __future__ import annotations

from collections.abc import Iterator

from testinfra.host import Host

from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.facts import values
from kubeinstall.inventory.catalogue.chosen import chosen
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify.check import expect, up
from kubeinstall.verify.checks.network import knock

_UP = up()


def ports_of_addons_answer(host: Host, _node: Node, cluster: Cluster) -> None:
    """The host ports of addons answer."""
    wanted = {
        (one.addon.file.namespace, port.port): one.name
        for one in chosen(cluster)
        for port in one.addon.ports(one.values)
        if port.protocol == "tcp"
    }
    found = {namespace: list(_host_ports(host, namespace)) for namespace, _ in wanted}
    targets = []
    for (namespace, port), addon in wanted.items():
        addresses = sorted({address for address, taken in found[namespace] if taken == port})
        next_step = f"{KUBECTL} -n {namespace} get daemonsets,pods -o wide"
        expect(addresses, f"no pod of {addon} has port {port} of its host", next_step)
        targets += [f"{address}:{port}" for address in addresses]
    silent, refused = knock(host, targets)
    expect(not silent, f"no answer from {', '.join(silent)}: a firewall, or the host is off", _UP)
    expect(not refused, f"refused by {', '.join(refused)}", f"{KUBECTL} get pods -A -o wide")


def _host_ports(host: Host, namespace: str) -> Iterator[tuple[str, int]]:
    """Host addresses and ports of running pods; with hostNetwork, all their ports."""
    answer = host.run(f"{KUBECTL} -n {namespace} get pods -o json")
    expect(answer.rc == 0, " ".join(answer.stderr.split()), f"{KUBECTL} -n {namespace} get pods")
    for pod in values.listed(answer.stdout):
        if pod["status"].get("phase") != "Running":
            continue
        for container in pod["spec"].get("containers") or ():
            for taken in container.get("ports") or ():
                if "hostPort" in taken:
                    # A pod's node says where it is: what is tried from here is an address.
                    yield (
                        str(values.ipv4(pod["status"].get("hostIP"))),
                        values.port(taken["hostPort"]),
                    )


CHECKS = (ports_of_addons_answer,)
