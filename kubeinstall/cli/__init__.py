"""The command line. A command's module is imported only when the command runs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from kubeinstall import __version__

PROGRAM = "kubeinstall"

COMMANDS = {
    "init": "Write a starter inventory.",
    "validate": "Check an inventory and report all errors in it.",
    "schema": "Print the inventory's JSON Schema, for editors.",
    "addon": "Show the available addons and the objects they apply.",
    "render": "Write the files for each host, without connecting to it.",
    "plan": "Show what `up` would change, host by host.",
    "up": "Create the cluster, or apply changes of the inventory to it.",
    "status": "Show the cluster's nodes and addons.",
    "verify": "Check every host and the cluster.",
    "kubeconfig": "Fetch the cluster's kubeconfig.",
    "reset": "Remove the cluster from its hosts.",
    "lab": "Manage test hosts and a package mirror on this machine.",
    "completion": "Print a completion script for your shell.",
}
"""One-line help of each command, in the order of use; its module is ``kubeinstall.cli.<name>``."""


class LazyGroup(click.Group):
    """A group that knows the names and short help of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from kubeinstall.inventory.suggestions import did_you_mean

            advice = did_you_mean(args[0], list(COMMANDS)) or f"use one of {', '.join(COMMANDS)}"
            ctx.fail(f"There is no command {args[0]!r}; {advice}")
        return super().resolve_command(ctx, args)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name=PROGRAM)
def cli() -> None:
    """Create a Kubernetes cluster on the SSH hosts of an inventory, and apply changes to it.

    Start with `kubeinstall init root@HOST ...`, then `kubeinstall up`.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Returns:
        The exit code. Errors are printed to standard error, without a traceback.
    """
    from kubeinstall.engine import exits

    exits.writable()
    with exits.knowing():
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        result = cli.main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        from kubeinstall.findings import Kind
        from kubeinstall.report import door

        door.usage(error)
        return int(Kind.USAGE) if isinstance(error, click.UsageError) else error.exit_code
    except (click.Abort, Exception) as error:
        from kubeinstall.cli.errors import report

        return report(error)
    return result if isinstance(result, int) else 0
