"""What families have in common where they make a package source known."""

from __future__ import annotations

from pyinfra.api.facts import FactBase
from pyinfra.context import host

from kubeinstall.facts.package_sources import PackageSource
from kubeinstall.facts.packages import PackageState
from kubeinstall.files.family import Repository
from kubeinstall.files.rendered import RenderedFile
from kubeinstall.findings import Finding, Kind
from kubeinstall.operations.files import Holds, managed_file
from kubeinstall.operations.packages import Wanted
from kubeinstall.operations.signing_keys import signing_key_fetched


def place_key(
    key: RenderedFile,
    repository: Repository,
    wanted: Wanted,
    packages: type[FactBase[dict[str, PackageState]]],
) -> None:
    """Put the signing key of a package source in place: the inventory's, or the source's own.

    Args:
        wanted: what will be installed from there; the source's own key is fetched again for that.
        packages: the fact that tells which packages are installed.
    """
    title = repository.title
    if repository.key is None:
        signing_key_fetched(
            path=key.path,
            url=repository.key_url,
            wanted=wanted,
            fingerprints=repository.key_fingerprints,
            packages=packages,
            name=f"Download the signing key of {title}",
        )
    else:
        name = f"Install the signing key of {title}"
        managed_file(path=key.path, content=key.content, holds=Holds.PUBLIC, name=name)


def already_named(title: str, other: PackageSource, why: str, then: str) -> Finding:
    """Another file names a package source of ours in a way that does not go with ours.

    Args:
        title: the source's.
        why: what would go wrong.
        then: the command that takes the other one out.
    """
    return Finding(
        Kind.PREFLIGHT,
        f"{other.path}, line {other.line}, also configures the package source of {title}",
        (host.name,),
        why=why,
        next=f"on {host.name}: {then}",
    )
