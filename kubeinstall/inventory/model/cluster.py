"""What the cluster shall be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from kubeinstall.inventory.formats import (
    ENDPOINT,
    FEATURE_GATE,
    HOURS,
    IMAGE,
    REPOSITORY,
    SAN,
    SYSCTL,
    real_address,
    real_duration,
    real_port,
)
from kubeinstall.inventory.model.addons import AddonChoice
from kubeinstall.inventory.model.base import (
    Args,
    DnsLabel,
    Document,
    Duration,
    ExactVersion,
    Port,
    Strict,
    Text,
)
from kubeinstall.inventory.model.network import Network
from kubeinstall.inventory.model.proxy import Proxy
from kubeinstall.inventory.model.runtime import Runtime, VerifiedFile
from kubeinstall.inventory.model.sources import Packages
from kubeinstall.inventory.model.system import Firewall, MachineIds, Selinux, Time
from kubeinstall.releases.images import ImageLayout
from kubeinstall.releases.package_sources import SourceName

San = Annotated[str, StringConstraints(pattern=SAN, max_length=255), AfterValidator(real_address)]
Repository = Annotated[str, StringConstraints(pattern=REPOSITORY)]
RealRepository = Annotated[Repository, AfterValidator(real_port)]
FeatureGate = Annotated[str, StringConstraints(pattern=FEATURE_GATE)]


class Endpoint(Strict):
    """The address that all nodes and users reach the API servers by."""

    host: Annotated[str, AfterValidator(real_address)] = Field(
        pattern=ENDPOINT, max_length=253, description="DNS name or address."
    )
    port: Port = 6443


class Kubeadm(Strict):
    """kubeadm settings, written for whichever configuration API the version has."""

    api_server_args: Args = Field(default_factory=dict)
    controller_manager_args: Args = Field(default_factory=dict)
    scheduler_args: Args = Field(default_factory=dict)
    etcd_args: Args = Field(default_factory=dict)
    cert_sans: list[San] = Field(
        default_factory=list, description="More names and addresses of the API server."
    )
    feature_gates: dict[FeatureGate, bool] = Field(default_factory=dict)
    token_ttl: Annotated[Duration, AfterValidator(real_duration)] = Field(
        "15m",
        description="Lifetime of the token that kubeadm init creates, e.g. 24h; 0 = never "
        "expires. Workers join with other tokens, which are deleted afterwards.",
    )
    skip_phases: list[Text] = Field(default_factory=list)
    ignore_preflight_errors: list[Text] = Field(default_factory=list)
    certificate_validity: Annotated[str | None, AfterValidator(real_duration)] = Field(
        None, pattern=HOURS, description="From Kubernetes 1.31, e.g. 8760h."
    )

    def installs(self, addon: Literal["kube-proxy", "coredns"]) -> bool:
        """Whether ``kubeadm init`` installs one of its add-ons."""
        return not {"addon", "addon/all", f"addon/{addon}"} & set(self.skip_phases)


class KubeProxy(Strict):
    """kube-proxy settings."""

    mode: Literal["iptables", "ipvs", "nftables"] = "iptables"
    config: Document = Field(default_factory=dict, description="KubeProxyConfiguration fields.")


class Smoke(Strict):
    """The smoke test's app."""

    image: str = Field("docker.io/library/busybox:1.37", pattern=IMAGE)
    timeout: Annotated[int, Field(ge=10)] = Field(180, description="Seconds for each condition.")


DNS_INDEX = 10
"""Which of the service addresses is CoreDNS'."""
DNS_CACHE = "nodelocaldns"
DNS_CACHE_ADDRESS = "169.254.20.10"
"""The addon with a cache on every node, and its address unless its values name another."""


class ClusterSpec(Strict):
    """What the cluster shall be."""

    name: DnsLabel = "kubernetes"
    kubernetes: ExactVersion = Field(description="Exact version, e.g. 1.36.2.")
    runtime: Runtime = Field(default_factory=Runtime)
    network: Network = Field(default_factory=Network)
    endpoint: Endpoint | None = Field(None, description="Default: the first control plane.")
    source: SourceName = Field(
        SourceName.OFFICIAL,
        description=(
            "Where packages, their keys and images come from; packages.url, packages.key and "
            "image_repository each win over it."
        ),
    )
    image_repository: RealRepository | None = Field(
        None, description="Default: the source's, or kubeadm's own."
    )
    image_layout: ImageLayout | None = Field(
        None,
        description=(
            "Where image_repository has CoreDNS: flat REPO/coredns, nested REPO/coredns/coredns "
            "as registry.k8s.io has it; default: flat, for all but kubeadm's own."
        ),
    )
    images: dict[Repository, RealRepository] = Field(
        default_factory=dict,
        description="The start of the name of an addon's image, and what to pull from instead: "
        "`quay.io: registry.example.org/quay`. The longest one counts.",
    )
    addons: dict[DnsLabel, AddonChoice] = Field(
        default_factory=dict, description="`kubeinstall addon list` shows those there are."
    )
    addon_folders: list[Path] = Field(
        default_factory=list, description="Folders with addons of your own, a folder each."
    )
    helm: VerifiedFile | None = Field(
        None,
        description="Helm's release archive, e.g. helm-v4.2.4-linux-amd64.tar.gz, for the control "
        "planes; default: none there.",
    )
    packages: Packages = Field(default_factory=Packages)
    kubeadm: Kubeadm = Field(default_factory=Kubeadm)
    kube_proxy: KubeProxy = Field(default_factory=KubeProxy)
    time: Time = Field(default_factory=Time)
    firewall: Firewall = Field(
        Firewall.OPEN,
        description="A firewall at work: open what the cluster needs, turn it off, or keep it.",
    )
    machine_ids: MachineIds = Field(
        MachineIds.KEEP,
        description="renew-duplicates: cloned hosts that are no nodes yet get new ones, all but "
        "the first; keep: clones are only told.",
    )
    proxy: Proxy | None = Field(None, description="Default: hosts have a way out of their own.")
    selinux: Selinux = Field(
        Selinux.KEEP,
        description="keep: as it is, with rules for containers; permissive: logs, refuses nothing.",
    )
    sysctls: dict[Annotated[str, StringConstraints(pattern=SYSCTL)], str | int] = Field(
        default_factory=dict, description="More of your own."
    )
    manage_etc_hosts: bool = True
    smoke: Smoke = Field(default_factory=Smoke)

    @property
    def cluster_dns(self) -> str:
        """The address that pods ask for names, as kubelets tell them.

        kubeadm gives CoreDNS the tenth address (GetDNSIP in its constants.go). A cache on the node
        takes that over, but not from IPVS, which has it on a device of its own.
        """
        cache = self.addons.get(DNS_CACHE)
        if cache and self.kube_proxy.mode == "ipvs":
            return str(cache.values.get("address", DNS_CACHE_ADDRESS))
        return str(self.network.services[DNS_INDEX])
