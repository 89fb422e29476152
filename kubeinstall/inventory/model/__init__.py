"""The inventory as types: what a user can write, and the resulting cluster.

``InventoryFile`` is the schema of the YAML file (its JSON Schema is generated from it).
The rest of the code gets ``Cluster`` and ``Host``: resolved, frozen, checked.
"""

from __future__ import annotations

from pydantic import Field

from kubeinstall.inventory.model.addons import AddonChoice, ChangesByOthers
from kubeinstall.inventory.model.base import Args, Document, HostName, Strict
from kubeinstall.inventory.model.cluster import (
    ClusterSpec,
    Endpoint,
    Kubeadm,
    KubeProxy,
    Smoke,
)
from kubeinstall.inventory.model.lab import LAB_FOLDER, CgroupMode, Lab
from kubeinstall.inventory.model.network import (
    Calico,
    CalicoInstall,
    Canal,
    Encapsulation,
    Flannel,
    FlannelBackend,
    Network,
    NetworkPlugin,
)
from kubeinstall.inventory.model.nodes import (
    Group,
    Groups,
    HostEntry,
    HostSettings,
    Jump,
    Kubelet,
    Ssh,
    Taint,
)
from kubeinstall.inventory.model.proxy import Proxy
from kubeinstall.inventory.model.resolved import Cluster, Host, OtherNode, Role
from kubeinstall.inventory.model.runtime import (
    ContainerdArchive,
    Registry,
    Runtime,
    RuntimeClass,
    RuntimeName,
    VerifiedFile,
)
from kubeinstall.inventory.model.sources import Packages
from kubeinstall.inventory.model.system import Firewall, MachineIds, Selinux, Time
from kubeinstall.inventory.model.vagrant import Vagrant

__all__ = [
    "LAB_FOLDER",
    "AddonChoice",
    "Args",
    "Calico",
    "CalicoInstall",
    "Canal",
    "CgroupMode",
    "ChangesByOthers",
    "Cluster",
    "ClusterSpec",
    "ContainerdArchive",
    "Document",
    "Encapsulation",
    "Endpoint",
    "Firewall",
    "Flannel",
    "FlannelBackend",
    "Group",
    "Groups",
    "Host",
    "HostEntry",
    "HostName",
    "HostSettings",
    "InventoryFile",
    "Jump",
    "KubeProxy",
    "Kubeadm",
    "Kubelet",
    "Lab",
    "MachineIds",
    "Network",
    "NetworkPlugin",
    "OtherNode",
    "Packages",
    "Proxy",
    "Registry",
    "Role",
    "Runtime",
    "RuntimeClass",
    "RuntimeName",
    "Selinux",
    "Smoke",
    "Ssh",
    "Strict",
    "Taint",
    "Time",
    "Vagrant",
    "VerifiedFile",
]


class InventoryFile(Strict):
    """The inventory file."""

    cluster: ClusterSpec
    defaults: HostSettings = Field(default_factory=HostSettings)
    groups: Groups
    lab: Lab | None = None
    vagrant: Vagrant | None = None
