"""Logins for registries, in the file that both the Docker CLI and the kubelet read."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import Any

from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.docker import parsed
from kubeinstall.facts.files import File
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import MARKER, Holds, WriteFile

_NOTE = "//"
_AUTHS = "auths"


@operation()
def docker_logins(
    path: str, auths: Mapping[str, str], unwanted: Mapping[str, str] = MappingProxyType({})
) -> Generator[Command]:
    """These logins in a ``config.json`` of Docker, beside the user's own.

    A note in the file says which are ours, so that one that is no longer wanted goes. A later
    ``docker login`` drops the note; what was ours is then the user's.

    Args:
        path: absolute path; the file is its owner's alone.
        auths: by registry, ``username:password`` in Base64.
        unwanted: more logins that go, though the file does not say any more that they are ours.

    Raises:
        OperationError: the file that is there is no JSON.
    """
    old = host.get_fact(File, path=path)
    found, error = parsed(old.content if old else b"")
    if error and (auths or unwanted):
        raise OperationError(f"{path} cannot be read: {error}; correct it, or move it away")
    wanted = desired(found, auths, unwanted)
    if wanted == found or error:
        if old is not None and auths and old.mode != "600":
            yield Command(f"chmod 600 {path}")
    elif wanted:
        yield WriteFile(path, json.dumps(wanted, indent=2) + "\n", "600", holds=Holds.SECRETS)
    else:
        yield Command(f"rm -f {path}")


def desired(
    found: Mapping[str, Any],
    auths: Mapping[str, str],
    unwanted: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """What the file should say; empty where nothing is left to say."""
    note = str(found.get(_NOTE, ""))
    ours = note.split()[len(MARKER.split()) :] if note.startswith(MARKER) else []
    present = found.get(_AUTHS)
    theirs = present if isinstance(present, Mapping) else {}
    gone = {name for name, auth in unwanted.items() if theirs.get(name) == {"auth": auth}}
    kept = {name: login for name, login in theirs.items() if name not in gone.union(ours)}
    logins = {**kept, **{name: {"auth": auth} for name, auth in auths.items()}}
    result = {key: value for key, value in found.items() if key not in (_NOTE, _AUTHS)}
    if auths:
        result[_NOTE] = " ".join([MARKER, *auths])
    if logins or (_AUTHS in found and not ours and not gone):
        result[_AUTHS] = logins if logins else present
    return result
