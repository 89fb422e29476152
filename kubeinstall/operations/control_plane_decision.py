"""What to do with a control plane: a pure decision, and the words for one that is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from kubeinstall.facts.control_plane import FILES, ControlPlaneState, Etcd, Part, ours


class Action(StrEnum):
    """What to do with the first control plane."""

    INIT = "init"
    RESUME = "resume"
    """``kubeadm init`` again, over what a first one that was cut off has left."""
    RESTART = "restart"
    """The same from nothing: the configuration is another one, and there is nothing to lose."""
    KEEP = "keep"
    """It has been up: what lacks is put back by its own phase."""
    REFUSE = "refuse"


class Refusal(StrEnum):
    """Why nothing is done."""

    ANOTHER_CLUSTER = "another cluster"
    NODE_OF_ANOTHER = "node of another"
    ANOTHER_ADDRESS = "another address"
    AUTHORITY_LOST = "authority lost"
    AUTHORITY_ENDED = "authority ended"
    ETCD_GONE = "etcd gone"
    ETCD_LEFT = "etcd left"
    CONFIG_LOST = "configuration lost"
    NO_ANSWER = "no answer"


@dataclass(frozen=True)
class Decision:
    """What to do with the first control plane.

    Args:
        parts: on the disk, to put back.
        expired: whose certificates are to be renewed.
        objects: in the cluster, to put back.
        wait: the API server has to be waited for.
    """

    action: Action
    parts: tuple[Part, ...] = ()
    expired: tuple[Part, ...] = ()
    objects: tuple[Part, ...] = ()
    wait: bool = False
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Wanted:
    """The control plane of the inventory.

    Args:
        cluster: its name.
        config_sha256: digest of kubeadm's configuration documents.
        node_ip: the address that the host's node goes by.
        skip_phases: phases of ``kubeadm init`` that are skipped.
        config_known: the cluster, or a note on the host, says what it was made with.
        takes_files: kubeadm is told to pass over what is in etcd's folder.
    """

    cluster: str
    config_sha256: str
    node_ip: str
    skip_phases: Collection[str] = ()
    config_known: bool = True
    takes_files: bool = False


def digest(config: str) -> str:
    """The digest of kubeadm's configuration documents, as the fact has it."""
    return hashlib.sha256(config.encode()).hexdigest()


def decide(state: ControlPlaneState, wanted: Wanted) -> Decision:
    """What to do with the first control plane.

    Nothing runs ``kubeadm init`` once its API server has been up: what users have made since is in
    etcd. Whether it has been is known by what is on the disk, not by an answer in time.
    """
    if state.established:
        return _keep(state, wanted)
    if state.settled and state.begun:
        return _refuse(Refusal.ETCD_GONE)
    if not state.begun:
        if state.etcd in (Etcd.DATA, Etcd.REGISTERED):
            return _refuse(Refusal.ETCD_LEFT)
        if state.kubelet_conf:
            return _refuse(Refusal.NODE_OF_ANOTHER)
        if state.etcd is Etcd.FILES and not wanted.takes_files:
            return _refuse(Refusal.ETCD_LEFT)
        return Decision(Action.INIT)
    changed = state.config_sha256 not in ("", wanted.config_sha256)
    if changed and not state.answers:
        return Decision(Action.RESTART)
    if state.cluster not in ("", wanted.cluster):
        return _refuse(Refusal.ANOTHER_CLUSTER)
    if _moved(state, wanted):
        return _refuse(Refusal.ANOTHER_ADDRESS)
    return Decision(Action.RESUME)


def _keep(state: ControlPlaneState, wanted: Wanted) -> Decision:
    if state.cluster not in ("", wanted.cluster):
        return _refuse(Refusal.ANOTHER_CLUSTER)
    if _moved(state, wanted):
        return _refuse(Refusal.ANOTHER_ADDRESS)
    theirs = {"certs", "certs/ca"} & set(wanted.skip_phases)
    if state.lost and not theirs:
        return _refuse(Refusal.AUTHORITY_LOST)
    if state.authorities_ended and not theirs:
        return _refuse(Refusal.AUTHORITY_ENDED)
    parts = ours(state.lacking, wanted.skip_phases)
    expired = tuple(part for part in ours(state.expired, wanted.skip_phases) if part not in parts)
    objects = ours(state.objects, wanted.skip_phases)
    if (parts or expired or objects) and not wanted.config_known:
        return _refuse(Refusal.CONFIG_LOST)
    if not (parts or expired or state.answers) and state.kubelet_active:
        return _refuse(Refusal.NO_ANSWER)
    return Decision(Action.KEEP, parts, expired, objects, wait=not state.answers)


