"""A host's firewall: opened for the cluster, turned off, and as it was again."""

from __future__ import annotations

from pyinfra.context import host

from kubeinstall.facts.firewall import Firewalls
from kubeinstall.files import firewall as files
from kubeinstall.inventory.model import Cluster, Firewall, Host
from kubeinstall.operations import firewall
from kubeinstall.operations.files import Holds, managed_file
from kubeinstall.operations.services import reloaded

_FIREWALLD = "firewalld.service"


def kept(cluster: Cluster, node: Host) -> None:
    """What ``cluster.firewall`` says."""
    match cluster.spec.firewall:
        case Firewall.OPEN:
            _opened(cluster, node)
        case Firewall.OFF:
            # First, or it would come back with what is kept to turn the firewall on again.
            _closed()
            firewall.firewall_off(name="Turn off the firewall")
        case Firewall.KEEP:
            pass


def taken_back() -> None:
    """None of our rules; what was turned off is on again."""
    _closed()
    firewall.firewall_back(name="Turn the firewall on again")


def _closed() -> None:
    firewall.firewall_gone(
        name="Remove the cluster's firewall rules",
        script=files.SCRIPT,
        unit_file=files.UNIT_FILE,
        firewalld_files=files.FIREWALLD_FILES,
    )


def _opened(cluster: Cluster, node: Host) -> None:
    """Openings in what is at work; where nothing is, nothing is done."""
    at_work = host.get_fact(Firewalls)
    if at_work.ufw:
        firewall.ufw_open(
            openings=files.openings(cluster, node),
            trusted=(str(cluster.spec.network.pods),),
            name="Add the cluster's rules to ufw",
        )
    if at_work.firewalld:
        _firewalld(cluster, node)
    if at_work.ruleset:
        managed_file(
            path=files.SCRIPT,
            content=files.script(cluster, node),
            holds=Holds.PUBLIC,
            mode="755",
            name="Write the firewall script",
        )
        managed_file(
            path=files.UNIT_FILE,
            content=files.unit(),
            holds=Holds.PUBLIC,
            name="Write the firewall unit",
        )
        firewall.chains_open(
            unit=files.UNIT,
            script=files.SCRIPT,
            files=(files.SCRIPT, files.UNIT_FILE),
            name="Apply the cluster's firewall rules",
        )


def _firewalld(cluster: Cluster, node: Host) -> None:
    contents = (files.zone(cluster), files.policy(cluster, node), files.pods_policy())
    for path, content in zip(files.FIREWALLD_FILES, contents, strict=True):
        managed_file(path=path, content=content, holds=Holds.PUBLIC, name=f"Write {path}")
    reloaded(
        unit=_FIREWALLD,
        configs=files.FIREWALLD_FILES,
        command=f"( {files.FIREWALLD_READ} )",
        name="Reload firewalld's policies",
    )
