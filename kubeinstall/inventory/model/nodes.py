"""Hosts and groups as the file has them: how they are reached, and what they shall be as nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from kubeinstall.inventory.forms import BASTION, LOGIN
from kubeinstall.inventory.model.base import Args, Document, HostName, Ipv4, Port, Strict


class Ssh(Strict):
    """How a host is reached."""

    user: str = Field(
        "root", pattern=LOGIN, description="Login name; other than root it works through sudo."
    )
    port: Port = 22
    key: Path | None = Field(None, description="Private key file; default: the agent and ~/.ssh.")
    key_passphrase: SecretStr | None = None
    password: SecretStr | None = Field(None, description="Login password; a key is better.")
    bastion: str | None = Field(
        None, pattern=BASTION, description="[user@]host[:port] to reach the host through."
    )
    known_hosts: Path | None = Field(None, description="Default: ~/.ssh/known_hosts.")
    host_keys: Literal["strict", "accept-new"] = Field(
        "strict", description="accept-new trusts a host the first time it is seen."
    )
    sudo_password: SecretStr | None = None


class Taint(Strict):
    """A node taint."""

    key: str
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class Kubelet(Strict):
    """Kubelet settings: flags and KubeletConfiguration fields."""

    extra_args: Args = Field(default_factory=dict)
    config: Document = Field(default_factory=dict, description="KubeletConfiguration fields.")


class HostSettings(Strict):
    """What may be set for all hosts (``defaults``), a group or one host; the nearest wins."""

    ssh: Ssh = Field(default_factory=Ssh)
    labels: dict[str, str] = Field(default_factory=dict)
    taints: list[Taint] | None = Field(None, description="null: kubeadm's own; []: none.")
    kubelet: Kubelet = Field(default_factory=Kubelet)


class HostEntry(HostSettings):
    """One host."""

    address: Ipv4 = Field(description="Where ssh reaches it, and its node IP by default.")
    node_ip: Ipv4 | None = Field(
        None,
        description="Address inside the cluster; default: `address` if the host has it, else where "
        "its route to the endpoint starts.",
    )
    hostname: HostName | None = Field(None, description="Node name; default: the host's key.")


class Group(HostSettings):
    """Hosts that share a role and settings."""

    hosts: dict[HostName, HostEntry] = Field(default_factory=dict)


class Groups(Strict):
    """The groups of hosts."""

    control_plane: Group
    workers: Group = Field(default_factory=Group)
