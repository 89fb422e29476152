"""A control plane that has been up once: its parts are put back one by one, never by an init."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping

from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation

from kubeinstall.facts.control_plane import (
    FILES,
    KUBELET_CERTIFICATE,
    STATIC_PODS,
    Part,
)
from kubeinstall.facts.kubeadm import KUBEADM
from kubeinstall.facts.kubectl import Timeout, kubectl
from kubeinstall.operations.commands import Command
from kubeinstall.operations.control_plane_decision import Action, Decision
from kubeinstall.operations.proxy import reading
from kubeinstall.resources import script

_TIMEOUT = 600
# In the pods' own order; what runs outside of Kubernetes' cgroups is not ours.
_RESTART = f"""
for name in {" ".join(STATIC_PODS.values())}; do
  for pid in $(pidof $name); do
    ! grep -qs kubepods /proc/$pid/cgroup || kill $pid
  done
done"""
_KUBELET_AGAIN = f"""
systemctl stop kubelet
rm -f {FILES[Part.KUBELET_CONF][0]} /var/lib/kubelet/pki/kubelet-client-*
{KUBEADM} init phase kubeconfig kubelet --config /dev/stdin || exit
systemctl start kubelet"""
# The kubelet has its certificate signed once the API server and the controller manager are back.
_FINALIZE = f"""
for i in $(seq 90); do [ -e {KUBELET_CERTIFICATE} ] && break; sleep 1; done
[ -e {KUBELET_CERTIFICATE} ] || {{ echo "the kubelet has no signed certificate" >&2; exit 1; }}
{KUBEADM} init phase kubelet-finalize all --config /dev/stdin"""


def _answers() -> Command:
    """Waits until the API server answers."""
    answers = script("control_plane/answers", kubectl=kubectl(Timeout.POLL))
    text = "\n".join([script("control_plane/last_words"), answers])
    return Command(text, _timeout=_TIMEOUT)


def put_back_commands(
    parts: Collection[Part], expired: Collection[Part], config: str, environment: str
) -> Generator[Command]:
    """What puts parts on the disk back, and renews certificates; in kubeadm's order.

    Args:
        parts: those that lack.
        expired: those whose certificates have ended.
        config: kubeadm's configuration, as the cluster was made with.
        environment: path of a file with variables for kubeadm; empty: none.
    """

    def command(script: str) -> Command:
        return Command(reading(environment, script), stdin=config, stream=True, _timeout=_TIMEOUT)

    kubelet = Part.KUBELET_CONF in parts or Part.KUBELET_CONF in expired
    for part in Part:
        if part is Part.KUBELET_CONF:
            if kubelet:
                yield command(_KUBELET_AGAIN)
        elif part in parts:
            files = "" if part in STATIC_PODS else f"rm -f {' '.join(FILES[part])}; "
            yield command(f"{files}{KUBEADM} init phase {part.value} --config /dev/stdin")
        elif part in expired:
            yield command(f"{KUBEADM} certs renew {_renewed(part)} --config /dev/stdin")
    if any(part not in STATIC_PODS for part in (*parts, *expired)):
        yield Command(_RESTART)
    yield _answers()
    if kubelet:
        yield command(_FINALIZE)


def _renewed(part: Part) -> str:
    """What ``kubeadm certs renew`` calls a part."""
    kind, name = part.value.split()
    return f"{name}.conf" if kind == "kubeconfig" else name


@operation()
def put_back(decision: Decision, config: str | None, environment: str) -> Generator[Command]:
    """The control plane has all its parts on this host, and its API server answers.

    Args:
        decision: what to do with the control plane.
        config: kubeadm's configuration, as the cluster was made with; None: not known.
        environment: path of a file with variables for kubeadm; empty: none.
    """
    if decision.action is not Action.KEEP:
        return
    if decision.parts or decision.expired:
        if config is None:
            raise OperationError("the configuration that the cluster was created with is unknown")
        yield from put_back_commands(decision.parts, decision.expired, config, environment)
    elif decision.wait:
        yield _answers()


@operation()
def complete(decision: Decision, config: str | None, environment: str) -> Generator[Command]:
    """The cluster has all that ``kubeadm init`` makes in it.

    Args:
        decision: what to do with the control plane.
        config: kubeadm's configuration, as the cluster was made with; None: not known.
        environment: path of a file with variables for kubeadm; empty: none.
    """
    if decision.action is not Action.KEEP or not decision.objects:
        return
    if config is None:
        raise OperationError("the configuration that the cluster was created with is unknown")
    for part in decision.objects:
        line = f"{KUBEADM} init phase {part.value} --config /dev/stdin"
        yield Command(reading(environment, line), stdin=config, stream=True, _timeout=_TIMEOUT)
    if Part.BOOTSTRAP_TOKEN in decision.objects:
        # An init that was cut off before this phase has not come to the one after it, either.
        line = f"[ ! -e {KUBELET_CERTIFICATE} ] || {KUBEADM} init phase kubelet-finalize all"
        yield Command(
            reading(environment, f"{line} --config /dev/stdin"),
            stdin=config,
            stream=True,
            _timeout=_TIMEOUT,
        )


_WORDS: Mapping[Part, str] = {
    Part.ADMIN_CONF: "admin.conf",
    Part.KUBELET_CONF: "kubelet.conf",
    Part.CONTROLLER_MANAGER_CONF: "controller-manager.conf",
    Part.SCHEDULER_CONF: "scheduler.conf",
    Part.KUBELET: "the kubelet's configuration",
    Part.CONFIG: "kubeadm's record of its configuration",
    Part.KUBELET_CONFIG: "the configuration of all kubelets",
    Part.MARK: "the labels and taints of the control plane node",
    Part.BOOTSTRAP_TOKEN: "the bootstrap objects for joining nodes",
    Part.KUBE_PROXY: "the add-on kube-proxy",
    Part.COREDNS: "the add-on coredns",
    **{part: f"the manifest of {name}" for part, name in STATIC_PODS.items()},
}


def title(part: Part) -> str:
    """A part, for people."""
    return _WORDS.get(part) or f"the certificate {part.value.removeprefix('certs ')}"


def titles(parts: Iterable[Part]) -> str:
    """Parts, for people."""
    words = [title(part) for part in parts]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
