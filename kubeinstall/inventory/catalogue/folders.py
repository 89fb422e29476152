"""Find addons: in the user's folders, then among those that are shipped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from kubeinstall.findings import Place
from kubeinstall.inventory.catalogue.model import Addon, AddonFile
from kubeinstall.inventory.positions import START, Issue, UnreadableError, dotted, placed
from kubeinstall.inventory.yaml_file import parse, read
from kubeinstall.resources import folder

FILE = "addon.yaml"


class UnreadableAddonError(Exception):
    """An ``addon.yaml`` that cannot be used; says where and why."""

    def __init__(self, place: Place, why: str) -> None:
        super().__init__(f"{place}: {why}")
        self.place, self.why = place, why


class OutsideError(Exception):
    """A path of an addon that does not lead to a file of its folder; says why."""


def find(name: str, folders: Sequence[Path] = ()) -> Addon | None:
    """The addon of that name; None: there is none.

    Args:
        folders: folders of the user's own; they win over the shipped one, the first over the next.

    Raises:
        UnreadableAddonError: its file is not as it has to be.
    """
    for top in (*folders, folder("addons")):
        path = top / name / FILE
        if path.is_file():
            try:
                inside(path.parent, FILE)
            except OutsideError as error:
                raise UnreadableAddonError(placed(path, START), str(error)) from None
            return _load(path, path.stat().st_mtime_ns)
    return None


def inside(folder: Path, name: str) -> Path:
    """A file of an addon's folder, wherever links lead.

    Args:
        name: its path below the folder.

    Raises:
        FileNotFoundError: there is none.
        OutsideError: it is not below the folder, or no regular file.
    """
    path = folder / name
    try:
        real = path.resolve(strict=True)
    except RuntimeError:  # links in a circle, before Python 3.13
        raise FileNotFoundError(str(path)) from None
    if not real.is_relative_to(folder.resolve()):
        raise OutsideError("it leads outside the addon's folder")
    if not real.is_file():
        raise OutsideError("it is not a regular file")
    return path


def names(folders: Sequence[Path] = ()) -> list[str]:
    """The names of all addons there are, sorted."""
    found: set[str] = set()
    for top in (*folders, folder("addons")):
        found.update(path.parent.name for path in top.glob(f"*/{FILE}"))
    return sorted(found)


@lru_cache(maxsize=256)
def _load(path: Path, changed: int) -> Addon:  # noqa: ARG001 a changed file is read again
    try:
        source = parse(read(path))
    except UnreadableError as error:
        why = " ".join(filter(None, (error.what, error.why)))
        raise UnreadableAddonError(placed(path, error.position), why) from None
    for issue in source.issues:
        raise UnreadableAddonError(placed(path, source.position(issue)), issue.what)
    try:
        file = AddonFile.model_validate(source.value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            said = "unknown key"
        issue = Issue(first["loc"], said)
        what = f"{dotted(first['loc'])}: {issue.what}" if first["loc"] else issue.what
        raise UnreadableAddonError(placed(path, source.position(issue)), what) from None
    if file.name != path.parent.name:
        raise UnreadableAddonError(
            placed(path, START), f"its name is {file.name}, but its folder is {path.parent.name}"
        )
    return Addon(file, path.parent)
