"""What the Kubernetes version and its package source allow."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.positions import Issue, dotted
from kubeinstall.inventory.resolve import layers
from kubeinstall.releases import DEFAULT, NEWEST, OLDEST, Version, release
from kubeinstall.releases.images import ImageLayout, flat_works
from kubeinstall.releases.images import image_layout as likely_layout
from kubeinstall.releases.package_sources import SINCE, SOURCES

NFTABLES_SINCE = (1, 31)
IPVS_DEPRECATED_SINCE = (1, 35)
POD_INFRA_IMAGE_UNTIL = (1, 34)


def _minor(inventory: InventoryFile) -> tuple[int, int]:
    version = Version.parse(inventory.cluster.kubernetes)
    return version.major, version.minor


def known(inventory: InventoryFile) -> Iterator[Issue]:
    """The version is one whose needs are known."""
    version = Version.parse(inventory.cluster.kubernetes)
    try:
        release(version)
    except ValueError:
        oldest, newest = (".".join(map(str, minor)) for minor in (OLDEST, NEWEST))
        old = (version.major, version.minor) < OLDEST
        yield Issue(
            ("cluster", "kubernetes"),
            f"cluster.kubernetes: version {version} is unknown",
            why=f"this release of kubeinstall supports Kubernetes {oldest} to {newest}",
            next=f"the nearest is {oldest}" if old else f"the nearest is {newest}; or {DEFAULT}",
        )


def packages(inventory: InventoryFile) -> Iterator[Issue]:
    """The source has packages of the version."""
    cluster = inventory.cluster
    own = cluster.packages.url or cluster.packages.archive
    if not own and _minor(inventory) < SINCE:
        where = urlsplit(SOURCES[cluster.source].base).hostname
        yield Issue(
            ("cluster", "kubernetes"),
            f"cluster.packages.url is missing: {where} has no Kubernetes {cluster.kubernetes}",
            why="its oldest packages are 1.24",
            next="set a package source that has it, e.g. `packages: {url: "
            "https://mirror.example.org}`, or use 1.24 or later",
        )


def image_layout(inventory: InventoryFile) -> Iterator[Issue]:
    """kubeadm can find CoreDNS in the image repository."""
    cluster = inventory.cluster
    repository = cluster.image_repository or SOURCES[cluster.source].image_repository
    if repository is None:
        if cluster.image_layout is ImageLayout.FLAT:
            yield Issue(
                ("cluster", "image_layout"),
                "cluster.image_layout: kubeadm's own image repository is not flat",
                next="remove it, or set cluster.image_repository to a repository with that layout",
                at_key=True,
            )
        return
    layout = cluster.image_layout or likely_layout(repository)
    if layout is ImageLayout.FLAT and not flat_works(Version.parse(cluster.kubernetes)):
        yield Issue(
            ("cluster", "kubernetes"),
            f"cluster.kubernetes: kubeadm {cluster.kubernetes} cannot pull CoreDNS from a flat "
            f"image repository such as {repository}",
            why="1.21.0 and 1.21.1 always pull coredns/coredns",
            next="use 1.21.2 or later, or set `image_layout: nested` if the repository has "
            "coredns/coredns",
        )


def packages_key(inventory: InventoryFile) -> Iterator[Issue]:
    """The signing key does not come over plain HTTP, where anyone on the way could change it."""
    packages = inventory.cluster.packages
    if packages.key and packages.key_fingerprints:
        yield Issue(
            ("cluster", "packages", "key_fingerprints"),
            "cluster.packages.key_fingerprints is not used: cluster.packages.key is the key",
            why="fingerprints are for a key that is downloaded from the package source",
            next="remove one of them",
            at_key=True,
        )
    if packages.url and packages.url.startswith("http://") and packages.key is None:
        yield Issue(
            ("cluster", "packages", "url"),
            "cluster.packages.key is missing: the key of a package source on plain HTTP cannot be "
            "downloaded safely",
            why="it could be replaced in transit",
            next="save its signing key to a file and set cluster.packages.key to it, or use https",
        )


def kube_proxy_mode(inventory: InventoryFile) -> Iterator[Issue]:
    """kube-proxy knows the mode."""
    mode = inventory.cluster.kube_proxy.mode
    loc = ("cluster", "kube_proxy", "mode")
    if mode == "nftables" and _minor(inventory) < NFTABLES_SINCE:
        yield Issue(
            loc,
            f"{dotted(loc)}: Kubernetes {inventory.cluster.kubernetes} has no nftables mode",
            why="kube-proxy has it from 1.31",
            next="use iptables",
        )
    if mode == "ipvs" and _minor(inventory) >= IPVS_DEPRECATED_SINCE:
        yield Issue(
            loc,
            f"{dotted(loc)}: ipvs is deprecated since Kubernetes 1.35",
            next="use nftables or iptables",
            severity="warning",
        )


def certificate_validity(inventory: InventoryFile) -> Iterator[Issue]:
    """The kubeadm API of the version has the setting."""
    kubeadm = inventory.cluster.kubeadm
    if (
        kubeadm.certificate_validity
        and not release(Version.parse(inventory.cluster.kubernetes)).list_args
    ):
        yield Issue(
            ("cluster", "kubeadm", "certificate_validity"),
            "cluster.kubeadm.certificate_validity: kubeadm of Kubernetes "
            f"{inventory.cluster.kubernetes} cannot set it",
            why="the setting requires the configuration API v1beta4, in 1.31 and later",
            next="remove it (certificates are then valid for a year), or use 1.31 or later",
        )


def removed_flags(inventory: InventoryFile) -> Iterator[Issue]:
    """No kubelet flag that the version does not start with."""
    flag = "pod-infra-container-image"
    if _minor(inventory) <= POD_INFRA_IMAGE_UNTIL:
        return
    for loc, layer in layers(inventory):
        if flag in layer.kubelet.extra_args:
            place = (*loc, "kubelet", "extra_args", flag)
            yield Issue(
                place,
                f"{dotted(place)}: the kubelet has no such flag since Kubernetes 1.35",
                why="it does not start with an unknown flag",
                next="remove it; the sandbox image is the one kubeadm lists",
                at_key=True,
            )