def _refuse(refusal: Refusal) -> Decision:
    return Decision(Action.REFUSE, refusal=refusal)


def _moved(state: ControlPlaneState, wanted: Wanted) -> bool:
    return moved(state.addresses, state.members, wanted.node_ip)


def moved(addresses: Collection[str], members: Collection[str], node_ip: str) -> bool:
    """Whether the control plane goes by another address than the inventory says.

    Args:
        addresses: as its manifests say.
        members: as etcd's data say, other members' among them.
    """
    return bool(set(addresses) - {node_ip}) or bool(members and node_ip not in members)


@dataclass(frozen=True)
class Words:
    """A refusal for people: what, why, and what to do next."""

    what: str
    why: str
    next: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}; {self.next}"


def words(decision: Decision, state: ControlPlaneState, wanted: Wanted, reset: str) -> Words:
    """Why nothing is done.

    Args:
        reset: the command that takes the cluster off the host.
    """
    match decision.refusal:
        case Refusal.ANOTHER_CLUSTER:
            return Words(
                f"this host is the control plane of a cluster named {state.cluster}",
                f"the cluster in the inventory is named {wanted.cluster}",
                f"if it is the cluster you mean, set cluster.name to {state.cluster}; otherwise "
                f"reset it with `{reset}`",
            )
        case Refusal.NODE_OF_ANOTHER:
            return Words(
                "this host is already a node of a cluster whose control plane is elsewhere",
                f"it has {FILES[Part.KUBELET_CONF][0]}, but no part of a control plane",
                f"remove it from that cluster with `{reset}`",
            )
        case Refusal.ANOTHER_ADDRESS:
            return moved_words((*state.addresses, *state.members), wanted.node_ip)
        case Refusal.AUTHORITY_LOST:
            return Words(
                f"{', '.join(state.lost)} of its cluster cannot be created again",
                "all certificates and tokens of the cluster depend on it; a new one would "
                "make it another cluster",
                "restore it from a backup; without one, create a new cluster and move your "
                "workloads there",
            )
        case Refusal.AUTHORITY_ENDED:
            return Words(
                f"the cluster's certificate authority has expired: "
                f"{', '.join(state.authorities_ended)}",
                "kubeadm cannot renew a certificate authority, and nothing that it signed is "
                "trusted any longer",
                "replace it by hand: https://kubernetes.io/docs/tasks/tls/"
                "manual-rotation-of-ca-certificates/",
            )
        case Refusal.ETCD_GONE:
            return Words(
                "the etcd data of its cluster is missing",
                "a control plane has run on this host, but the etcd directory contains no data",
                "restore a backup (etcdctl snapshot restore) to /var/lib/etcd; or, if you do "
                f"not need the cluster: `{reset}`, then up",
            )
        case Refusal.ETCD_LEFT:
            return left_words(reset)
        case Refusal.CONFIG_LOST:
            return Words(
                "the configuration of its cluster is unknown, so no part of it can be restored",
                "its API server does not answer, and /etc/kubernetes/kubeinstall/kubeadm.yaml "
                "does not exist",
                "restore that file from a backup; it contains the ClusterConfiguration, as in "
                "the ConfigMap kube-system/kubeadm-config",
            )
        case _:
            return Words(
                "its API server does not answer, but no part of the control plane is missing",
                state.why or "kubectl did not say why",
                "to see why: tail -n 5 "
                "/var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log; if its "
                "manifest was changed by hand, restore the original: kubeadm init phase "
                "control-plane apiserver --config /etc/kubernetes/kubeinstall/kubeadm.yaml",
            )


def moved_words(addresses: Collection[str], node_ip: str) -> Words:
    """A node address that the control plane does not go by."""
    used = ", ".join(dict.fromkeys(addresses))
    return Words(
        f"its control plane uses the address {used}, but the inventory says {node_ip}",
        "etcd and the API server's certificate are bound to the address that they were created "
        "with",
        f"set the host's node_ip to {used}; or create a new cluster at {node_ip}",
    )


def left_words(reset: str) -> Words:
    """Something in etcd's folder before there is a cluster."""
    return Words(
        "/var/lib/etcd is not empty, and there is no cluster on this host yet",
        "kubeadm init does not overwrite existing etcd data; it may be from an earlier cluster",
        f"move it away: mv /var/lib/etcd /var/lib/etcd.old; or, if you do not need it: `{reset}`",
    )
