"""The cluster that results from an inventory: resolved, frozen, checked."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from kubeinstall.inventory.model.base import DnsName, HostName, Ipv4Text, Strict
from kubeinstall.inventory.model.cluster import ClusterSpec, Endpoint
from kubeinstall.inventory.model.lab import Lab
from kubeinstall.inventory.model.nodes import Kubelet, Ssh, Taint
from kubeinstall.releases import Release, Version, release
from kubeinstall.releases.images import dns_repository, image_layout
from kubeinstall.releases.package_sources import OFFICIAL_LAYOUT, SOURCES, Origin


class Role(StrEnum):
    CONTROL_PLANE = "control_plane"
    WORKER = "worker"


class Host(Strict):
    """A host, with the settings of its group and the defaults resolved."""

    name: HostName
    role: Role
    address: Ipv4Text
    node_ip: Ipv4Text
    hostname: HostName
    ssh: Ssh
    labels: dict[str, str]
    taints: tuple[Taint, ...] | None
    kubelet: Kubelet

    @property
    def is_control_plane(self) -> bool:
        return self.role is Role.CONTROL_PLANE


class OtherNode(Strict):
    """A node in the cluster that has no host in the inventory.

    Its pods run and its kubelet works, so the hosts keep its route, its line in /etc/hosts and its
    firewall rules. What the cluster reports must match the types of these fields.
    """

    name: DnsName
    node_ip: Ipv4Text
    pod_cidr: IPv4Network | None = None
    is_control_plane: bool = False

    @property
    def hostname(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        return self.node_ip


class Cluster(Strict):
    """What the code works on: the specification and its resolved hosts.

    Hosts are in the order of the inventory file, control planes first; ``kubeadm init`` runs on the
    first one. ``others`` are nodes without a host, which a run reads from the cluster.
    """

    spec: ClusterSpec
    hosts: tuple[Host, ...]
    lab: Lab | None = None
    inventory_file: Path | None = None
    others: tuple[OtherNode, ...] = ()

    @property
    def members(self) -> tuple[Host | OtherNode, ...]:
        """The hosts, and the nodes without a host."""
        return (*self.hosts, *self.others)

    @cached_property
    def version(self) -> Version:
        return Version.parse(self.spec.kubernetes)

    @cached_property
    def release(self) -> Release:
        return release(self.version)

    @cached_property
    def control_planes(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.is_control_plane)

    @cached_property
    def workers(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if not host.is_control_plane)

    @property
    def first(self) -> Host:
        """The control plane that ``kubeadm init`` runs on."""
        return self.control_planes[0]

    @cached_property
    def endpoint(self) -> str:
        """``host:port`` of the API, for kubeadm's controlPlaneEndpoint."""
        given = self.spec.endpoint or Endpoint(host=self.first.node_ip)
        return f"{given.host}:{given.port}"

    @cached_property
    def origin(self) -> Origin:
        """Where packages and images come from: a known source, overridden by the inventory file."""
        spec = self.spec
        known = SOURCES[spec.source]
        images = spec.image_repository or known.image_repository
        if spec.packages.url:
            return Origin(spec.packages.url, OFFICIAL_LAYOUT, known.docker, images)
        return replace(known, image_repository=images)

    @property
    def image_repository(self) -> str:
        """Where kubeadm's images come from."""
        return self.origin.image_repository or self.release.image_repository

    @property
    def dns_repository(self) -> str | None:
        """CoreDNS' repository for kubeadm's configuration; None: kubeadm's default is right."""
        repository = self.image_repository
        layout = self.spec.image_layout or image_layout(repository)
        return dns_repository(self.version, repository, layout)

    def with_node_ips(self, node_ips: Mapping[str, IPv4Address]) -> Cluster:
        """The cluster with other node addresses, by host name.

        Raises:
            ValueError: an address is invalid, or two hosts would have the same.
        """
        hosts = tuple(
            Host.model_validate({**dict(host), "node_ip": str(node_ips[host.name])})
            if host.name in node_ips
            else host
            for host in self.hosts
        )
        if len({host.node_ip for host in hosts}) < len(hosts):
            raise ValueError("two hosts would have the same node address")
        return self.replaced(hosts=hosts)

    def with_others(self, others: Iterable[OtherNode]) -> Cluster:
        """The cluster with these nodes in addition to its hosts."""
        return self.replaced(others=tuple(others))

    def replaced(self, **parts: Any) -> Cluster:
        """The cluster with other parts; what follows from them is worked out again.

        Args:
            parts: fields by name.
        """
        # Not model_copy, which would keep the cached properties.
        fields = {name: getattr(self, name) for name in Cluster.model_fields}
        return Cluster(**{**fields, **parts})

    def command(self, verb: str, *options: str) -> str:
        """A kubeinstall command for this inventory, as people type it.

        Args:
            verb: the subcommand, e.g. ``up``.
            options: what follows it, e.g. ``"--limit", "w1"``.
        """
        file = str(self.inventory_file or "FILE")
        return shlex.join(["kubeinstall", verb, "-i", file, *options])

    def host(self, name: str) -> Host:
        """The host of that name.

        Raises:
            KeyError: there is none.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)
