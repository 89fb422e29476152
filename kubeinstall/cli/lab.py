"""``kubeinstall lab``."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import click

from kubeinstall.cli import options
from kubeinstall.inventory.load import load
from kubeinstall.lab import lab, machine, mirror, system
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import LabPlan, plan
from kubeinstall.releases import Version
from kubeinstall.report import door

_UP = "kubeinstall lab up -i with the same inventory"


@click.group("lab")
def command() -> None:
    """Manage test hosts and a package mirror on this machine.

    The hosts are those of an inventory with a `lab` section. Needs root.
    """


@command.command()
@options.inventory
def up(inventory: Path) -> None:
    """Create and start the inventory's hosts; running hosts are not changed."""
    lab.up(_plan(inventory), door.echo)


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
