"""``kubeinstall lab``."""

from __future__ import annotations

import contextlib
import os
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import click

from kubeinstall.cli import options
from kubeinstall.findings import Kind
from kubeinstall.inventory.load import load
from kubeinstall.lab import lab, machine, mirror, restoring, saving, snapshots, system
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import LabPlan, plan
from kubeinstall.lab.snapshots import Snapshot
from kubeinstall.releases import Version
from kubeinstall.report import door

_UP = "kubeinstall lab up -i with the same inventory"


@click.group("lab")
def command() -> None:
    """Manage test hosts and a package mirror on this machine.

    The hosts are those of an inventory with a `lab` section. Needs root.
    """


def _snapshots(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    """Names of snapshots, for a shell's completion."""
    with contextlib.suppress(OSError):
        return [name for name in snapshots.names() if name.startswith(typed)]
    return []


@command.command()
@options.inventory
@click.option(
    "--from",
    "snapshot",
    metavar="NAME",
    shell_complete=_snapshots,
    help="Restore the lab that `lab save NAME` saved.",
)
def up(inventory: Path, snapshot: str | None) -> None:
    """Create and start the inventory's hosts; running hosts are not changed.

    With --from, restores a saved lab, and waits until its nodes and pods are as they were.
    """
    the_lab = _plan(inventory)
    if snapshot is None:
        lab.up(the_lab, door.echo)
    else:
        restoring.restore(the_lab, snapshot, door.echo)


@command.command()
@options.inventory
@click.argument("name", shell_complete=_snapshots)
@click.option("--replace", is_flag=True, help="Replace an existing snapshot of this name.")
@click.option("--stop", is_flag=True, help="Leave the lab stopped; `lab up` starts it again.")
def save(inventory: Path, name: str, replace: bool, stop: bool) -> None:
    """Save the lab with its running cluster as the snapshot NAME.

    This stops the hosts and starts them again. `lab up --from NAME` restores the lab.
    """
    saving.save(_plan(inventory), name, door.echo, replace=replace, stop=stop)


@command.command("snapshots")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def list_snapshots(as_json: bool) -> int:
    """List the snapshots on this machine. Exits with 17 if one cannot be read."""
    system.require_root()
    found, unreadable = snapshots.everything()
    if as_json:
        door.document(door.as_json([each.as_dict() for each in found]))
    else:
        for each in found:
            door.echo(_line(each))
    door.findings(unreadable)
    return int(Kind.LAB) if unreadable else 0


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=_snapshots)
def rm(names: tuple[str, ...]) -> None:
    """Remove snapshots; labs restored from them are not affected."""
    system.require_root()
    for name in names:
        snapshots.remove(name)
        door.echo(f"snapshot {name}: removed")


def _line(snapshot: Snapshot) -> str:
    nodes = len(snapshot.cluster.nodes) if snapshot.cluster else 0
    cluster = f"{nodes} nodes, Kubernetes {snapshot.kubernetes}" if nodes else "no cluster"
    made = snapshot.made.astimezone().strftime("%Y-%m-%d %H:%M")
    return (
        f"{snapshot.name:20}  {made}  lab {snapshot.lab}, {snapshot.subnet}, "
        f"{len(snapshot.hosts)} hosts, {cluster}, {snapshot.copied / 1e6:,.0f} MB"
    )


@command.command()
@options.inventory
def down(inventory: Path) -> None:
    """Remove the hosts and everything that was created for them."""
    lab.down(_plan(inventory), door.echo)


@command.command()
@options.inventory
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def status(inventory: Path, as_json: bool) -> int:
    """Show the state of each host. Exits with 1 unless all of them answer."""
    hosts = lab.status(_plan(inventory))
    if as_json:
        door.document(door.as_json([asdict(host) for host in hosts]))
    else:
        width = max(len(host.name) for host in hosts)
        for host in hosts:
            running = f"running, cgroup {host.cgroup}" if host.running else "off"
            ssh = "ssh answers" if host.ssh else "no ssh"
            door.echo(f"{host.name:{width}}  {host.address:15}  {host.purpose:7}  {running}, {ssh}")
    return 0 if all(host.running and host.ssh for host in hosts) else 1


@command.command()
@options.inventory
@click.option("-l", "--login", default="root", show_default=True, help="Login name.")
@click.argument("host")
@click.argument("words", nargs=-1, metavar="[-- COMMAND...]")
def ssh(inventory: Path, login: str, host: str, words: tuple[str, ...]) -> NoReturn:
    """Log in to HOST, or run COMMAND there, over ssh."""
    the_lab = _plan(inventory)
    target = the_lab.host(host)
    if not the_lab.key.exists():
        raise LabError(f"the lab {the_lab.name} is not up", next=_UP)
    _become(
        [
            *("ssh", "-F", "none", "-i", str(the_lab.key)),
            *("-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes"),
            *("-o", f"UserKnownHostsFile={the_lab.known_hosts}"),
            *("-l", login, target.address, *words),
        ]
    )


@command.command("exec")
@options.inventory
@click.argument("host")
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...")
def execute(inventory: Path, host: str, words: tuple[str, ...]) -> NoReturn:
    """Run COMMAND on HOST as root, without ssh."""
    the_lab = _plan(inventory)
    leader = machine.leader(the_lab.host(host))
    if leader is None:
        raise LabError(f"the host {host} is not running", next=_UP)
    _become(["nsenter", "-t", str(leader), "-a", "--", *words], machine.ENVIRONMENT)


@command.command("mirror")
@click.option(
    "--from-debian-source", is_flag=True, help="Build Kubernetes 1.20.2 from Debian's source."
)
@click.option(
    "--from-binaries",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Use the programs and image archives in DIR.",
)
@click.option("--kubernetes", metavar="VERSION", help="Version of the programs, e.g. 1.36.2.")
@click.option(
    "-i", "--inventory", type=click.Path(path_type=Path), help="Use the version in this inventory."
)
def make_mirror(
    from_debian_source: bool,
    from_binaries: Path | None,
    kubernetes: str | None,
    inventory: Path | None,
) -> None:
    """Create a Kubernetes mirror for labs; without a source, list existing mirrors.

    `lab up` serves the newest mirror of the inventory's version.
    """
    if from_debian_source and from_binaries:
        raise click.UsageError("use --from-debian-source or --from-binaries, not both")
    if from_debian_source:
        mirror.from_debian_source(door.echo)
    elif from_binaries:
        mirror.from_binaries(from_binaries, _version(kubernetes, inventory), door.echo)
    else:
        for tree in mirror.trees():
            door.echo(f"{tree.kubernetes:10} from {tree.manifest.origin:8}  {tree.path}")


def _version(kubernetes: str | None, inventory: Path | None) -> str:
    if kubernetes is None:
        if inventory is None:
            raise click.UsageError("--from-binaries needs --kubernetes VERSION, or -i FILE")
        return str(load(inventory, files_must_exist=False).version)
    try:
        return str(Version.parse(kubernetes))
    except ValueError as error:
        raise click.UsageError(f"--kubernetes: {error}") from error


def _become(argv: list[str], environment: dict[str, str] | None = None) -> NoReturn:
    """Let a program take this process's place: its terminal, its signals, its exit code."""
    try:
        os.execvpe(argv[0], argv, environment or dict(os.environ))
    except OSError as error:
        raise LabError(f"{argv[0]} cannot be run", why=str(error)) from error


def _plan(inventory: Path) -> LabPlan:
    system.require_root()
    # Its keys are made by `up`, so they need not be there.
    return plan(load(inventory, files_must_exist=False))
