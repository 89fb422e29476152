"""Take the cluster off a host, so that ``up`` works again."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api.deploy import deploy

from kubeinstall.deploys.hosts import firewall, network_managers, proxy
from kubeinstall.deploys.inputs import SystemInputs
from kubeinstall.files import (
    containerd as containerd_files,
)
from kubeinstall.files import (
    docker as docker_files,
)
from kubeinstall.files import (
    kubeadm as kubeadm_files,
)
from kubeinstall.files import (
    network as network_files,
)
from kubeinstall.files import (
    packages as package_files,
)
from kubeinstall.files import (
    registries as registry_files,
)
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations import kubeadm, undo
from kubeinstall.operations import reset as operations
from kubeinstall.operations.archives import archives_gone
from kubeinstall.operations.containerd import registries_forgotten
from kubeinstall.operations.docker import daemon_forgotten
from kubeinstall.operations.docker_logins import docker_logins
from kubeinstall.operations.files import absent_file, given_back, login_gone


@dataclass(frozen=True)
class Inputs(SystemInputs):
    """The inputs of ``reset``.

    Args:
        packages: whether the packages go as well, and their source.
    """

    packages: bool = False


@deploy("reset")
def reset(inputs: Inputs | None = None) -> None:
    """Undo ``kubeadm init`` or ``join``, and remove what kubeadm leaves.

    What was prepared for any cluster (sysctls, modules, the runtime) stays, but for what can hold a
    secret: logins for registries and proxies, and the runtime's configuration; see ``written``.
    """
    inputs = inputs or Inputs.plain()
    cluster = inputs.cluster
    for user in dict.fromkeys(("root", inputs.host.ssh.user)):
        kubeadm.kubeconfig_gone(name=f"Remove {user}'s kubeconfig", user=user)
    operations.kubeadm_reset(
        name="Reset with kubeadm", cri_socket=kubeadm_files.cri_socket(cluster)
    )
    operations.containers_gone(name="Remove the containers that kubeadm left")
    operations.routes_gone(
        name="Remove the pod routes",
        unit=network_files.UNIT,
        unit_file=network_files.UNIT_FILE,
        script=network_files.SCRIPT,
        protocol=network_files.PROTOCOL,
    )
    operations.ipvs_gone(name="Remove the cluster's IPVS services")
    operations.cni_gone(
        name="Remove CNI configuration, interfaces and routes", pods=str(cluster.spec.network.pods)
    )
    firewall.taken_back()
    network_managers.as_before()
    operations.rules_gone(name="Remove the cluster's firewall rules")
    operations.folders_gone(name="Empty the cluster's folders")
    _secrets_gone(cluster)
    if inputs.packages:
        family = inputs.family()
        family.removed(package_files.ALL, name="Remove the Kubernetes packages")
        for file in package_files.files(cluster, family):
            absent_file(path=file.path, name=f"Remove {file.path}")
        archives_gone(folder=package_files.ARCHIVES, name="Remove archives of packages")


def _secrets_gone(cluster: Cluster) -> None:
    """Nothing of ours that can hold a secret, whichever runtime the inventory has now."""
    logins = registry_files.logins(cluster)
    for reader, path in docker_files.LOGIN_FILES.items():
        title = f"Remove the registry logins of {reader}"
        docker_logins(path=path, auths={}, unwanted=logins, name=title)
    given_back(path=containerd_files.CONFIG_TOML, name="Revert containerd's configuration")
    for folder in (containerd_files.CERTS_D, docker_files.CERTS_D):
        registries_forgotten(folder=folder, wanted=(), name=f"Remove the registries in {folder}")
    daemon_forgotten(
        path=docker_files.DAEMON_JSON,
        record=docker_files.RECORD,
        name="Remove kubeinstall's settings from Docker's configuration",
    )
    for path in package_files.SOURCES:
        login_gone(path=path, name=f"Remove {path} if it contains a login")
    proxy.forgotten()
    # What a killed run left of files with logins.
    archives_gone(folder=undo.FOLDER, name="Remove backups of replaced files")
