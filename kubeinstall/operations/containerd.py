"""containerd: configured in the way that the one on the host reads."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Generator
from typing import Any

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.containerd import Major, Registries
from kubeinstall.facts.files import File
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import MARKER, Holds, changed_names, managed_file

# Where sudo's path leaves out /usr/local, an archive's containerd would not be found.
_CHECK = """\
PATH=/usr/local/bin:$PATH; ! command -v containerd >/dev/null ||
  said=$(containerd --config "$tmp" config dump 2>&1) ||
  { printf '%s\\n' "$said" | tail -n 3 >&2; false; }"""


@operation()
def containerd_configured(
    path: str,
    contents: tuple[tuple[int, str], ...],
    package: str,
    usual: int,
    secret: bool = False,
) -> Generator[Command]:
    """containerd's configuration file.

    Args:
        path: absolute path.
        contents: the text by containerd's major version; the newest one known is also for later.
        package: the package that brings containerd.
        usual: the major version to assume where the host cannot tell yet.
        secret: there are passwords in it now: it is root's alone. Its diff is never shown.
    """
    major = host.get_fact(Major, package=package) or usual
    texts = dict(contents)
    text = texts.get(major, texts[max(texts)])
    mode = "600" if secret else "644"
    old = host.get_fact(File, path=path)
    yield from managed_file._inner(
        path=path,
        content=text,
        holds=Holds.SECRETS,
        mode=mode,
        undo=True,
        check=_CHECK,
        changed=tuple(changed_names(_settings(old.text if old else ""), _settings(text))),
    )


def _settings(text: str | None) -> dict[str, Any]:
    """What a TOML file says; nothing where it is none."""
    try:
        return tomllib.loads(text or "")
    except tomllib.TOMLDecodeError:
        return {}


@operation()
def registries_forgotten(folder: str, wanted: tuple[str, ...]) -> Generator[Command]:
    """What we told a runtime of registries that it need not know any more is taken away.

    Args:
        folder: that the runtime has a folder for each registry in.
        wanted: the registries that stay.
    """
    for name, files in host.get_fact(Registries, folder=folder, marker=MARKER).items():
        if name not in wanted:
            paths = " ".join(shlex.quote(f"{folder}/{name}/{file}") for file in files)
            at = shlex.quote(f"{folder}/{name}")
            yield Command(f"rm -f {paths}; rmdir --ignore-fail-on-non-empty {at}")
