"""Every file that kubeinstall puts on a host, known without the host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubeinstall.inventory.model import Cluster, Host, RuntimeName

if TYPE_CHECKING:
    from kubeinstall.deploys.families.family import Family


@dataclass(frozen=True)
class RenderedFile:
    """A file for a host.

    Args:
        path: absolute path on the host.
        content: its text; secrets are placeholders.
        mode: octal digits.
    """

    path: str
    content: str
    mode: str = "644"


def rendered(
    cluster: Cluster, host: Host, containerd: int | None = None, family: Family | None = None
) -> Iterator[RenderedFile]:
    """The files of one host, in the order in which they are written.

    What hangs on the host itself is as on a fresh one: kernel modules that can be loaded, an
    /etc/hosts with nothing else in it.

    Args:
        containerd: its major version; None: the one that goes with the release.
        family: of the host's operating system; None: Debian's.
    """
    # They all make RenderedFiles, so they import this module.
    from kubeinstall.deploys.containerd_files import files as of_containerd
    from kubeinstall.deploys.crictl import crictl_yaml
    from kubeinstall.deploys.docker_files import files as of_docker
    from kubeinstall.deploys.families import FAMILIES
    from kubeinstall.deploys.host_files import files as of_hosts
    from kubeinstall.deploys.kubeadm_files import files as of_kubeadm
    from kubeinstall.deploys.package_files import files as of_packages
    from kubeinstall.deploys.proxy_files import files as of_proxy

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
