"""``kubeinstall addon``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import yaml

from kubeinstall.addons.render import Rendered, render_all
from kubeinstall.cli import options
from kubeinstall.cli.loading import loaded
from kubeinstall.cli.plan import CHANGES
from kubeinstall.cli.running import ask_sudo_pass_option, read, running
from kubeinstall.cluster.answering import Answering
from kubeinstall.engine.session import Session
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.catalogue.chosen import chosen
from kubeinstall.inventory.catalogue.folders import UnreadableAddonError, find, names
from kubeinstall.inventory.catalogue.model import Addon, Related
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.suggestions import did_you_mean
from kubeinstall.phases.addons import everything
from kubeinstall.phases.addons.builders import sources
from kubeinstall.report import door
from kubeinstall.report.reporter import Silent

_optional = click.option(
    "-i",
    "--inventory",
    type=click.Path(path_type=Path),
    help="Inventory file, to include addons from its addon_folders.",
)


@click.group("addon")
def command() -> None:
    """Show the available addons and the objects they apply."""


@command.command("list")
@_optional
def list_all(inventory: Path | None) -> None:
    """List the available addons. Those in the inventory are marked with *."""
    folders, mine = _folders(inventory)
    rows = [(_addon(name, folders), name in mine) for name in names(folders)]
    width = max((len(addon.name) for addon, _ in rows), default=0)
    for addon, ours in rows:
        version = addon.file.releases[0].version
        mark = "*" if ours else " "
        retired = " (retired upstream)" if addon.file.retired else ""
        door.echo(f"{mark} {addon.name:{width}}  {version:10}  {addon.file.title}{retired}")


@command.command()
@click.argument("name")
@_optional
def show(name: str, inventory: Path | None) -> None:
    """Show an addon: versions, requirements and values."""
    folders, _ = _folders(inventory)
    for line in _lines(_addon(name, folders)):
        door.echo(line)


@command.command()
@click.argument("wanted", metavar="[NAME]...", nargs=-1)
@options.inventory
@click.option(
    "--on-host",
    is_flag=True,
    help="Use helm and kubectl on a control plane if this machine has none.",
)
def render(wanted: tuple[str, ...], inventory: Path, on_host: bool) -> None:
    """Print the objects that the inventory's addons apply, as YAML.

    Upstream files are downloaded. Charts need helm, kustomizations need kubectl or kustomize.
    """
    cluster, warnings = loaded(inventory, files_must_exist=on_host)
    door.findings(warnings)
    for name in wanted:
        _must_be_in(cluster, name)
    for rendered in _with_host(cluster) if on_host else render_all(cluster, chosen(cluster)):
        if not wanted or rendered.name in wanted:
            door.echo(f"# {rendered.title}")
            for document in rendered.objects:
                door.echo("---")
                door.document(yaml.safe_dump(document, sort_keys=False))


@command.command()
@click.argument("wanted", metavar="[NAME]...", nargs=-1)
@options.inventory
@ask_sudo_pass_option
def diff(wanted: tuple[str, ...], inventory: Path, ask_sudo_pass: bool) -> int:
    """Show what `up` would change in addons, and changes by others.

    Exits with 0 if there are no changes, 2 if there are, or another code for an error.
    """
    cluster, warnings = read(inventory, ask_sudo_pass)
    door.findings(warnings)
    with running(cluster, Silent(), dry=True) as run:
        run.answering.connect()
        found = everything(run)
    known = {change.name for change in found}
    for name in wanted:
        if name not in known:
            _must_be_in(cluster, name)
    chosen_ = [change for change in found if not wanted or change.name in wanted]
    for change in chosen_:
        for line in change.told:
            door.echo(f"# {line}")
        if change.any:
            door.echo(f"# {change.action}")
            door.echo(change.diff or "(only the record of its objects changes)")
    return CHANGES if any(change.any for change in chosen_) else 0


def _with_host(cluster: Cluster) -> list[Rendered]:
    """The addons, made with the help of a control plane.

    Raises:
        KubeinstallError: it cannot be reached, or an addon cannot be rendered.
    """
    with Session(cluster) as session:
        answering = Answering(session)
        answering.connect()
        return render_all(cluster, chosen(cluster), sources(answering))


def _folders(inventory: Path | None) -> tuple[list[Path], set[str]]:
    """The folders of an inventory, and the names of its addons."""
    if inventory is None:
        return [], set()
    cluster, _ = loaded(inventory, files_must_exist=False)
    return list(cluster.spec.addon_folders), set(cluster.spec.addons)


def _addon(name: str, folders: list[Path]) -> Addon:
    """The addon of that name.

    Raises:
        KubeinstallError: there is none, or its file is not as it has to be.
    """
    try:
        addon = find(name, folders)
    except UnreadableAddonError as error:
        finding = Finding(Kind.INVENTORY, f"addon {name}: {error.why}", place=error.place)
        raise KubeinstallError(finding) from None
    if addon:
        return addon
    advice = did_you_mean(name, names(folders)) or "`kubeinstall addon list` lists all addons"
    raise KubeinstallError(Finding(Kind.USAGE, f"there is no addon {name}", next=advice))


def _must_be_in(cluster: Cluster, name: str) -> None:
    mine = [one.name for one in chosen(cluster)]
    if name not in mine:
        raise KubeinstallError(
            Finding(
                Kind.USAGE,
                f"the addon {name} is not in the inventory",
                why=f"it has the addons {', '.join(mine)}" if mine else "it has no addons",
                next=f"add `{name}: {{}}` to cluster.addons",
            )
        )


def _lines(addon: Addon) -> list[str]:
    """The lines of ``addon show``."""
    file = addon.file
    lines = [f"{file.name}: {file.title}"]
    lines += [f"home: {file.home}"] if file.home else []
    lines += [f"retired: {' '.join(file.retired.split())}"] if file.retired else []
    lines += [f"folder: {addon.folder}"]
    for release in file.releases:
        lines.append(f"version {release.version} for Kubernetes {release.kubernetes}")
        lines += [f"  image {name}: {image}" for name, image in release.images.items()]
    for title, these in (("needs", file.needs), ("excludes", file.excludes)):
        lines += [f"{title}: {', '.join(map(_related, these))}"] if these else []
    needs: dict[str, Any] = file.hosts.model_dump(exclude_defaults=True)
    lines += [f"hosts, {part}: {_short(value)}" for part, value in needs.items()]
    lines += ["values:"] if file.values else []
    for name, schema in file.values.items():
        default = f"default: {_short(schema['default'])}" if "default" in schema else "required"
        choice = f" One of: {', '.join(map(str, schema['enum']))}." if "enum" in schema else ""
        lines.append(f"  {name} ({default}): {schema['description']}{choice}")
    return lines


def _related(other: str | Related) -> str:
    return other if isinstance(other, str) else f"{other.addon} with {_short(other.when)}"


def _short(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
    return text.removesuffix("...").strip()
