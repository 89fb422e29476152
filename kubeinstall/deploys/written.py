"""Every kind of file that is put on a host: what it can hold, and what ``reset`` does with it.

A test runs all deploys and holds this table complete: nothing is written that is not in it, and
nothing that can hold a secret stays on a host that was reset.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from kubeinstall.deploys.hosts import network_managers
from kubeinstall.deploys.kubernetes import resolver
from kubeinstall.facts.proxy import SERVICES_ENV
from kubeinstall.files import (
    containerd as containerd_files,
)
from kubeinstall.files import (
    containerd_archive as containerd_archive_files,
)
from kubeinstall.files import (
    cri_dockerd as cri_dockerd_files,
)
from kubeinstall.files import crictl
from kubeinstall.files import (
    docker as docker_files,
)
from kubeinstall.files import (
    firewall as firewall_files,
)
from kubeinstall.files import (
    hosts as host_files,
)
from kubeinstall.files import (
    kubeadm as kubeadm_files,
)
from kubeinstall.files import (
    kubelet as kubelet_files,
)
from kubeinstall.files import (
    network as network_files,
)
from kubeinstall.files import (
    proxy as proxy_files,
)
from kubeinstall.files import (
    upgrades as upgrade_files,
)
from kubeinstall.operations.files import Holds
from kubeinstall.operations.names import HOSTS


class AtReset(Enum):
    """What ``reset`` does with a file."""

    STAYS = "stays"
    """It is for any cluster."""
    GOES = "goes"
    """It is removed; where the user had one before, that is put back."""
    OURS_GOES = "ours goes"
    """What is ours in it is taken out; the user's own stays."""
    LOGIN_GOES = "login goes"
    """It is removed if a URL in it holds a login; otherwise only ``--packages`` removes it."""
    EMPTIED = "emptied"
    """Its folder is emptied."""


@dataclass(frozen=True)
class Written:
    """A kind of file.

    Args:
        path: absolute; ``*`` stands for anything.
        holds: what it can hold.
        at_reset: what ``reset`` does with it.
    """

    path: str
    holds: Holds
    at_reset: AtReset


_PUBLIC, _SECRETS = Holds.PUBLIC, Holds.SECRETS

WRITTEN: tuple[Written, ...] = (
    # Proxies: logins.
    Written(proxy_files.APT_CONF, _SECRETS, AtReset.GOES),
    Written("/etc/dnf/dnf.conf", _SECRETS, AtReset.OURS_GOES),
    Written(SERVICES_ENV, _SECRETS, AtReset.GOES),
    Written(proxy_files.KUBEADM_ENV, _SECRETS, AtReset.GOES),
    Written(proxy_files.drop_in("*"), _PUBLIC, AtReset.GOES),
    # Package sources: logins in their URLs.
    Written("/etc/apt/sources.list.d/*.list", _SECRETS, AtReset.LOGIN_GOES),
    Written("/etc/yum.repos.d/*.repo", _SECRETS, AtReset.LOGIN_GOES),
    Written("/etc/apt/keyrings/*", _PUBLIC, AtReset.STAYS),
    Written("/etc/pki/rpm-gpg/*", _PUBLIC, AtReset.STAYS),
    # Runtimes: logins for registries, in mirrors' URLs, and in the user's own settings; a key
    # in the file that the user names as a CA.
    Written(containerd_files.CONFIG_TOML, _SECRETS, AtReset.GOES),
    Written(f"{containerd_files.CERTS_D}/*/hosts.toml", _SECRETS, AtReset.GOES),
    Written(f"{containerd_files.CERTS_D}/*/ca.crt", _SECRETS, AtReset.GOES),
    Written(containerd_files.NERDCTL_TOML, _PUBLIC, AtReset.STAYS),
    Written(containerd_archive_files.UNIT_FILE, _PUBLIC, AtReset.STAYS),
    Written(docker_files.DAEMON_JSON, _SECRETS, AtReset.OURS_GOES),
    Written(docker_files.RECORD, _SECRETS, AtReset.GOES),
    Written(f"{docker_files.CERTS_D}/*/ca.crt", _SECRETS, AtReset.GOES),
    *(Written(path, _SECRETS, AtReset.OURS_GOES) for path in docker_files.LOGIN_FILES.values()),
    Written(cri_dockerd_files.SOCKET_FILE, _PUBLIC, AtReset.STAYS),
    Written(cri_dockerd_files.SERVICE_FILE, _PUBLIC, AtReset.STAYS),
    Written(crictl.CRICTL_YAML, _PUBLIC, AtReset.STAYS),
    # kubeadm and the kubelet: arguments, and headers of static pods' URLs.
    Written(kubeadm_files.CONFIG, _SECRETS, AtReset.EMPTIED),
    Written(kubelet_files.PATCH, _SECRETS, AtReset.EMPTIED),
    Written(kubelet_files.CONFIG, _SECRETS, AtReset.EMPTIED),
    Written(kubelet_files.FLAGS, _SECRETS, AtReset.EMPTIED),
    Written(kubelet_files.INSTANCE, _SECRETS, AtReset.EMPTIED),
    Written(resolver.DROP_IN, _PUBLIC, AtReset.STAYS),
    # The host.
    Written(HOSTS, _PUBLIC, AtReset.STAYS),
    Written("/etc/chrony*", _PUBLIC, AtReset.STAYS),
    Written(host_files.MODULES_FILE, _PUBLIC, AtReset.STAYS),
    Written(host_files.SYSCTL_FILE, _PUBLIC, AtReset.STAYS),
    Written(upgrade_files.UNATTENDED_UPGRADES.path, _PUBLIC, AtReset.STAYS),
    Written(upgrade_files.NEEDRESTART.path, _PUBLIC, AtReset.STAYS),
    Written(network_managers.NETWORK_MANAGER_FILE, _PUBLIC, AtReset.GOES),
    Written(network_managers.NETWORKD_FILE, _PUBLIC, AtReset.GOES),
    # Network and firewall.
    Written(network_files.CONFLIST, _PUBLIC, AtReset.GOES),
    Written(network_files.SCRIPT, _PUBLIC, AtReset.GOES),
    Written(network_files.UNIT_FILE, _PUBLIC, AtReset.GOES),
    Written(firewall_files.SCRIPT, _PUBLIC, AtReset.GOES),
    Written(firewall_files.UNIT_FILE, _PUBLIC, AtReset.GOES),
    *(Written(path, _PUBLIC, AtReset.GOES) for path in firewall_files.FIREWALLD_FILES),
)


def written(path: str) -> list[Written]:
    """The kinds of file that a path is of: one, if the table is right."""
    return [one for one in WRITTEN if fnmatchcase(path, one.path)]
