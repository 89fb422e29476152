"""The only way to the terminal: whatever is printed goes through here.

A test looks for other ways. What kubeinstall prints may hold the words of hosts, pods and objects,
so it is redacted and cleaned; colours are added after that, and come from us alone.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import click
from rich.console import Console
from rich.text import Text

from kubeinstall.engine import exits
from kubeinstall.findings import Finding

_plain = False


def without_colours(wanted: bool) -> None:
    """Print no colour codes from now on, even to a terminal."""
    global _plain
    _plain = wanted


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print lines for people.

    Args:
        text: each of its lines is bounded.
        err: to standard error.
        nl: with a newline at its end.
    """
    lines = [exits.said(line, exits.LINE) for line in exits.redacted(text).split("\n")]
    click.echo("\n".join(lines), err=err, nl=nl)


def document(text: str) -> None:
    """Print a document whole: what is secret in it was asked for, as a kubeconfig, or taken out."""
    click.echo(exits.cleaned(text), nl=False)


def as_json(value: Any) -> str:
    """A JSON document, in ASCII and without secrets."""
    return json.dumps(exits.record(value), indent=2) + "\n"


def findings(found: Iterable[Finding]) -> None:
    """Print findings to standard error."""
    for finding in found:
        colour = "red" if finding.severity == "error" else "yellow"
        word = click.style(finding.severity, fg=colour, bold=True)
        click.echo(f"{word}: ", err=True, nl=False, color=False if _plain else None)
        echo(exits.said(str(finding)), err=True)


def usage(error: click.ClickException) -> None:
    """Print what is wrong with a command line, to standard error."""
    text = io.StringIO()
    error.show(file=text)
    echo(text.getvalue(), err=True, nl=False)


def confirmed(question: str) -> None:
    """Ask for a yes.

    Raises:
        click.Abort: it is none.
    """
    click.confirm(exits.line(question), default=True, abort=True)


def asked(question: str, *, hidden: bool = False) -> str:
    """Ask for a line.

    Args:
        hidden: it is a password: it is not shown, and asked for on standard error.
    """
    answer: str = click.prompt(exits.line(question), hide_input=hidden, err=hidden)
    return answer


def interactive() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def line(text: str, style: str = "", **options: Any) -> Text:
    """One line for a console, in one style: brackets and codes in it mean nothing.

    Args:
        options: of rich's Text.
    """
    return Text(exits.line(text), style=style, **options)


class _Console(Console):
    """Tells of a reader that has gone; rich would end whichever thread prints."""

    def on_broken_pipe(self) -> None:
        raise


def console(*, plain: bool = False, file: TextIO | None = None) -> Console:
    """A console that wraps nothing and marks nothing up by itself.

    Args:
        plain: no colours and no live progress, even on a tty.
    """
    target = file or sys.stdout
    if plain or not target.isatty():
        return _Console(
            file=target, no_color=True, force_terminal=False, highlight=False, width=500
        )
    return _Console(file=target, highlight=False)
