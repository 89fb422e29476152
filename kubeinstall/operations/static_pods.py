"""Arguments of the control plane's static pods, changed by kubeadm on a cluster that runs."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from pyinfra.api.operation import operation

from kubeinstall.facts.kubeadm import KUBEADM
from kubeinstall.facts.kubectl import Timeout, kubectl
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import Holds, WriteFile
from kubeinstall.operations.proxy import reading
from kubeinstall.resources import script


@dataclass(frozen=True)
class Change:
    """What changes for one component.

    Args:
        component: e.g. ``kube-apiserver``.
        phase: of ``kubeadm init``, that writes its manifest.
        wanted: arguments that it should have, ``--name=value`` each.
        unwanted: arguments that it should not have.
        diff: for people.
    """

    component: str
    phase: str
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    diff: str


@operation()
def arguments_changed(
    changes: tuple[Change, ...], node: str, config: str, note: str, path: str, environment: str
) -> Generator[Command]:
    """The control plane's pods have these arguments and are well; the cluster's note says so.

    One after the other, and one that is not well gets its old manifest back. The note is last, so a
    run that is cut off is taken up again.

    Args:
        node: name of the host's node.
        config: kubeadm's InitConfiguration and ClusterConfiguration, as YAML.
        note: what kubeinstall remembers of them on the host; empty: what is there.
        path: of that file.
        environment: path of a file with variables for kubeadm; empty: none.
    """
    for change in changes:
        change_one = script(
            "kubeadm/arguments",
            kubectl=kubectl(Timeout.POLL),
            component=change.component,
            phase=change.phase,
            pod=f"{change.component}-{node}",
            wanted="\n".join(change.wanted),
            unwanted="\n".join(change.unwanted),
        )
        command = reading(environment, f"{script('control_plane/last_words')}\n{change_one}")
        yield Command(command, stdin=config, stream=True, diff=change.diff, _timeout=600)
    if changes:
        upload = f"{KUBEADM} init phase upload-config kubeadm --config /dev/stdin"
        yield Command(reading(environment, upload), stdin=config, stream=True)
    if note:
        yield WriteFile(path, note, "600", holds=Holds.SECRETS)
