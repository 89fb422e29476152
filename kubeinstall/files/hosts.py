"""What the ``hosts`` phase puts on a host: pure functions of the inventory."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinstall.facts.kernel import Module
from kubeinstall.files.family import Family
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.inventory.catalogue.host_needs import host_needs
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.operations.modules import modules_file
from kubeinstall.operations.names import HOSTS, with_names
from kubeinstall.releases.package_sources import PackageFormat
from kubeinstall.templates import render

_MODULES = ("overlay", "br_netfilter")
MODULES_FILE = "/etc/modules-load.d/kubeinstall.conf"
SYSCTL_FILE = "/etc/sysctl.d/99-zz-kubeinstall.conf"
"""Sorts after 99-sysctl.conf, which is /etc/sysctl.conf: the last one wins at boot."""

_SYSCTLS = {
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
    "net.ipv4.ip_forward": "1",
}


def modules(cluster: Cluster) -> tuple[str, ...]:
    """Kernel modules: what Kubernetes needs, then what addons do."""
    return tuple(dict.fromkeys((*_MODULES, *host_needs(cluster).modules)))


def sysctls(cluster: Cluster) -> dict[str, str]:
    """Kernel settings: what Kubernetes needs, what addons do, then the inventory's own."""
    more = {**host_needs(cluster).sysctls, **cluster.spec.sysctls}
    return {**_SYSCTLS, **{key: str(value) for key, value in more.items()}}


def addon_packages(cluster: Cluster, family: Family) -> tuple[str, ...]:
    """The packages that addons need; what is like Red Hat takes its packages, unless it is named.

    Args:
        family: of the host's operating system.
    """
    packages = {str(name): listed for name, listed in host_needs(cluster).packages.items()}
    like = "redhat" if family.package_format is PackageFormat.RPM else "debian"
    return tuple(packages.get(family.name, packages.get(like, [])))


def addresses(cluster: Cluster) -> dict[str, str]:
    """The hosts' names and the addresses they go by inside the cluster."""
    found: dict[str, str] = {}
    for host in cluster.hosts:
        found[host.hostname] = host.node_ip
        found.setdefault(host.name, host.node_ip)
    return found


def kept_addresses(cluster: Cluster) -> dict[str, str]:
    """The names and addresses of nodes without a host, whose lines stay where they are."""
    return {other.hostname: other.node_ip for other in cluster.others}


def chrony_conf(cluster: Cluster) -> str | None:
    """chrony's configuration; None: the distribution's."""
    servers = cluster.spec.time.servers
    return render("hosts/chrony.conf.j2", servers=servers) if servers else None


def sysctl_conf(cluster: Cluster) -> str:
    """The kernel settings for the next boot."""
    return render("hosts/sysctl.conf.j2", values=sysctls(cluster))


def files(cluster: Cluster, host: Host, family: Family) -> Iterable[RenderedFile]:
    """The files of the phase on a fresh host."""
    yield RenderedFile("/etc/hostname", host.hostname + "\n")
    if cluster.spec.manage_etc_hosts:
        yield RenderedFile(HOSTS, with_names("127.0.0.1 localhost\n", addresses(cluster)))
    if cluster.spec.time.manage and (conf := chrony_conf(cluster)):
        yield RenderedFile(family.chrony.conf, conf)
    yield from family.upgrade_files
    yield RenderedFile(MODULES_FILE, modules_file(dict.fromkeys(modules(cluster), Module.LOADED)))
    yield RenderedFile(SYSCTL_FILE, sysctl_conf(cluster))
