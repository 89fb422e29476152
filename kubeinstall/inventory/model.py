"""The inventory as types: what a user may write, and the cluster that comes of it.

``InventoryFile`` is the shape of the YAML file (its JSON Schema is generated from here).
``Cluster`` and ``Host`` are what the rest of the code is handed: resolved, frozen, checked.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
)

from kubeinstall.inventory.forms import (
    BASTION,
    DNS_LABEL,
    DNS_NAME,
    DURATION,
    HOST_NAME,
    HOURS,
    IMAGE,
    LOGIN,
    NOT_EMPTY,
    PACKAGE,
    PACKAGE_VERSION,
    REGISTRY,
    REPOSITORY,
    SAN,
    SIZE,
    SYSCTL,
    URL,
    VERSION,
    exact_version,
    only_text,
    zero_as_text,
)
from kubeinstall.releases import Release, Version, release

DnsLabel = Annotated[str, StringConstraints(pattern=DNS_LABEL, max_length=63)]
DnsName = Annotated[str, StringConstraints(pattern=DNS_NAME, max_length=253)]
HostName = Annotated[str, StringConstraints(pattern=DNS_NAME, max_length=63)]
"""The kernel takes host names up to 64 characters, Kubernetes wants them in labels of 63."""
Ipv4 = Annotated[IPv4Address, BeforeValidator(only_text)]
Ipv4Network = Annotated[IPv4Network, BeforeValidator(only_text)]
Port = Annotated[int, Field(ge=1, le=65535)]
ExactVersion = Annotated[str, StringConstraints(pattern=VERSION), BeforeValidator(exact_version)]
Duration = Annotated[
    str,
    StringConstraints(pattern=DURATION),
    BeforeValidator(zero_as_text),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": DURATION}, {"const": 0}]}),
]
Text = Annotated[str, StringConstraints(pattern=NOT_EMPTY)]
Args = dict[str, str | int | float | bool]
"""Extra arguments as one form for every kubeadm API: flag name without dashes, and its value."""
Document = dict[str, Any]


class Strict(BaseModel):
    """A part of the inventory: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    node_ip: Ipv4 | None = Field(None, description="Address inside the cluster.")
    hostname: HostName | None = Field(None, description="Node name; default: the host's key.")


class Group(HostSettings):
    """Hosts that share a role and settings."""

    hosts: dict[HostName, HostEntry] = Field(default_factory=dict)


class Groups(Strict):
    """The groups of hosts."""

    control_plane: Group
    workers: Group = Field(default_factory=Group)


class RuntimeName(StrEnum):
    DOCKER = "docker"
    CONTAINERD = "containerd"


class Registry(Strict):
    """How the runtime reaches one registry."""

    mirrors: list[Annotated[str, StringConstraints(pattern=URL)]] = Field(
        default_factory=list, description="URLs tried before it."
    )
    insecure: bool = Field(False, description="Plain HTTP or an unchecked certificate.")


class Runtime(Strict):
    """The container runtime."""

    name: RuntimeName = RuntimeName.CONTAINERD
    package: str | None = Field(
        None, pattern=PACKAGE, description="Package to install; default docker.io or containerd."
    )
    version: str | None = Field(
        None, pattern=PACKAGE_VERSION, description="Exact package version; default: the newest."
    )
    registries: dict[Annotated[str, StringConstraints(pattern=REGISTRY)], Registry] = Field(
        default_factory=dict, description="By registry, e.g. docker.io or mirror.lab:5000."
    )
    log_max_size: str = Field("10m", pattern=SIZE)
    log_max_files: Annotated[int, Field(ge=1)] = 5
    config: Document = Field(
        default_factory=dict,
        description="Merged into daemon.json (docker) or config.toml (containerd).",
    )


class NetworkPlugin(StrEnum):
    BRIDGE = "bridge"
    NONE = "none"


class Network(Strict):
    """Pod and service networks."""

    plugin: NetworkPlugin = Field(
        NetworkPlugin.BRIDGE,
        description="bridge: hosts on one network, a route per node; none: you bring your own.",
    )
    pods: Ipv4Network = IPv4Network("10.244.0.0/16")
    services: Ipv4Network = IPv4Network("10.96.0.0/16")
    dns_domain: DnsName = "cluster.local"


class Packages(Strict):
    """Where kubelet, kubeadm and kubectl come from."""

    url: str | None = Field(
        None,
        pattern=URL,
        description=(
            "Base URL in the layout of pkgs.k8s.io (URL/core:/stable:/vX.Y/deb/); "
            "default: pkgs.k8s.io itself."
        ),
    )
    key: Path | None = Field(None, description="Signing key file; default: the source's own.")
    revision: str | None = Field(
        None, pattern=PACKAGE_VERSION, description="Debian revision, e.g. 1.1; default: newest."
    )


class Endpoint(Strict):
    """The address that all nodes and users reach the API servers by."""

    host: str = Field(pattern=HOST_NAME, description="DNS name or address.")
    port: Port = 6443


