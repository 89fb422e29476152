"""Every file that kubeinstall puts on a host, known without the host."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinstall.families import FAMILIES
from kubeinstall.files.containerd import files as of_containerd
from kubeinstall.files.crictl import crictl_yaml
from kubeinstall.files.docker import files as of_docker
from kubeinstall.files.family import Family
from kubeinstall.files.hosts import files as of_hosts
from kubeinstall.files.kubeadm import files as of_kubeadm
from kubeinstall.files.packages import files as of_packages
from kubeinstall.files.proxy import files as of_proxy
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.inventory.model import Cluster, Host, RuntimeName


def rendered(
    cluster: Cluster, host: Host, containerd: int | None = None, family: Family | None = None
) -> Iterator[RenderedFile]:
    """The files of one host, in the order in which they are written.

    What depends on the host itself is as on a fresh one: kernel modules that can be loaded, an
    /etc/hosts with nothing else in it.

    Args:
        containerd: its major version; None: the one that goes with the release.
        family: of the host's operating system; None: Debian's.
    """
    family = family or FAMILIES[0]
    yield from of_proxy(cluster, family.package_format)
    yield from of_hosts(cluster, host, family)
    if cluster.spec.runtime.name is RuntimeName.DOCKER:
        yield from of_docker(cluster, host)
    else:
        yield from of_containerd(cluster, host, containerd)
    yield crictl_yaml(cluster)
    yield from of_packages(cluster, family)
    yield from of_kubeadm(cluster, host)
