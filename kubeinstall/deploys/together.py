"""Packages of later phases, installed together with those of the first phase that installs any.

A transaction of the package manager costs seconds whatever it installs, and so does reading the
lists of packages again for each new package source.
"""

from __future__ import annotations

from kubeinstall.deploys import runtime_packages
from kubeinstall.deploys.inputs import Later, SystemInputs
from kubeinstall.files import containerd_archive, runtime_classes
from kubeinstall.files import packages as package_files
from kubeinstall.files.family import Family
from kubeinstall.inventory.model import RuntimeName
from kubeinstall.operations.packages import Wanted

TITLE = " and packages of later phases"
"""Ends the title of an operation that takes them along."""


def ahead(inputs: SystemInputs) -> Wanted:
    """What later phases will install; the sources that it comes from are configured here.

    Nothing on a host that has any of it already, or what excludes it: a node's runtime is replaced
    only once its pods have gone, and a service that runs is to be restarted by its package.

    Raises:
        KubeinstallError: there is no such source for the host, or its key is of no use.
    """
    family = inputs.family()
    if not inputs.later or not family.together or family.present(_ours(inputs, family)):
        return ()
    found: list[tuple[str, str]] = []
    if Later.RUNTIME in inputs.later:
        found += _runtime(inputs, family)
    if Later.PACKAGES in inputs.later:
        found += _kubernetes(inputs, family)
    return tuple(found)


def _ours(inputs: SystemInputs, family: Family) -> tuple[str, ...]:
    """Packages of runtimes and of Kubernetes, by any name."""
    rivals = (name for package, others in family.rivals.items() for name in (package, *others))
    own = inputs.cluster.spec.runtime.package
    return tuple(dict.fromkeys((*package_files.ALL, *rivals, *((own,) if own else ()))))


def _runtime(inputs: SystemInputs, family: Family) -> Wanted:
    cluster, runtime = inputs.cluster, inputs.cluster.spec.runtime
    if containerd_archive.archive(cluster):
        return ()
    system = inputs.identified()
    package = runtime.package or family.runtime_package(runtime.name)
    wanted = runtime_packages.wanted(package, runtime.version)
    source = runtime_packages.repository(cluster, package, family.package_format, system)
    if source:
        family.repository(source, wanted)
    if runtime.name is RuntimeName.CONTAINERD:
        wanted += tuple((name, "") for name in runtime_classes.packages(cluster))
    return wanted


def _kubernetes(inputs: SystemInputs, family: Family) -> Wanted:
    cluster = inputs.cluster
    tools = package_files.tools(cluster, family)
    if package_files.archive(cluster):
        return tools
    wanted = package_files.versions(cluster)
    family.repository(package_files.repository(cluster, family.package_format), wanted)
    return tools + wanted
