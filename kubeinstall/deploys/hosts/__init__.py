"""The ``hosts`` phase: prepare a host to run Kubernetes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.deploys import clock, network, together
from kubeinstall.deploys.hosts import firewall, proxy
from kubeinstall.deploys.hosts.network_managers import pods_left_alone
from kubeinstall.deploys.inputs import SystemInputs
from kubeinstall.facts.kernel import SysctlLines
from kubeinstall.facts.selinux import Selinux as SelinuxNow
from kubeinstall.files import hosts as host_files
from kubeinstall.files.family import Family
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.catalogue.host_needs import host_needs
from kubeinstall.inventory.model import Cluster, Selinux
from kubeinstall.operations import selinux
from kubeinstall.operations.clock import others_off
from kubeinstall.operations.files import Holds, managed_file
from kubeinstall.operations.machine_id import machine_id_renewed
from kubeinstall.operations.modules import modules_loaded
from kubeinstall.operations.names import etc_hosts, hostname
from kubeinstall.operations.services import running
from kubeinstall.operations.swap import swap_off
from kubeinstall.operations.sysctls import sysctls_live


@dataclass(frozen=True)
class Inputs(SystemInputs):
    """The inputs of ``prepare``.

    Args:
        shared_machine_id: the one to be renewed, if preflight found clones; else empty.
        clock_is_off: its clock is to be corrected before package sources are used.
        clock_awaited: wait for the clock here; False: a later phase does.
    """

    shared_machine_id: str = ""
    clock_is_off: bool = False
    clock_awaited: bool = True


@deploy("Prepare the host")
def prepare(inputs: Inputs | None = None) -> None:
    """Proxy, names, upgrades, clock, swap, network managers, what addons need, kernel, firewall."""
    inputs = inputs or Inputs.plain()
    cluster, node, family = inputs.cluster, inputs.host, inputs.family()
    proxy.configure(cluster, family.package_format)
    if inputs.shared_machine_id:
        machine_id_renewed(shared=inputs.shared_machine_id, name="Renew the machine-id")
    hostname(wanted=node.hostname, name="Set the hostname")
    if cluster.spec.manage_etc_hosts:
        addresses = tuple(host_files.addresses(cluster).items())
        kept = tuple(host_files.kept_addresses(cluster).items())
        etc_hosts(addresses=addresses, kept=kept, name="Add the cluster's hosts to /etc/hosts")
    for file in family.upgrade_files:
        managed_file(
            path=file.path, content=file.content, holds=Holds.PUBLIC, name=f"Write {file.path}"
        )
    if cluster.spec.time.manage:
        _clock(inputs, family)
    swap_off(name="Turn off swap")
    pods_left_alone()
    network.alone(cluster)
    _selinux(cluster, family)
    _addon_packages(cluster, family)
    _kernel(cluster)
    for unit in host_needs(cluster).services:
        running(unit=unit, name=f"Run {unit.removesuffix('.service')}, which addons need")
    firewall.kept(cluster, node)


def _clock(inputs: Inputs, family: Family) -> None:
    cluster, chrony = inputs.cluster, family.chrony
    along = () if inputs.clock_is_off else together.ahead(inputs)
    title = f"Install chrony{together.TITLE if along else ''}"
    family.installed((("chrony", ""),), along=along, name=title)
    conf = host_files.chrony_conf(cluster)
    if conf:
        managed_file(
            path=chrony.conf,
            content=conf,
            holds=Holds.PUBLIC,
            undo=True,
            name="Configure the time servers",
        )
    others_off(name="Turn off other time services")
    running(unit=chrony.unit, configs=(chrony.conf,), name="Run chrony")
    if inputs.clock_awaited:
        clock.awaited(cluster, family)


def _addon_packages(cluster: Cluster, family: Family) -> None:
    if names := host_files.addon_packages(cluster, family):
        wanted = tuple((name, "") for name in names)
        family.installed(wanted, name=f"Install packages that addons need: {', '.join(names)}")


def _kernel(cluster: Cluster) -> None:
    settings = host_files.sysctls(cluster)
    _last_word(settings)
    names = host_files.modules(cluster)
    modules_loaded(names=names, path=host_files.MODULES_FILE, name="Load kernel modules")
    managed_file(
        path=host_files.SYSCTL_FILE,
        content=host_files.sysctl_conf(cluster),
        holds=Holds.PUBLIC,
        name="Write kernel settings",
    )
    live = tuple(settings.items())
    sysctls_live(values=live, name="Apply kernel settings")


def _selinux(cluster: Cluster, family: Family) -> None:
    """Kept as it is, SELinux gets its rules for containers; or it only logs."""
    if cluster.spec.selinux is Selinux.PERMISSIVE:
        selinux.permissive(name="Set SELinux to permissive")
    elif host.get_fact(SelinuxNow).live:
        package = family.selinux_package
        if package:
            family.installed(((package, ""),), name=f"Install {package}")


def _last_word(settings: Mapping[str, str]) -> None:
    """No file of the user's, which sorts after ours, sets a kernel setting otherwise at boot.

    Raises:
        KubeinstallError: one does.
    """
    ours = PurePosixPath(host_files.SYSCTL_FILE)
    for one in host.get_fact(SysctlLines, keys=tuple(settings)):
        path, wanted = PurePosixPath(one.path), " ".join(settings.get(one.key, one.value).split())
        if path.name > ours.name and one.value != wanted:
            raise KubeinstallError(
                Finding(
                    Kind.PREFLIGHT,
                    f"{path}, line {one.line}, sets {one.key} to a value other than {wanted}",
                    (host.name,),
                    why=f"at boot the last file takes effect, and this one sorts after {ours}",
                    next=f"on {host.name}: sed -i {shlex.quote(f'{one.line}s/^/# /')} "
                    f"{shlex.quote(str(path))}",
                )
            )
