"""The ``packages`` phase: kubelet, kubeadm and kubectl in the exact version, and kept there."""

from __future__ import annotations

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.deploys import package_files
from kubeinstall.inventory.model import Cluster
from kubeinstall.operations.apt_key import apt_key_fetched
from kubeinstall.operations.files import managed_file
from kubeinstall.operations.packages import installed
from kubeinstall.operations.services import enabled

_TOOLS = ("conntrack", "ebtables", "ethtool", "iptables", "socat")
"""What kubeadm's preflight looks for; packages of newer minors no longer bring all of it."""


@deploy("Install Kubernetes' packages")
def install() -> None:
    """The signed package source, the tools Kubernetes calls, and its own packages, held."""
    cluster: Cluster = host.data.cluster
    wanted = package_files.versions(cluster)
    tools = [*_TOOLS]
    if package_files.source_url(cluster).startswith("https://"):
        tools.append("ca-certificates")
    tools_wanted = tuple((tool, "") for tool in tools)
    installed(wanted=tools_wanted, name="Install what Kubernetes calls")
    key = package_files.given_key(cluster)
    if key is None:
        url = package_files.key_url(cluster)
        keyring = package_files.KEYRING
        apt_key_fetched(path=keyring, url=url, wanted=wanted, name="Fetch the signing key")
    else:
        managed_file(path=package_files.KEYRING, content=key, name="Place the signing key")
    source = package_files.source_list(cluster)
    managed_file(path=package_files.SOURCE_FILE, content=source, name="Name the package source")
    title = f"Install kubelet, kubeadm and kubectl {cluster.version}"
    installed(wanted=wanted, held=True, name=title)
    # Enabled, not started: until kubeadm has configured it, it can only fail.
    enabled(unit="kubelet.service", name="Enable the kubelet")
