"""containerd: configured in the way that the one on the host reads."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.containerd import Major
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import managed_file


@operation()
def containerd_configured(
    path: str, contents: tuple[tuple[int, str], ...], package: str, usual: int
) -> Generator[Command]:
    """containerd's configuration file.

    Args:
        path: absolute path.
        contents: the text by containerd's major version; the newest one known is also for later.
        package: the package that brings containerd.
        usual: the major version to assume where the host cannot tell yet.
    """
    major = host.get_fact(Major, package=package) or usual
    texts = dict(contents)
    text = texts.get(major, texts[max(texts)])
    yield from managed_file._inner(path=path, content=text)
