"""The shipped templates: Jinja2, where a name without a value is an error."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined

from kubeinstall.resources import folder


def environment(loader: BaseLoader | None) -> Environment:
    """How every template is read: nothing undefined, blocks leave no lines.

    Args:
        loader: where templates are; None: they are given as text.
    """
    return Environment(  # plain text and configuration, no HTML: nothing to escape
        loader=loader,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )


@cache
def _shipped() -> Environment:
    return environment(FileSystemLoader(folder("templates")))


def render(name: str, **values: Any) -> str:
    """The text of a template.

    Args:
        name: path below ``templates/``, e.g. ``chrony.conf.j2``.
        values: what the template names.

    Raises:
        jinja2.TemplateError: no such template, or a name without a value.
    """
    return _shipped().get_template(name).render(**values)
