"""What the ``packages`` phase puts on a host: pure functions of the inventory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kubeinstall.files.family import Family, Repository
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster
from kubeinstall.openpgp import public_keys
from kubeinstall.operations.downloads import Download
from kubeinstall.releases.package_sources import PackageFormat, key_file

PACKAGES = ("kubelet", "kubeadm", "kubectl")
ALL = (*PACKAGES, "cri-tools", "kubernetes-cni")
"""Those, and what they bring from the same source."""

ARCHIVES = "/var/lib/kubeinstall/packages"
"""Where archives of packages are unpacked."""

SOURCES = tuple(
    path
    for name in ("kubernetes", "docker")
    for path in (f"/etc/apt/sources.list.d/{name}.list", f"/etc/yum.repos.d/{name}.repo")
)
"""Where package sources of ours are named, of whatever family the host is."""


def repository(cluster: Cluster, package_format: PackageFormat) -> Repository:
    """The source of Kubernetes' packages, with the inventory's key or else its own.

    Raises:
        KubeinstallError: the key is of no use, or it would come over plain HTTP.
    """
    return _repository(cluster, package_format, given_key(cluster))


def _repository(cluster: Cluster, package_format: PackageFormat, key: str | None) -> Repository:
    if folder := archive_folder(cluster):
        url = f"file://{folder}/"
        return Repository("kubernetes", "Kubernetes", url, exclude=ALL, signed=False)
    url = cluster.origin.packages(cluster.version, package_format)
    return Repository(
        name="kubernetes",
        title="Kubernetes",
        url=url,
        key=key,
        key_url="" if key else _key_url(url, package_format),
        key_fingerprints=tuple(cluster.spec.packages.key_fingerprints),
        exclude=ALL,
    )


def archive(cluster: Cluster) -> Download | None:
    """The archive that the packages come from, if they do."""
    given = cluster.spec.packages.archive
    if given is None:
        return None
    return Download(given.sha256, given.url or "", str(given.file or ""))


def archive_folder(cluster: Cluster) -> str:
    """Where the archive is unpacked; empty: packages come from a source."""
    given = cluster.spec.packages.archive
    return f"{ARCHIVES}/{given.sha256[:16]}" if given else ""


def _key_url(url: str, package_format: PackageFormat) -> str:
    """Where the source has its own key.

    Raises:
        KubeinstallError: it would come over plain HTTP, where anyone on the way could change it.
    """
    if not url.startswith("https://"):
        raise KubeinstallError(
            Finding(
                Kind.INVENTORY,
                "cluster.packages.key is missing",
                why=f"{url} is plain HTTP, so the key cannot be downloaded from there safely",
                next="save the package source's signing key to a file and set "
                "cluster.packages.key to it",
            )
        )
    return url + key_file(package_format)


def given_key(cluster: Cluster) -> str | None:
    """The signing key that the inventory names; None: the source's own.

    Raises:
        KubeinstallError: the file cannot be read, or is no armored key.
    """
    path = cluster.spec.packages.key
    return armored_key(path, "cluster.packages.key") if path else None


def armored_key(path: Path, setting: str) -> str:
    """A signing key on this machine.

    Args:
        setting: where the inventory names it.

    Raises:
        KubeinstallError: the file cannot be read, or is no armored key.
    """
    try:
        text = path.read_text(encoding="ascii")
    except OSError as error:
        why = error.strerror or str(error)
    except UnicodeDecodeError:
        why = "it is not ASCII text"
    else:
        try:
            public_keys(text)
        except ValueError as error:
            why = str(error)
        else:
            return text
    armor = f"gpg --no-default-keyring --keyring {path} --armor --export"
    raise KubeinstallError(
        Finding(
            Kind.INVENTORY,
            f"the package signing key {path} cannot be used",
            why=f"{setting}: {why}",
            next=f"to convert a binary key to text: {armor}",
        )
    )


def versions(cluster: Cluster) -> tuple[tuple[str, str], ...]:
    """kubelet, kubeadm and kubectl with the version that is to be installed."""
    version = f"{cluster.version}-{cluster.spec.packages.revision or '*'}"
    return tuple((name, version) for name in PACKAGES)


def tools(cluster: Cluster, family: Family) -> tuple[tuple[str, str], ...]:
    """What Kubernetes calls and its own packages need not bring, in any version."""
    # What a reset takes ipvs' services away with, and what people look at them with.
    ipvs = ("ipvsadm",) if cluster.spec.kube_proxy.mode == "ipvs" else ()
    return tuple((tool, "") for tool in (*family.tools, *ipvs))


def files(cluster: Cluster, family: Family) -> Iterable[RenderedFile]:
    """The files of the phase."""
    path = cluster.spec.packages.key
    # A lab that is not up yet has no key; its files can be rendered all the same.
    missing = path is not None and not path.is_file()
    key = f"the key from {path}\n" if missing else given_key(cluster)
    yield from family.repository_files(_repository(cluster, family.package_format, key))
