"""The operating system of every host."""

from __future__ import annotations

from testinfra.host import Host

from kubeinstall.facts.kernel import Modules
from kubeinstall.files import hosts as host_files
from kubeinstall.inventory.catalogue.host_needs import host_needs
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify.check import expect


def hostname_is_as_in_the_inventory(host: Host, node: Node, _cluster: Cluster) -> None:
    """The hostname is the one in the inventory."""
    name = host.check_output("uname -n")
    expect(name == node.hostname, f"it is {name}, not {node.hostname}")


def swap_is_off(host: Host, _node: Node, _cluster: Cluster) -> None:
    """Swap is off, and stays off after a reboot."""
    active = host.check_output("cat /proc/swaps").splitlines()[1:]
    expect(not active, f"swap is on: {', '.join(line.split()[0] for line in active)}", "swapoff -a")
    fstab = host.check_output("awk '!/^ *#/ && $3 == \"swap\"' /etc/fstab 2>/dev/null || true")
    expect(not fstab, f"/etc/fstab has {fstab}", "comment it out")
    at_boot = host.run("systemctl is-enabled swap.target").stdout.strip()
    expect(
        at_boot in ("masked", ""), "systemd may start swap at boot", "systemctl mask swap.target"
    )


def overlay_is_there(host: Host, _node: Node, _cluster: Cluster) -> None:
    """The kernel supports overlay file systems."""
    found = host.run("grep -qw overlay /proc/filesystems")
    expect(found.rc == 0, "the kernel has no overlay file system", "modprobe overlay")


def bridge_netfilter_is_there(host: Host, _node: Node, _cluster: Cluster) -> None:
    """The kernel passes bridged traffic to iptables."""
    found = host.run("test -e /proc/sys/net/bridge/bridge-nf-call-iptables")
    expect(found.rc == 0, "br_netfilter is not loaded", "modprobe br_netfilter")


def sysctls_are_set(host: Host, _node: Node, cluster: Cluster) -> None:
    """Kernel settings have the required values."""
    wanted = host_files.sysctls(cluster)
    answer = host.run("sysctl " + " ".join(["%s"] * len(wanted)), *wanted).stdout
    lines = [line.partition(" = ") for line in answer.splitlines()]
    found = {name.strip(): " ".join(value.split()) for name, _, value in lines}
    wrong = [
        f"{name} is {found.get(name, 'unknown')}, not {value}"
        for name, value in wanted.items()
        if found.get(name) != " ".join(value.split())
    ]
    expect(not wrong, "; ".join(wrong), "sysctl --system")


def addons_have_what_they_need(host: Host, _node: Node, cluster: Cluster) -> None:
    """Kernel modules and services that addons need are available."""
    needs = host_needs(cluster)
    fact = Modules()
    loaded = fact.process(host.run(fact.command(tuple(needs.modules))).stdout.splitlines())
    without = [name for name in needs.modules if name not in loaded]
    expect(not without, f"not loaded: {', '.join(without)}", f"modprobe -a {' '.join(without)}")
    for unit in needs.services:
        state = host.run("systemctl is-active %s", unit).stdout.strip()
        expect(state == "active", f"{unit} is {state}", f"systemctl status {unit}")


def clock_is_in_sync(host: Host, _node: Node, cluster: Cluster) -> None:
    """chrony is synchronized, if kubeinstall manages the clock."""
    if cluster.spec.time.manage and cluster.spec.time.sync_timeout:
        leap = host.run("chronyc -n -c tracking").stdout.strip().rpartition(",")[2]
        expect(leap == "Normal", f"chrony reports {leap or 'nothing'}", "chronyc sources -v")


CHECKS = (
    hostname_is_as_in_the_inventory,
    swap_is_off,
    overlay_is_there,
    bridge_netfilter_is_there,
    sysctls_are_set,
    addons_have_what_they_need,
    clock_is_in_sync,
)
