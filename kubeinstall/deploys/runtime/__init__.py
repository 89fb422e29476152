"""The ``runtime`` phase: Docker or containerd, configured for the kubelet."""

from __future__ import annotations

from pyinfra.api.deploy import deploy

from kubeinstall import families
from kubeinstall.deploys import runtime_packages, together
from kubeinstall.deploys.inputs import SystemInputs
from kubeinstall.deploys.runtime import (
    containerd,
    containerd_archive,
    crictl,
    docker,
)
from kubeinstall.files import containerd_archive as containerd_archive_files
from kubeinstall.inventory.model import RuntimeName

_NO_RUNTIME = {"podman-docker"}
"""Rivals that run no containers: just a command."""


@deploy("Install the container runtime")
def install(inputs: SystemInputs | None = None) -> None:
    """The package and where that comes from, its configuration, its service running with that."""
    inputs = inputs or SystemInputs.plain()
    cluster, family = inputs.cluster, inputs.family()
    runtime = cluster.spec.runtime
    if runtime.name is RuntimeName.DOCKER:
        docker.check(cluster)
    else:
        containerd.check()
    package = ""
    if archive := containerd_archive_files.archive(cluster):
        containerd_archive.install(cluster, family, archive)
    else:
        package = _package(inputs)
        containerd_archive.remove()
    if runtime.name is RuntimeName.DOCKER:
        docker.configure(cluster, family)
    else:
        containerd.configure(cluster, family, package)
    crictl.configure(cluster)


def _package(inputs: SystemInputs) -> str:
    """The runtime's package, from where it comes; its name."""
    cluster, system = inputs.cluster, inputs.identified()
    runtime, family = cluster.spec.runtime, families.of(system)
    package = runtime.package or family.runtime_package(runtime.name)
    wanted = runtime_packages.wanted(package, runtime.version)
    source = runtime_packages.repository(cluster, package, family.package_format, system)
    if source:
        family.repository(source, wanted)
    along = together.ahead(inputs)
    title, held = f"Install {package}{together.TITLE if along else ''}", bool(runtime.version)
    others = family.rivals.get(package, ())
    rivals = family.present(others) if others else ()
    if rivals:
        stops = ", which stops all containers" if set(rivals) - _NO_RUNTIME else ""
        title = f"Replace {', '.join(rivals)} with {package}{stops}"
    family.installed(
        wanted,
        held=held,
        repository=source.name if source else "",
        instead_of=rivals,
        along=along,
        name=title,
    )
    return package
