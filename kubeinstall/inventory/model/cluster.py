"""The desired state of the cluster."""

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
    """The address at which all nodes and users reach the API servers."""

    host: Annotated[str, AfterValidator(real_address)] = Field(
        pattern=ENDPOINT, max_length=253, description="DNS name or address."
    )
    port: Port = 6443


class Kubeadm(Strict):
    """kubeadm settings, for any version of its configuration API."""

    api_server_args: Args = Field(default_factory=dict)
    controller_manager_args: Args = Field(default_factory=dict)
    scheduler_args: Args = Field(default_factory=dict)
    etcd_args: Args = Field(default_factory=dict)
    cert_sans: list[San] = Field(
        default_factory=list,
        description="Additional names and addresses for the API server's certificate.",
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
        None, pattern=HOURS, description="Needs Kubernetes 1.31 or later; e.g. 8760h."
    )

    def installs(self, addon: Literal["kube-proxy", "coredns"]) -> bool:
        """Whether ``kubeadm init`` installs one of its add-ons."""
        return not {"addon", "addon/all", f"addon/{addon}"} & set(self.skip_phases)


class KubeProxy(Strict):
    """kube-proxy settings."""

    mode: Literal["iptables", "ipvs", "nftables"] = "iptables"
    config: Document = Field(default_factory=dict, description="KubeProxyConfiguration fields.")


class Smoke(Strict):
    """The app of the smoke test."""

    image: str = Field("docker.io/library/busybox:1.37", pattern=IMAGE)
    timeout: Annotated[int, Field(ge=10)] = Field(
        180, description="Seconds to wait for each condition."
    )


DNS_INDEX = 10
"""The index of CoreDNS' address in the service network."""
DNS_CACHE = "nodelocaldns"
DNS_CACHE_ADDRESS = "169.254.20.10"
"""The addon that runs a cache on every node, and its default address."""


class ClusterSpec(Strict):
    """The desired state of the cluster."""

    name: DnsLabel = "kubernetes"
    kubernetes: ExactVersion = Field(description="Exact version, e.g. 1.36.2.")
    runtime: Runtime = Field(default_factory=Runtime)
    network: Network = Field(default_factory=Network)
    endpoint: Endpoint | None = Field(None, description="Default: the first control plane.")
    source: SourceName = Field(
        SourceName.OFFICIAL,
        description=(
            "Where packages, their signing keys and images come from; packages.url, packages.key "
            "and image_repository override it."
        ),
    )
    image_repository: RealRepository | None = Field(
        None, description="Default: that of cluster.source, or kubeadm's."
    )
    image_layout: ImageLayout | None = Field(
        None,
        description=(
            "Location of CoreDNS in image_repository: flat for REPO/coredns, nested for "
            "REPO/coredns/coredns as in registry.k8s.io; default: flat, except for kubeadm's "
            "default repository."
        ),
    )
    images: dict[Repository, RealRepository] = Field(
        default_factory=dict,
        description="Other locations for addons' images, by prefix of the image name: "
        "`quay.io: registry.example.org/quay`. The longest matching prefix wins.",
    )
    addons: dict[DnsLabel, AddonChoice] = Field(
        default_factory=dict, description="Addons by name; `kubeinstall addon list` lists them."
    )
    addon_folders: list[Path] = Field(
        default_factory=list, description="Folders with your own addons, one subfolder for each."
    )
    helm: VerifiedFile | None = Field(
        None,
        description="Helm's release archive, e.g. helm-v4.2.4-linux-amd64.tar.gz, to install on "
        "the control planes; default: Helm is not installed.",
    )
    packages: Packages = Field(default_factory=Packages)
    kubeadm: Kubeadm = Field(default_factory=Kubeadm)
    kube_proxy: KubeProxy = Field(default_factory=KubeProxy)
    time: Time = Field(default_factory=Time)
    firewall: Firewall = Field(
        Firewall.OPEN,
        description="For hosts with an active firewall: open the ports that the cluster needs, "
        "turn it off, or keep it as it is.",
    )
    machine_ids: MachineIds = Field(
        MachineIds.KEEP,
        description="For cloned hosts with the same machine-id. renew-duplicates: all but the "
        "first get a new one, unless they are already nodes; keep: only report them.",
    )
    proxy: Proxy | None = Field(
        None, description="Default: hosts reach the internet without a proxy."
    )
    selinux: Selinux = Field(
        Selinux.KEEP,
        description="keep: keep the mode, and install container-selinux; permissive: only "
        "log denials.",
    )
    sysctls: dict[Annotated[str, StringConstraints(pattern=SYSCTL)], str | int] = Field(
        default_factory=dict, description="Additional kernel parameters."
    )
    manage_etc_hosts: bool = True
    smoke: Smoke = Field(default_factory=Smoke)

    @property
    def cluster_dns(self) -> str:
        """The DNS server address that kubelets configure in pods.

        kubeadm gives CoreDNS the tenth address (GetDNSIP in its constants.go). A cache on the node
        takes it over, but not with IPVS, which has that address on its own device.
        """
        cache = self.addons.get(DNS_CACHE)
        if cache and self.kube_proxy.mode == "ipvs":
            return str(cache.values.get("address", DNS_CACHE_ADDRESS))
        return str(self.network.services[DNS_INDEX])
