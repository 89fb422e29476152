"""The kubelet of a node: its files, and a restart after which the node is Ready again."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import Exists, File
from kubeinstall.facts.kubeadm import KUBELET_CONF
from kubeinstall.facts.kubectl import Timeout, kubectl
from kubeinstall.facts.services import Unit
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import Holds, WriteFile
from kubeinstall.operations.undo import functions
from kubeinstall.resources import script

UNIT = "kubelet.service"
STATES = ("/var/lib/kubelet/cpu_manager_state", "/var/lib/kubelet/memory_manager_state")
"""What the CPU and memory managers remember; with another policy the kubelet refuses them."""


@operation()
def configured(
    files: Mapping[str, str], node: str, what: Sequence[str] = (), networked: bool = True
) -> Generator[Command]:
    """The kubelet's files are these, and it runs with them: its node is Ready.

    Args:
        files: path to content; files that are there already.
        node: the node's name.
        what: the settings that change, in words.
        networked: False: a node may lack its pod network.
    """
    yield from _configured(files, node, what, networked)


@operation()
def another_policy(
    files: Mapping[str, str], node: str, what: Sequence[str] = (), networked: bool = True
) -> Generator[Command]:
    """The same with another policy for CPU or memory; the node should be drained before.

    What the managers of CPU and memory remember is of the old policy, and is forgotten.

    Args:
        files: path to content; files that are there already.
        node: the node's name.
        what: the settings that change, in words.
        networked: False: a node may lack its pod network.
    """
    yield from _configured(files, node, what, networked, forget=True)


def _configured(
    files: Mapping[str, str],
    node: str,
    what: Sequence[str],
    networked: bool,
    *,
    forget: bool = False,
) -> Generator[Command]:
    # The state goes first: where the run ends here, the next one finds another policy again.
    # Each is asked for, so that all are read at once.
    remembered = [host.get_fact(Exists, path=path) for path in STATES]
    stale = forget and any(remembered)
    if stale:
        yield Command(f"systemctl stop kubelet && rm -f {' '.join(STATES)}")
    written = False
    for path, content in files.items():
        old = host.get_fact(File, path=path)
        if old is None or old.text != content:
            mode = old.mode if old else "644"
            yield WriteFile(path, content, mode, holds=Holds.SECRETS, old=old, undo=True)
            written = True
    state = host.get_fact(Unit, unit=UNIT, configs=tuple(files))
    if written or stale or not state.is_active or state.outdated:
        words = ", ".join(what) or "its settings"
        shown = "\n".join(f"~ {change}" for change in what)
        command = restart(node, words, networked=networked, undo=tuple(files))
        yield Command(command, diff=shown, _timeout=600)


def restart(node: str, what: str, *, networked: bool = True, undo: Iterable[str] = ()) -> str:
    """The shell script that restarts the kubelet and waits until its node is Ready.

    Args:
        what: the settings that it is restarted for.
        networked: False: a node may lack its pod network.
        undo: files that were written with ``undo``; the old ones come back if the node does not.
    """
    restarted = script(
        "kubelet/restart",
        kubectl=kubectl(Timeout.POLL, KUBELET_CONF),
        node=node,
        what=what,
        networked="yes" if networked else "",
    )
    title = "# restart the kubelet, and wait until its node is Ready"
    return f"{title}\n{functions(undo)}\n{restarted}"
