"""Shared by commands that connect to hosts: options, session, reporter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr

from kubeinstall.cli import options
from kubeinstall.cli.loading import loaded
from kubeinstall.engine import exits
from kubeinstall.engine.events import EventLog
from kubeinstall.engine.session import Session
from kubeinstall.engine.types import Event
from kubeinstall.findings import Finding, KubeinstallError
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.phases.phase import Run
from kubeinstall.report import door
from kubeinstall.report.plan import Plan
from kubeinstall.report.reporter import Reporter
from kubeinstall.report.terminal import Terminal
from kubeinstall.run.selection import hosts as selected
from kubeinstall.run.selection import limit as limited

Command = Callable[..., Any]

ask_sudo_pass_option = click.option(
    "-K", "--ask-sudo-pass", is_flag=True, help="Ask for the sudo password."
)


def reaching(command: Command) -> Command:
    """Add the options of every command that connects to hosts."""
    for option in (
        ask_sudo_pass_option,
        click.option(
            "--limit",
            multiple=True,
            metavar="HOST",
            help="Only these hosts, separated by commas; may be repeated.",
        ),
    ):
        command = option(command)
    return command


def choosing(command: Command) -> Command:
    """Add the options that select phases."""
    for option in (
        click.option(
            "--abandon-volumes",
            "abandoned",
            multiple=True,
            metavar="ADDON",
            help="Remove this addon even if claims are bound to volumes that only it can "
            "delete; may be repeated.",
        ),
        click.option(
            "--only", multiple=True, metavar="PHASE", help="Run only this phase; may be repeated."
        ),
        click.option("--until", "last", metavar="PHASE", help="Stop after this phase."),
        click.option("--from", "first", metavar="PHASE", help="Start with this phase."),
    ):
        command = option(command)
    return command


def printing(command: Command) -> Command:
    """Add the options of every command that shows a run."""
    for option in (
        click.option(
            "-v", "--verbose", is_flag=True, help="Also show operations that changed nothing."
        ),
        options.plain,
        click.option(
            "--events",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write all operations to this file as JSON Lines.",
        ),
    ):
        command = option(command)
    return command


def read(inventory: Path, ask_sudo_pass: bool) -> tuple[Cluster, tuple[Finding, ...]]:
    """The inventory's cluster with the warnings about it, and the sudo password if asked for."""
    cluster, warnings = loaded(inventory)
    if not ask_sudo_pass:
        return cluster, warnings
    given = SecretStr(door.asked("Password for sudo", hidden=True))
    exits.hide([given.get_secret_value()])
    hosts = tuple(_with_password(host, given) for host in cluster.hosts)
    return (
        Cluster(
            spec=cluster.spec, hosts=hosts, lab=cluster.lab, inventory_file=cluster.inventory_file
        ),
        warnings,
    )


def _with_password(host: Host, password: SecretStr) -> Host:
    ssh = host.ssh.model_copy(update={"sudo_password": password})
    return host.model_copy(update={"ssh": ssh})


def terminal(
    cluster: Cluster,
    limit: tuple[str, ...],
    *,
    plain: bool,
    verbose: bool = False,
    plan: Plan | None = None,
) -> Terminal:
    """The reporter of a run.

    Raises:
        KubeinstallError: the limit names no host.
    """
    own = {
        host.name: (host.hostname, host.address, host.node_ip) for host in selected(cluster, limit)
    }
    return Terminal(door.console(plain=plain), verbose=verbose, plan=plan, hosts=own)


def interactive() -> bool:
    """Whether there is a terminal to ask questions on."""
    return door.interactive()


@contextmanager
def running(
    cluster: Cluster,
    reporter: Reporter,
    *,
    limit: tuple[str, ...] = (),
    events: Path | None = None,
    dry: bool = False,
    smoke: bool | None = None,
    abandoned: tuple[str, ...] = (),
) -> Iterator[Run]:
    """A run with a session that is closed at the end.

    Raises:
        KubeinstallError: the limit names no host, the events file cannot be written, or something
            could no longer be written while the run, which went on, was otherwise good.
    """
    names = limited(cluster, limit)
    with closing(EventLog(events)) if events else nullcontext() as log:

        def emit(event: Event) -> None:
            reporter.event(event)
            if log:
                log(event)

        def lost() -> list[Finding]:
            return [one.failure for one in (log, reporter) if one and one.failure]

        try:
            with Session(cluster, emit=emit, on_line=reporter.line) as session:
                reporter.watch(lambda: session.doing)
                run = Run(
                    cluster,
                    session,
                    reporter,
                    dry=dry,
                    limit=names,
                    smoke=smoke,
                    abandoned=frozenset(abandoned),
                )
                yield run
        except BaseException:
            door.findings(lost())
            raise
        finally:
            reporter.close()
        if run.exit_code:
            door.findings(lost())
        elif findings := lost():
            raise KubeinstallError(*findings)
