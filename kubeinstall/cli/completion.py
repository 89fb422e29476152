"""``kubeinstall completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from kubeinstall.cli import PROGRAM, cli
from kubeinstall.report import door

_INSTALL = {
    "bash": "~/.local/share/bash-completion/completions/kubeinstall",
    "zsh": "a folder in your $fpath, as _kubeinstall",
    "fish": "~/.config/fish/completions/kubeinstall.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_INSTALL)))
def command(shell: str) -> None:
    """Print a completion script for your shell.

    Its last lines describe how to install it.
    """
    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise click.UsageError(f"click has no completion for {shell}")
    script = completion_class(cli, {}, PROGRAM, "_KUBEINSTALL_COMPLETE").source()
    door.echo(script.rstrip("\n"))
    door.echo(f"# To install: write this to {_INSTALL[shell]}")
    door.echo("# and start a new shell.")
