"""Proxies: for the package manager, the runtime, the kubelet, and for kubeadm when it runs."""

from __future__ import annotations

from kubeinstall.facts.proxy import SERVICES_ENV
from kubeinstall.files import proxy as proxy_files
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations import services
from kubeinstall.operations.files import Holds, absent_file, managed_file
from kubeinstall.operations.proxy import dnf_proxy
from kubeinstall.releases.package_sources import PackageFormat


def configure(cluster: Cluster, package_format: PackageFormat) -> None:
    """Everything that goes through the proxy, or nothing of it; services are restarted later."""
    proxy = cluster.spec.proxy
    if package_format is PackageFormat.DEB:
        _file(cluster, proxy_files.APT_CONF, proxy and proxy_files.apt_conf(cluster, proxy), "apt")
    else:
        dnf_proxy(
            settings=proxy_files.dnf_settings(proxy) if proxy else {},
            secret=bool(proxy and proxy.secret),
            name="Configure the proxy for dnf",
        )
    for path, environment, who in (
        (SERVICES_ENV, proxy_files.services_environment(cluster), "services"),
        (proxy_files.KUBEADM_ENV, proxy_files.kubeadm_environment(cluster), "kubeadm"),
    ):
        _file(cluster, path, environment and proxy_files.env_file(environment), who)
    wanted = proxy_files.services(cluster)
    for service in proxy_files.SERVICES:
        path = proxy_files.drop_in(service)
        if service in wanted:
            managed_file(
                path=path,
                content=proxy_files.unit(),
                holds=Holds.PUBLIC,
                name=f"Configure the proxy for {service}",
            )
        else:
            absent_file(path=path, name=f"Remove the proxy from {service}")


def forgotten() -> None:
    """Nothing goes through a proxy of ours; what runs does so until it is started again."""
    for service in proxy_files.SERVICES:
        services.forgotten(
            path=proxy_files.drop_in(service),
            command="systemctl daemon-reload",
            name=f"Remove the proxy from {service}",
        )
    # The drop-ins first: a service whose variables are gone would not start.
    for path in (SERVICES_ENV, proxy_files.KUBEADM_ENV, proxy_files.APT_CONF):
        absent_file(path=path, name=f"Remove {path}")
    dnf_proxy(settings={}, name="Remove the proxy from dnf")


def _file(cluster: Cluster, path: str, content: object, who: str) -> None:
    """A file with a login is root's alone: apt reads it as root, and systemd too.

    Without one it is for everyone to read, and not shown either: the last one may have had a login.
    """
    proxy = cluster.spec.proxy
    if not proxy or not content:
        absent_file(path=path, name=f"Remove the proxy from {who}")
    else:
        managed_file(
            path=path,
            content=str(content),
            holds=Holds.SECRETS,
            mode="600" if proxy.secret else "644",
            name=f"Configure the proxy for {who}",
        )
