"""What manages a host's network is told to leave that of the pods alone.

Sources: NetworkManager.conf(5), networkd.conf(5), Calico's and Cilium's system requirements.
"""

from __future__ import annotations

from pyinfra.context import host

from kubeinstall.facts.files import File
from kubeinstall.facts.services import Unit
from kubeinstall.operations.files import MARKER, Holds, absent_file, managed_file
from kubeinstall.operations.services import forgotten, reloaded

NETWORK_MANAGER = "NetworkManager.service"
NETWORK_MANAGER_FILE = "/etc/NetworkManager/conf.d/kubeinstall.conf"
NETWORKD = "systemd-networkd.service"
NETWORKD_FILE = "/etc/systemd/networkd.conf.d/kubeinstall.conf"

_INTERFACES = (
    *("cali*", "tunl*", "vxlan.calico", "vxlan-v6.calico", "wireguard.cali", "wg-v6.cali"),
    *("flannel*", "cni*", "veth*", "kube-bridge", "kube-ipvs0"),
)


def network_manager_conf() -> str:
    """NetworkManager's configuration: interfaces of pod networks are not its own."""
    names = ";".join(f"interface-name:{name}" for name in _INTERFACES)
    return f"# {MARKER}\n[keyfile]\nunmanaged-devices+={names}\n"


def networkd_conf() -> str:
    """systemd-networkd's configuration: routes and rules of others stay when it starts."""
    settings = "ManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n"
    return f"# {MARKER}\n[Network]\n{settings}"


def pods_left_alone() -> None:
    """Each manager's configuration, where the manager is."""
    manager, networkd = (host.get_fact(Unit, unit=unit) for unit in (NETWORK_MANAGER, NETWORKD))
    # Asked for in any case, so that all are read at once.
    for path in (NETWORK_MANAGER_FILE, NETWORKD_FILE):
        host.get_fact(File, path=path)
    if manager.load == "loaded":
        managed_file(
            path=NETWORK_MANAGER_FILE,
            content=network_manager_conf(),
            holds=Holds.PUBLIC,
            name="Exclude pod interfaces from NetworkManager",
        )
        reloaded(
            unit=NETWORK_MANAGER,
            configs=(NETWORK_MANAGER_FILE,),
            command=f"systemctl reload {NETWORK_MANAGER}",
            name="Reload NetworkManager's configuration",
        )
    if networkd.is_active:
        # It reads this when it starts, and that is when it takes routes and rules away.
        managed_file(
            path=NETWORKD_FILE,
            content=networkd_conf(),
            holds=Holds.PUBLIC,
            name="Exclude pod routes from networkd",
        )


def as_before() -> None:
    """None of our configuration; what runs reads it no more."""
    forgotten(
        path=NETWORK_MANAGER_FILE,
        command=f"systemctl try-reload-or-restart {NETWORK_MANAGER}",
        name="Restore NetworkManager's configuration",
    )
    absent_file(path=NETWORKD_FILE, name="Restore networkd's configuration")
