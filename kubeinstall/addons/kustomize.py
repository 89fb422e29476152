"""A kustomization of an addon's folder, as files for ``kustomize build``.

Source: kubectl.docs.kubernetes.io/references/kustomize/kustomization.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from kubeinstall.addons.builder import Build
from kubeinstall.addons.documents import NotObjectsError, values
from kubeinstall.addons.templating import render_file
from kubeinstall.findings import Finding, Kind, KubeinstallError, Place
from kubeinstall.inventory.catalogue.chosen import Chosen
from kubeinstall.inventory.catalogue.folders import OutsideError, inside
from kubeinstall.inventory.model import Cluster

_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_FOLDERS = (
    *("resources", "bases", "components", "configurations", "crds"),
    *("generators", "transformers", "validators"),
)
"""Fields whose entries are files or folders. kustomize takes an address for some of them."""
_FREE = ("commonAnnotations", "commonLabels", "labels", "images", "vars")
"""Fields whose values are no files: an address may stand there."""
_TEMPLATE = ".j2"
_ADVICE = "install kubectl or kustomize on this machine"


def build(cluster: Cluster, one: Chosen, folder: str) -> Build:
    """The run of kustomize; files whose names end with .j2 are filled in first.

    Args:
        folder: in the addon's folder. What is beside it below the same top folder is taken along,
            for bases that an overlay names.

    Raises:
        KubeinstallError: it is not a kustomization, a template cannot be rendered, or it names what
            is not in the folder.
    """
    folder = posixpath.normpath(folder)
    files = dict(_files(cluster, one, PurePosixPath(folder).parts[0]))
    if not any(f"{folder}/{name}" in files for name in _NAMES):
        raise _wrong(one, folder, f"it has no {_NAMES[0]}")
    for path in files:
        if PurePosixPath(path).name in _NAMES:
            _check(one, path, files)
    commands = [["kustomize", "build", folder], ["kubectl", "kustomize", folder]]
    return Build(f"the kustomization of addon {one.name}", files, commands, _ADVICE)


def _files(cluster: Cluster, one: Chosen, top: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted((one.addon.folder / top).rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        name = path.relative_to(one.addon.folder).as_posix()
        try:
            found = inside(one.addon.folder, name)
        except OutsideError as error:
            raise _wrong(one, name, str(error)) from None
        except FileNotFoundError:
            raise _wrong(one, name, "it is a link to a file that does not exist") from None
        if name.endswith(_TEMPLATE):
            yield name.removesuffix(_TEMPLATE), render_file(cluster, one, name).encode()
        else:
            yield name, found.read_bytes()


def _check(one: Chosen, path: str, files: Mapping[str, bytes]) -> None:
    """Nothing comes from elsewhere: what is fetched when it is built is pinned by nobody."""
    try:
        wanted = next(values(files[path]), None)
    except NotObjectsError as error:
        raise _wrong(one, path, str(error)) from None
    if not isinstance(wanted, dict):
        raise _wrong(one, path, "it is not a kustomization")
    places = {place for file in files for place in (file, *map(str, PurePosixPath(file).parents))}
    for field in _FOLDERS:
        entries = wanted.get(field) or []
        for entry in entries if isinstance(entries, list) else [entries]:
            if "\n" in str(entry):
                continue  # an object that is written out
            full = posixpath.normpath(posixpath.join(posixpath.dirname(path), str(entry)))
            if full not in places:
                raise _wrong(one, path, f"{field}: {entry}: it is not in the addon's folder")
    named = {field: value for field, value in wanted.items() if field not in _FREE}
    for text in _texts(named):
        if text.startswith(("http://", "https://")) and not any(map(str.isspace, text)):
            raise _wrong(one, path, f"{text}: it is not in the addon's folder")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _wrong(one: Chosen, path: str, why: str) -> KubeinstallError:
    return KubeinstallError(
        Finding(
            Kind.INVENTORY,
            f"the kustomization of addon {one.name} cannot be used",
            why=why,
            next="put its files in the addon's folder; list pinned manifests of upstream in "
            "`upstream` of addon.yaml",
            place=Place(str(one.addon.folder / path)),
        )
    )
