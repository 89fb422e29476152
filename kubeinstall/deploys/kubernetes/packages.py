"""The ``packages`` phase: kubelet, kubeadm and kubectl in the exact version, and kept there."""

from __future__ import annotations

from pyinfra.api.deploy import deploy

from kubeinstall.deploys import downloads
from kubeinstall.deploys.inputs import SystemInputs
from kubeinstall.deploys.kubernetes import helm, kubelet_flags, resolver
from kubeinstall.files import packages as package_files
from kubeinstall.files import proxy as proxy_files
from kubeinstall.operations.archives import archive_unpacked
from kubeinstall.operations.services import current, enabled
from kubeinstall.releases.package_sources import PackageFormat


@deploy("Install the Kubernetes packages")
def install(inputs: SystemInputs | None = None) -> None:
    """The signed package source, the tools Kubernetes calls, its own packages, held; Helm."""
    inputs = inputs or SystemInputs.plain()
    cluster, node, family = inputs.cluster, inputs.host, inputs.family()
    kubelet_flags.check(cluster, node)
    tools = package_files.tools(cluster, family)
    family.installed(tools, name="Install Kubernetes' dependencies")
    wanted = package_files.versions(cluster)
    if archive := package_files.archive(cluster):
        downloads.prepare(family, archive)
        archive_unpacked(
            download=archive,
            folder=package_files.archive_folder(cluster),
            rpm=family.package_format is PackageFormat.RPM,
            name="Unpack the archive of packages",
        )
    repository = package_files.repository(cluster, family.package_format)
    family.repository(repository, wanted)
    title = f"Install kubelet, kubeadm and kubectl {cluster.version}"
    family.installed(wanted, held=True, repository=repository.name, name=title)
    # Enabled, not started: until kubeadm has configured it, it can only fail.
    enabled(unit="kubelet.service", name="Enable the kubelet")
    resolver.configure(node)
    configs = proxy_files.configs("kubelet")
    current(
        unit="kubelet.service",
        configs=configs,
        name="Restart the kubelet with its unit's settings",
    )
    helm.installed(cluster, node, family)
