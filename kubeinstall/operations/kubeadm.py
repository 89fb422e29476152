"""kubeadm, run only where it has something to do."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from enum import StrEnum

from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.files import BACKUP_SUFFIX
from kubeinstall.facts.kubeadm import ADMIN, ControlPlane, Joined, JoinState, KubeconfigCopy
from kubeinstall.operations.commands import Command
from kubeinstall.operations.files import WriteFile

_TIMEOUT = 900
_START = "systemctl start kubelet"
# What an init that was cut off leaves behind is what its preflight checks refuse; the init itself
# takes such files over.
_RESUME = (
    "DirAvailable--etc-kubernetes-manifests",
    *(
        f"FileAvailable--etc-kubernetes-manifests-{name}.yaml"
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
    ),
    *(f"Port-{port}" for port in (6443, 10259, 10257, 10250, 2379, 2380)),
    "DirAvailable--var-lib-etcd",
)


@operation()
def init(
    config: str,
    path: str,
    skip_phases: tuple[str, ...] = (),
    last: str = "daemonset/kube-proxy",
    namespace: str = "kube-system",
) -> Generator[Command]:
    """``kubeadm init``, unless the cluster has what it makes last; a cut-off one is taken up again.

    A kubelet that was stopped is started.

    Args:
        config: kubeadm's configuration documents.
        path: where they are written.
        skip_phases: given as flags, for APIs without such a field.
        last: what init makes last, as kubectl names it.
        namespace: where that is.
    """
    state = host.get_fact(ControlPlane, last=last, namespace=namespace)
    if state.finished:
        if not state.kubelet_active:
            yield Command(_START)
        return
    yield WriteFile(path, config, "600")
    words = ["kubeadm", "init", "--config", path]
    if skip_phases:
        words.append(f"--skip-phases={','.join(skip_phases)}")
    if state.begun:
        words.append(f"--ignore-preflight-errors={','.join(_RESUME)}")
    yield Command(shlex.join(words), stream=True, _timeout=_TIMEOUT)


class JoinDecision(StrEnum):
    """What to do with a worker."""

    LEAVE = "leave"
    JOIN = "join"
    REPAIR = "repair"
    FOREIGN = "foreign"


def decide(state: JoinState, known: bool | None, ca_sha256: str | None) -> JoinDecision:
    """What to do with a worker.

    Args:
        known: whether the cluster has a node of its name; None: no cluster could be asked.
        ca_sha256: digest of the cluster's ca.crt; None: no cluster could be asked.
    """
    if not state.kubelet_conf:
        return JoinDecision.REPAIR if state.leftovers else JoinDecision.JOIN
    if ca_sha256 is not None and state.ca_sha256 and state.ca_sha256 != ca_sha256:
        return JoinDecision.FOREIGN
    if known is False or not state.ca_sha256:
        return JoinDecision.REPAIR
    return JoinDecision.LEAVE


@operation()
def join(
    config: str | None,
    known: bool | None,
    ca_sha256: str | None,
    cri_socket: str,
    skip_phases: tuple[str, ...] = (),
) -> Generator[Command]:
    """``kubeadm join`` of a worker that is not in the cluster; a half-joined one is reset first.

    A kubelet that was stopped is started.

    Args:
        config: the JoinConfiguration, which travels on standard input; None in a plan.
        known: whether the cluster has a node of its name; None: no cluster could be asked.
        ca_sha256: digest of the cluster's ca.crt; None: no cluster could be asked.
        cri_socket: the runtime's socket.
        skip_phases: given as flags, for APIs without such a field.
    """
    state = host.get_fact(Joined)
    decision = decide(state, known, ca_sha256)
    if decision is JoinDecision.LEAVE:
        if not state.kubelet_active:
            yield Command(_START)
        return
    if decision is JoinDecision.FOREIGN:
        raise OperationError(
            "this host is a node of another cluster (its certificate authority is not this "
            "cluster's); take it out of that one with `kubeinstall reset --limit` this host, "
            "then run `up` again"
        )
    if decision is JoinDecision.REPAIR:
        yield _reset(cri_socket)
    words = ["kubeadm", "join", "--config", "/dev/stdin"]
    if skip_phases:
        words.append(f"--skip-phases={','.join(skip_phases)}")
    yield Command(shlex.join(words), stream=True, stdin=config or "", _timeout=_TIMEOUT)


@operation()
def kubeconfig(user: str) -> Generator[Command]:
    """A login's ~/.kube/config is the cluster's admin kubeconfig.

    One that was there before is kept beside it with the suffix ``.before-kubeinstall``.

    Args:
        user: the login.
    """
    state = host.get_fact(KubeconfigCopy, user=user)
    if state.home and state.admin and state.admin == state.copy and state.right:
        return
    # In a plan of a first run there is no admin.conf yet: it is there when this is executed.
    home = state.home or ("/root" if user == "root" else f"/home/{user}")
    copy = f"{home}/.kube/config"
    if state.copy and state.copy != state.admin and not state.backed_up:
        yield Command(f"cp -a {shlex.quote(copy)} {shlex.quote(copy + BACKUP_SUFFIX)}")
    folder, file, name = shlex.quote(f"{home}/.kube"), shlex.quote(copy), shlex.quote(user)
    yield Command(
        f"group=$(id -g {name}) && install -d -m 700 -o {name} -g $group {folder} && "
        f"install -m 600 -o {name} -g $group {ADMIN} {file}"
    )


@operation()
def kubeconfig_gone(user: str) -> Generator[Command]:
    """A login has no copy of this cluster's kubeconfig; what it had before is back.

    Args:
        user: the login.
    """
    state = host.get_fact(KubeconfigCopy, user=user)
    if not state.copy or state.copy != state.admin:
        return
    copy = shlex.quote(f"{state.home}/.kube/config")
    if state.backed_up:
        yield Command(f"mv -f {copy}{BACKUP_SUFFIX} {copy}")
    else:
        yield Command(f"rm -f {copy}")


def _reset(cri_socket: str) -> Command:
    return Command(
        f"kubeadm reset -f --cri-socket {shlex.quote(cri_socket)}", stream=True, _timeout=_TIMEOUT
    )
