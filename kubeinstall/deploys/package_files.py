"""What the ``packages`` phase puts on a host: pure functions of the inventory."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinstall.deploys.rendered import RenderedFile
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.releases.sources import PackageFormat, key_file
from kubeinstall.templates import render

SOURCE_FILE = "/etc/apt/sources.list.d/kubernetes.list"
KEYRING = "/etc/apt/keyrings/kubernetes-apt-keyring.asc"

_ARMOR = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


def source_url(cluster: Cluster, package_format: PackageFormat = PackageFormat.DEB) -> str:
    """The package repository of the minor, with a slash at its end."""
    return cluster.origin.packages(cluster.version, package_format)


def source_list(cluster: Cluster) -> str:
    """The apt source, signed by just its own key."""
    return render("packages/kubernetes.list.j2", keyring=KEYRING, url=source_url(cluster))


def key_url(cluster: Cluster, package_format: PackageFormat = PackageFormat.DEB) -> str:
    """Where the source has its own key.

    Raises:
        KubeinstallError: it would come over plain HTTP, where anyone on the way could change it.
    """
    url = source_url(cluster, package_format)
    if not url.startswith("https://"):
        raise KubeinstallError(
            Finding(
                Kind.INVENTORY,
                "cluster.packages.key is missing",
                why=f"{url} is plain HTTP, so the key cannot be fetched from there safely",
                next="save the source's signing key to a file and name it in cluster.packages.key",
            )
        )
    return url + key_file(package_format)


def given_key(cluster: Cluster) -> str | None:
    """The signing key that the inventory names; None: the source's own.

    Raises:
        KubeinstallError: the file cannot be read, or is no armored key.
    """
    path = cluster.spec.packages.key
    if path is None:
        return None
    try:
        text = path.read_text(encoding="ascii")
    except OSError as error:
        why = error.strerror or str(error)
    except UnicodeDecodeError:
        why = "it is not ASCII text"
    else:
        if _ARMOR in text:
            return text
        why = "it is no ASCII-armored OpenPGP public key"
    armor = f"gpg --no-default-keyring --keyring {path} --armor --export"
    raise KubeinstallError(
        Finding(
            Kind.INVENTORY,
            f"the package signing key {path} is of no use",
            why=why,
            next=f"a binary key is made text of by: {armor}",
        )
    )


def versions(cluster: Cluster) -> tuple[tuple[str, str], ...]:
    """kubelet, kubeadm and kubectl with the version apt is to install."""
    version = f"{cluster.version}-{cluster.spec.packages.revision or '*'}"
    return tuple((name, version) for name in ("kubelet", "kubeadm", "kubectl"))


def files(cluster: Cluster, _host: Host) -> Iterable[RenderedFile]:
    """The files of the phase."""
    key = given_key(cluster) if _readable(cluster) else None
    yield RenderedFile(KEYRING, key or f"the key from {_origin(cluster)}\n")
    yield RenderedFile(SOURCE_FILE, source_list(cluster))


def _readable(cluster: Cluster) -> bool:
    """A lab that is not up yet has no key; its files can be rendered all the same."""
    return cluster.spec.packages.key is not None and cluster.spec.packages.key.is_file()


def _origin(cluster: Cluster) -> str:
    return str(cluster.spec.packages.key or key_url(cluster))
