"""``kubeinstall lab``."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import click

from kubeinstall.cli import options
from kubeinstall.inventory.load import load
from kubeinstall.lab import lab, machine
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import LabPlan, plan


@click.group("lab")
def command() -> None:
    """Hosts and a package mirror on this machine, to try things on.

    The hosts are those that an inventory with a `lab` section names. Needs root.
    """


@command.command()
@options.inventory
def up(inventory: Path) -> None:
    """Bring the inventory's hosts up; what is up already is left alone."""
    lab.up(_plan(inventory), click.echo)


@command.command()
@options.inventory
def down(inventory: Path) -> None:
    """Take the hosts away, with all that was made for them."""
    lab.down(_plan(inventory), click.echo)


@command.command()
@options.inventory
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def status(inventory: Path, as_json: bool) -> int:
    """Show how every host is; exits with 1 unless all of them answer."""
    hosts = lab.status(_plan(inventory))
    if as_json:
        click.echo(json.dumps([asdict(host) for host in hosts], indent=2))
    else:
        width = max(len(host.name) for host in hosts)
        for host in hosts:
            running = f"running, cgroup {host.cgroup}" if host.running else "off"
            ssh = "ssh answers" if host.ssh else "no ssh"
            click.echo(
                f"{host.name:{width}}  {host.address:15}  {host.purpose:7}  {running}, {ssh}"
            )
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
        raise _not_up(the_lab)
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
        raise _not_up(the_lab, host)
    _become(["nsenter", "-t", str(leader), "-a", "--", *words], machine.ENVIRONMENT)


def _become(argv: list[str], environment: dict[str, str] | None = None) -> NoReturn:
    """Let a program take this process's place: its terminal, its signals, its exit code."""
    try:
        os.execvpe(argv[0], argv, environment or dict(os.environ))
    except OSError as error:
        raise LabError(f"{argv[0]} cannot be run", why=str(error)) from error


def _not_up(the_lab: LabPlan, host: str = "") -> LabError:
    what = f"{host} is not running" if host else f"the lab {the_lab.name} is not up"
    return LabError(what, next="kubeinstall lab up -i with the same inventory")


def _plan(inventory: Path) -> LabPlan:
    # Its keys are made by `up`, so they need not be there.
    return plan(load(inventory, files_must_exist=False))
