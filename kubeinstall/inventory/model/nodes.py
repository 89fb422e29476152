"""Hosts and groups as the inventory file lists them: SSH settings and node settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints

from kubeinstall.inventory.formats import (
    BASTION,
    EVICTION_SIGNAL,
    LOGIN,
    QUANTITY,
    RESOURCE,
    THRESHOLD,
    UNSAFE_SYSCTL,
    number_as_text,
)
from kubeinstall.inventory.model.base import Args, Document, HostName, Ipv4, Port, Strict


@dataclass(frozen=True)
class Jump:
    """A bastion as it is given in the inventory.

    Args:
        user: the login name; empty: the same as on the hosts behind it.
        host: a name or an address, IPv6 without brackets.
    """

    user: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Jump:
        """Parse ``[user@]host[:port]``, which has already been validated.

        A login can contain an ``@``; an IPv6 address is in brackets.
        """
        user, _, rest = text.rpartition("@")
        if rest.startswith("["):
            host, _, port = rest[1:].partition("]")
        else:
            host, _, port = rest.partition(":")
        return cls(user, host, int(port.removeprefix(":") or 22))


class Ssh(Strict):
    """How to connect to a host."""

    user: str = Field(
        "root", pattern=LOGIN, description="Login name; other users than root need sudo."
    )
    port: Port = 22
    key: Path | None = Field(
        None, description="Private key file; default: the agent and the keys in ~/.ssh."
    )
    key_passphrase: SecretStr | None = None
    password: SecretStr | None = Field(None, description="Login password; a key is better.")
    bastion: str | None = Field(
        None,
        pattern=BASTION,
        description="[user@]host[:port] of a jump host; IPv6: [user@][address]:port.",
    )
    bastion_key: Path | None = Field(
        None,
        description="Private key file for the bastion; default: the agent and the keys in ~/.ssh. "
        "`key` and `password` are never used for the bastion.",
    )
    bastion_key_passphrase: SecretStr | None = None
    bastion_password: SecretStr | None = Field(
        None, description="Login password on the bastion; a key is better."
    )
    known_hosts: Path | None = Field(None, description="Default: ~/.ssh/known_hosts.")
    host_keys: Literal["strict", "accept-new"] = Field(
        "strict",
        description="strict: the key must be in known_hosts; accept-new: trust on first use.",
    )
    sudo_password: SecretStr | None = None


Resource = Annotated[str, StringConstraints(pattern=RESOURCE)]
EvictionSignal = Annotated[str, StringConstraints(pattern=EVICTION_SIGNAL)]
Quantity = Annotated[str, StringConstraints(pattern=QUANTITY), BeforeValidator(number_as_text)]
Threshold = Annotated[str, StringConstraints(pattern=THRESHOLD), BeforeValidator(number_as_text)]

KUBELET_FIELDS = {
    "allowed_unsafe_sysctls": "allowedUnsafeSysctls",
    "kube_reserved": "kubeReserved",
    "system_reserved": "systemReserved",
    "eviction_hard": "evictionHard",
    "max_pods": "maxPods",
    "cpu_manager_policy": "cpuManagerPolicy",
    "memory_manager_policy": "memoryManagerPolicy",
    "topology_manager_policy": "topologyManagerPolicy",
}
"""Kubelet settings with their own keys, and their KubeletConfiguration fields."""


class Taint(Strict):
    """A node taint."""

    key: str
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class Kubelet(Strict):
    """Kubelet settings: flags and KubeletConfiguration fields; some have their own keys."""

    extra_args: Args = Field(default_factory=dict)
    config: Document = Field(
        default_factory=dict, description="Any other KubeletConfiguration fields."
    )
    allowed_unsafe_sysctls: list[Annotated[str, StringConstraints(pattern=UNSAFE_SYSCTL)]] = Field(
        default_factory=list, description="e.g. net.core.somaxconn or kernel.msg*."
    )
    kube_reserved: dict[Resource, Quantity] = Field(
        default_factory=dict, description="Resources reserved for Kubernetes components."
    )
    system_reserved: dict[Resource, Quantity] = Field(
        default_factory=dict, description="Resources reserved for system daemons."
    )
    eviction_hard: dict[EvictionSignal, Threshold] = Field(
        default_factory=dict,
        description="Thresholds, e.g. memory.available: 200Mi; they replace all defaults.",
    )
    max_pods: Annotated[int, Field(ge=1)] | None = None
    cpu_manager_policy: Literal["none", "static"] | None = None
    memory_manager_policy: Literal["None", "Static"] | None = None
    topology_manager_policy: (
        Literal["none", "best-effort", "restricted", "single-numa-node"] | None
    ) = None

    @property
    def named(self) -> Document:
        """The KubeletConfiguration fields of the settings with their own keys."""
        return {
            field: value for name, field in KUBELET_FIELDS.items() if (value := getattr(self, name))
        }

    @property
    def fields(self) -> Document:
        """All KubeletConfiguration fields; no field has both its own key and one in ``config``."""
        return {**self.config, **self.named}


class HostSettings(Strict):
    """Settings for all hosts (``defaults``), a group or a host; the most specific one wins."""

    ssh: Ssh = Field(default_factory=Ssh)
    labels: dict[str, str] = Field(default_factory=dict)
    taints: list[Taint] | None = Field(None, description="null: kubeadm's defaults; []: none.")
    kubelet: Kubelet = Field(default_factory=Kubelet)


class HostEntry(HostSettings):
    """A host."""

    address: Ipv4 = Field(description="Address for ssh, and by default the node's address.")
    node_ip: Ipv4 | None = Field(
        None,
        description="The node's address in the cluster; default: `address` if it is configured on "
        "the host, otherwise the source address of its route to the endpoint.",
    )
    hostname: HostName | None = Field(
        None, description="Node name; default: the host's name in the inventory."
    )


class Group(HostSettings):
    """Hosts that share a role and settings."""

    hosts: dict[HostName, HostEntry] = Field(default_factory=dict)


class Groups(Strict):
    """The groups of hosts."""

    control_plane: Group
    workers: Group = Field(default_factory=Group)
