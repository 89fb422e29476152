"""Programs that make manifests out of files: helm and kustomize, here or on a control plane.

Where a program runs is not decided here: a ``Builder`` takes a ``Build``, and one that talks to a
host is made by who has a connection.
"""

from __future__ import annotations

import base64
import io
import os
import shlex
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kubeinstall.findings import Finding, Kind, KubeinstallError

TIMEOUT = 120.0
NO_PROGRAM = 127
"""How the script ends where there is none of the programs."""
_LINES = 12
_KUBECONFIG = ".kubeconfig"
"""An empty one: helm complains of one that is not there."""


@dataclass(frozen=True)
class Build:
    """Files, and the program that makes manifests of them.

    Args:
        title: what is built, for messages.
        files: content by path; may hold secrets.
        commands: the first one whose program is there runs, in a folder with the files.
        advice: what to do where there is no program.
    """

    title: str
    files: Mapping[str, bytes] = field(repr=False)
    commands: Sequence[Sequence[str]]
    advice: str

    def __post_init__(self) -> None:
        for path in self.files:
            if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
                raise ValueError(f"{path} is not a path inside the folder")

    @property
    def programs(self) -> str:
        """The programs' names, for messages."""
        return " or ".join(dict.fromkeys(command[0] for command in self.commands))


class NoProgramError(KubeinstallError):
    """There is no program for a build anywhere.

    Args:
        build: what cannot be built.
    """

    def __init__(self, build: Build) -> None:
        what = f"{build.title} cannot be rendered: there is no {build.programs}"
        super().__init__(Finding(Kind.LOCAL, what, next=build.advice))
        self.build = build


Builder = Callable[[Build], str | None]
"""What a build prints; None: there is no program for it. Raises KubeinstallError when it fails."""


def here(build: Build) -> str | None:
    """Build on this machine, in a folder of its own that is gone afterwards.

    Raises:
        KubeinstallError: the program fails, or takes too long.
    """
    command = next((c for c in build.commands if shutil.which(c[0])), None)
    if command is None:
        return None
    with tempfile.TemporaryDirectory(prefix="kubeinstall-") as folder:
        for path, content in build.files.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        Path(folder, _KUBECONFIG).touch(mode=0o600)
        try:
            ended = subprocess.run(
                command,
                cwd=folder,
                env={"PATH": os.environ.get("PATH", os.defpath), **_surroundings(folder)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise failed(build, f"{command[0]} took longer than {TIMEOUT:.0f} s") from None
        except OSError as error:
            raise failed(build, f"{command[0]}: {error.strerror}") from None
    if ended.returncode:
        raise failed(build, ended.stderr.decode(errors="replace"))
    return ended.stdout.decode(errors="replace")


def script(build: Build) -> str:
    """Shell that builds on a host, with ``packed`` files on its standard input.

    It ends with ``NO_PROGRAM`` where the host has none.
    """
    surroundings = [f'{name}="{value}"' for name, value in _surroundings("$folder").items()]
    alone = " ".join(["env -i", 'PATH="$PATH"', *surroundings])
    attempts = [
        f"if command -v {shlex.quote(command[0])} >/dev/null; then "
        f"{alone} {shlex.join(command)}; exit; fi"
        for command in build.commands
    ]
    return "\n".join(
        [
            "umask 077; PATH=$PATH:/usr/local/bin:/snap/bin",
            "folder=$(mktemp -d) || exit 1",
            """trap 'rm -rf "$folder"' EXIT""",
            'base64 -d | tar -xz -C "$folder" && cd "$folder" || exit 1',
            f': > "$folder"/{_KUBECONFIG}',
            *attempts,
            f"exit {NO_PROGRAM}",
        ]
    )


def packed(build: Build) -> str:
    """A build's files as the script takes them: a tar, as text."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path, content in build.files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return base64.b64encode(buffer.getvalue()).decode()


def first(*builders: Builder) -> Builder:
    """The first builder that has a program for it.

    The one returned raises NoProgramError where none has.
    """

    def build(wanted: Build) -> str:
        for one in builders:
            found = one(wanted)
            if found is not None:
                return found
        raise NoProgramError(wanted)

    return build


def failed(build: Build, said: str, host: str = "") -> KubeinstallError:
    """What is told of a program that failed.

    Args:
        said: its messages; the last lines count.
        host: where it ran; empty: on this machine.
    """
    why = "\n".join(said.strip().splitlines()[-_LINES:]) or "it printed nothing"
    return KubeinstallError(
        Finding(
            Kind.INVENTORY,
            f"{build.title} cannot be rendered",
            (host,) if host else (),
            why,
            "fix the addon's files or values",
        )
    )


def _surroundings(folder: str) -> dict[str, str]:
    """All of an environment but PATH: nothing of the user's settings, plugins and clusters."""
    own = {
        f"HELM_{what}_HOME": f"{folder}/.helm/{what.lower()}"
        for what in ("CACHE", "CONFIG", "DATA")
    }
    homes = {"HOME": folder, "TMPDIR": folder, "XDG_CONFIG_HOME": f"{folder}/.config"}
    return {**own, **homes, "KUBECONFIG": f"{folder}/{_KUBECONFIG}", "LC_ALL": "C.UTF-8"}
