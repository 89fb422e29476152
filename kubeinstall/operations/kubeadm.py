"""kubeadm, run only where it has something to do."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable
from enum import StrEnum

from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.kubeadm import (
    ADMIN,
    KUBEADM,
    KUBELET_CONF,
    Joined,
    JoinState,
    KubeconfigCopy,
)
from kubeinstall.facts.kubectl import Timeout, kubectl
from kubeinstall.facts.services import Unit
from kubeinstall.operations import backups
from kubeinstall.operations.commands import Command
from kubeinstall.operations.control_plane_decision import Action, Decision
from kubeinstall.operations.files import Holds, WriteFile
from kubeinstall.operations.proxy import reading
from kubeinstall.resources import script

_TIMEOUT = 900
_START = "systemctl start kubelet"
_JOINED = ("/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt")
# What an init that was cut off leaves behind is what its preflight checks refuse; the init itself
# takes such files over.
_RESUME = (
    "DirAvailable--etc-kubernetes-manifests",
    *(
        f"FileAvailable--etc-kubernetes-manifests-{name}.yaml"
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
    ),
    *(f"Port-{port}" for port in (10259, 10257, 10250, 2379, 2380)),
    "DirAvailable--var-lib-etcd",
)


@operation()
def init(
    decision: Decision,
    config: str,
    path: str,
    version: str,
    cri_socket: str,
    port: int = 6443,
    skip_phases: tuple[str, ...] = (),
    made: tuple[str, ...] = (),
    environment: str = "",
) -> Generator[Command]:
    """``kubeadm init`` where no control plane has been up; one that was cut off is resumed.

    Args:
        decision: what to do with the control plane.
        config: kubeadm's configuration documents.
        path: where they are written.
        version: of Kubernetes.
        cri_socket: the runtime's socket.
        port: the API server's.
        skip_phases: given as flags, for APIs without such a field.
        made: files that are there when it has ended well.
        environment: path of a file with variables for kubeadm; empty: none.
    """
    if decision.refusal is not None:
        raise OperationError(f"kubeinstall changes nothing: {decision.refusal.value}")
    if decision.action is Action.KEEP:
        return
    if decision.action is Action.RESTART:
        yield _reset(cri_socket)
    yield WriteFile(path, config, "600", holds=Holds.SECRETS)
    words = [KUBEADM, "init", "--config", path]
    if skip_phases:
        words.append(f"--skip-phases={','.join(skip_phases)}")
    if decision.action is Action.RESUME:
        words.append(f"--ignore-preflight-errors={','.join((*_RESUME, f'Port-{port}'))}")
    command = _with_effect(words, version, made)
    yield Command(reading(environment, command), stream=True, _timeout=_TIMEOUT)


def _with_effect(words: Iterable[str], version: str, made: Iterable[str]) -> str:
    """A command of kubeadm's, by programs of that version, that fails where it has no effect."""
    return script("kubeadm/checked", words, version=version, made=" ".join(made))


class JoinDecision(StrEnum):
    """What to do with a worker."""

    LEAVE = "leave"
    JOIN = "join"
    REPAIR = "repair"
    FINISH = "finish"
    FOREIGN = "foreign"


def decide(state: JoinState, known: bool | None, ca_sha256: str | None) -> JoinDecision:
    """What to do with a worker.

    Args:
        known: whether the cluster has a node of its name; None: no cluster could be asked.
        ca_sha256: fingerprint of the cluster's authority; None: no cluster could be asked.
    """
    other = bool(ca_sha256 and state.ca_sha256) and state.ca_sha256 != ca_sha256
    if other and (state.kubelet_conf or state.control_plane):
        return JoinDecision.FOREIGN
    if not state.kubelet_conf:
        return JoinDecision.REPAIR if state.leftovers else JoinDecision.JOIN
    if known is False or not state.ca_sha256:
        return JoinDecision.REPAIR
    return JoinDecision.FINISH if state.unfinished else JoinDecision.LEAVE


@operation()
def join(
    config: str | None,
    node: str,
    known: bool | None,
    ca_sha256: str | None,
    cri_socket: str,
    version: str,
    skip_phases: tuple[str, ...] = (),
    environment: str = "",
) -> Generator[Command]:
    """``kubeadm join`` of a worker that is not in the cluster; a half-joined one is reset first.

    Where only the last steps of a join are missing, they are done.

    Args:
        config: the JoinConfiguration, which travels on standard input; None in a plan.
        node: the node's name.
        known: whether the cluster has a node of its name; None: no cluster could be asked.
        ca_sha256: fingerprint of the cluster's authority; None: no cluster could be asked.
        cri_socket: the runtime's socket.
        version: of Kubernetes.
        skip_phases: given as flags, for APIs without such a field.
        environment: path of a file with variables for kubeadm; empty: none.
    """
    state = host.get_fact(Joined)
    decision = decide(state, known, ca_sha256)
    if decision is JoinDecision.LEAVE:
        return
    if decision is JoinDecision.FOREIGN:
        raise OperationError(
            "this host is a node of another cluster (its certificate authority is not this "
            "cluster's); remove it from that cluster with `kubeinstall reset --limit` this host, "
            "then run `up` again"
        )
    if decision is JoinDecision.FINISH:
        yield _finish(node, cri_socket)
        return
    if decision is JoinDecision.REPAIR:
        yield _reset(cri_socket)
    words = [KUBEADM, "join", "--config", "/dev/stdin"]
    if skip_phases:
        words.append(f"--skip-phases={','.join(skip_phases)}")
    joined = f"{script('kubeadm/waiting_kubelet')}\n{_with_effect(words, version, _JOINED)}"
    command = reading(environment, joined)
    yield Command(command, stream=True, stdin=config or "", _timeout=_TIMEOUT)


@operation()
def kubelet_running() -> Generator[Command]:
    """The kubelet of a host that is a node runs, or tries to."""
    state = host.get_fact(Joined)
    kubelet = host.get_fact(Unit, unit="kubelet.service", configs=())
    # One that fails and is started again and again by systemd is "activating".
    if state.kubelet_conf and kubelet.active in ("inactive", "failed"):
        yield Command(_START)


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
        yield Command(backups.copied(copy))
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
    copy = f"{state.home}/.kube/config"
    yield Command(backups.put_back(copy) if state.backed_up else f"rm -f {shlex.quote(copy)}")


def _reset(cri_socket: str) -> Command:
    return Command(
        f"{KUBEADM} reset -f --cri-socket {shlex.quote(cri_socket)}", stream=True, _timeout=_TIMEOUT
    )


def _finish(node: str, cri_socket: str) -> Command:
    """What ``kubeadm join`` does once the node is in the cluster; ``kubeadm upgrade`` wants it."""
    change = kubectl(Timeout.CHANGE, KUBELET_CONF)
    note = f"kubeadm.alpha.kubernetes.io/cri-socket={cri_socket}"
    return Command(
        f"{change} annotate --overwrite node {shlex.quote(node)} {shlex.quote(note)}"
        f" && rm -f /etc/kubernetes/bootstrap-kubelet.conf && {_START}"
    )