class Kubeadm(Strict):
    """kubeadm settings, written for whichever configuration API the version has."""

    api_server_args: Args = Field(default_factory=dict)
    controller_manager_args: Args = Field(default_factory=dict)
    scheduler_args: Args = Field(default_factory=dict)
    etcd_args: Args = Field(default_factory=dict)
    cert_sans: list[Annotated[str, StringConstraints(pattern=SAN)]] = Field(
        default_factory=list, description="More names and addresses of the API server."
    )
    feature_gates: dict[str, bool] = Field(default_factory=dict)
    token_ttl: Duration = Field("2h", description="e.g. 24h or 1h30m; 0 = never expires.")
    skip_phases: list[Text] = Field(default_factory=list)
    ignore_preflight_errors: list[Text] = Field(default_factory=list)
    certificate_validity: str | None = Field(
        None, pattern=HOURS, description="From Kubernetes 1.31, e.g. 8760h."
    )


class KubeProxy(Strict):
    """kube-proxy settings."""

    mode: Literal["iptables", "ipvs", "nftables"] = "iptables"
    config: Document = Field(default_factory=dict, description="KubeProxyConfiguration fields.")


class Time(Strict):
    """Clocks: certificates and etcd need them to agree."""

    manage: bool = Field(True, description="false: something else keeps the time.")
    servers: list[Annotated[str, StringConstraints(pattern=HOST_NAME)]] = Field(
        default_factory=list, description="Default: the distribution's."
    )
    sync_timeout: Annotated[int, Field(ge=0)] = Field(60, description="Seconds; 0: do not wait.")


class Firewall(StrEnum):
    OPEN = "open"
    OFF = "off"
    KEEP = "keep"


class Smoke(Strict):
    """The smoke test's app."""

    image: str = Field("docker.io/library/busybox:1.37", pattern=IMAGE)
    timeout: Annotated[int, Field(ge=10)] = Field(180, description="Seconds for each condition.")


class ClusterSpec(Strict):
    """What the cluster shall be."""

    name: DnsLabel = "kubernetes"
    kubernetes: ExactVersion = Field(description="Exact version, e.g. 1.36.2.")
    runtime: Runtime = Field(default_factory=Runtime)
    network: Network = Field(default_factory=Network)
    endpoint: Endpoint | None = Field(None, description="Default: the first control plane.")
    image_repository: str | None = Field(
        None, pattern=REPOSITORY, description="Default: kubeadm's own."
    )
    packages: Packages = Field(default_factory=Packages)
    kubeadm: Kubeadm = Field(default_factory=Kubeadm)
    kube_proxy: KubeProxy = Field(default_factory=KubeProxy)
    time: Time = Field(default_factory=Time)
    firewall: Firewall = Field(
        Firewall.OPEN,
        description="An active ufw or firewalld: open what the cluster needs, turn off, or keep.",
    )
    sysctls: dict[Annotated[str, StringConstraints(pattern=SYSCTL)], str | int] = Field(
        default_factory=dict, description="More of your own."
    )
    manage_etc_hosts: bool = True
    smoke: Smoke = Field(default_factory=Smoke)


class CgroupMode(StrEnum):
    HOST = "host"
    V1 = "v1"
    V2 = "v2"
    HYBRID = "hybrid"


class Lab(Strict):
    """Hosts on this machine (``kubeinstall lab``); ignored by everything else."""

    subnet: Ipv4Network = IPv4Network("10.99.0.0/24")
    cgroup: CgroupMode = CgroupMode.HOST
    mirror: Ipv4 | None = Field(
        None, description="Address of the lab's own package mirror and image registry."
    )
    users: dict[str, Literal["sudo", "sudo-password"]] = Field(
        default_factory=dict, description="Logins beside root; password: the login name."
    )
    bastion: Ipv4 | None = Field(None, description="Make an ssh jump host here.")


class InventoryFile(Strict):
    """The inventory file."""

    cluster: ClusterSpec
    defaults: HostSettings = Field(default_factory=HostSettings)
    groups: Groups
    lab: Lab | None = None


class Role(StrEnum):
    CONTROL_PLANE = "control_plane"
    WORKER = "worker"


class Host(Strict):
    """A host with everything that its group and the defaults say, resolved."""

    name: str
    role: Role
    address: str
    node_ip: str
    hostname: str
    ssh: Ssh
    labels: dict[str, str]
    taints: tuple[Taint, ...] | None
    kubelet: Kubelet

    @property
    def is_control_plane(self) -> bool:
        return self.role is Role.CONTROL_PLANE


class Cluster(Strict):
    """What the code works on: the specification and its resolved hosts.

    Hosts are in the file's order, control planes first; the first one is initialised.
    """

    spec: ClusterSpec
    hosts: tuple[Host, ...]
    lab: Lab | None = None
    source: Path | None = None

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

    @property
    def image_repository(self) -> str:
        return self.spec.image_repository or self.release.image_repository

    def host(self, name: str) -> Host:
        """The host of that name.

        Raises:
            KeyError: there is none.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)
