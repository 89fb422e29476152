"""Signs of life of a lab's cluster: which nodes are Ready, and which pods run, as of a moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_serializer

_SYSTEM = "kube-system/"
LEADERS = frozenset({"kube-controller-manager", "kube-scheduler"})
"""The leases in kube-system of what has to lead before the cluster reacts to anything."""


class Signs(BaseModel):
    """What is alive in a cluster.

    Args:
        nodes: names of nodes that are Ready.
        pods: ``NAMESPACE/NAME`` of pods that are Ready, with all their containers running. Static
            pods need not be Ready.
        leaders: which of ``LEADERS`` have a holder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    nodes: frozenset[str] = frozenset()
    pods: frozenset[str] = frozenset()
    leaders: frozenset[str] = frozenset()

    @field_serializer("*")
    def _in_order(self, names: frozenset[str]) -> list[str]:
        return sorted(names)

    def without(self, others: Signs) -> Signs:
        """What is alive here and not there."""
        return Signs(
            nodes=self.nodes - others.nodes,
            pods=self.pods - others.pods,
            leaders=self.leaders - others.leaders,
        )

    def __bool__(self) -> bool:
        return bool(self.nodes or self.pods or self.leaders)

    def __str__(self) -> str:
        parts = (("nodes", self.nodes), ("pods", self.pods), ("leases", self.leaders))
        return "; ".join(f"{what} {', '.join(sorted(names))}" for what, names in parts if names)


class _Answer(BaseModel):
    """Of a host: whatever does not matter here may be in it."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Condition(_Answer):
    type: str
    status: str
    lastHeartbeatTime: AwareDatetime | None = None  # Kubernetes' own names


class _Running(_Answer):
    startedAt: AwareDatetime | None = None


class _State(_Answer):
    running: _Running | None = None


class _Container(_Answer):
    state: _State = _State()


class _Status(_Answer):
    phase: str = ""
    conditions: tuple[_Condition, ...] = ()
    containerStatuses: tuple[_Container, ...] = ()

    @property
    def ready(self) -> _Condition | None:
        return next((c for c in self.conditions if (c.type, c.status) == ("Ready", "True")), None)

    def is_running(self, since: datetime | None) -> bool:
        running = [container.state.running for container in self.containerStatuses]
        started = [state is not None and _not_before(state.startedAt, since) for state in running]
        return bool(started) and all(started)


class _Spec(_Answer):
    holderIdentity: str = ""
    renewTime: AwareDatetime | None = None


class _Metadata(_Answer):
    name: str
    namespace: str = ""
    deletionTimestamp: AwareDatetime | None = None
    annotations: dict[str, str] = Field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """Its name, after its namespace if it is in one."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def is_static(self) -> bool:
        """Whether it is what the API server shows of a static pod: a mirror pod."""
        return "kubernetes.io/config.mirror" in self.annotations


_Kind = Literal["NodeList", "PodList", "LeaseList"]


class _Object(_Answer):
    metadata: _Metadata
    spec: _Spec = _Spec()
    status: _Status = _Status()

    def is_meant_to_live(self, kind: _Kind) -> bool:
        """Whether it is a node, or a pod that is neither ended nor being deleted."""
        ended = self.status.phase in ("Succeeded", "Failed") or self.metadata.deletionTimestamp
        return kind == "NodeList" or (kind == "PodList" and not ended)

    def is_alive(self, kind: _Kind, since: datetime | None = None) -> bool:
        """Whether it is, and has said so, or was started, since then."""
        ready = self.status.ready
        match kind:
            case "NodeList":
                return ready is not None and _not_before(ready.lastHeartbeatTime, since)
            case "PodList":
                # The startup probes that kubeadm gives to a control plane begin after ten seconds.
                # That it works is seen otherwise: it answers, and its leases are renewed.
                is_ready = self.metadata.is_static or ready is not None
                goes = self.metadata.deletionTimestamp is not None
                return is_ready and not goes and self.status.is_running(since)
            case "LeaseList":
                return bool(self.spec.holderIdentity) and _not_before(self.spec.renewTime, since)


class _List(_Answer):
    kind: _Kind
    items: tuple[_Object, ...]


PATHS = (
    "/api/v1/nodes",
    "/api/v1/pods",
    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases",
)
"""What the API server is asked for; `kubectl get` by names would first ask for all its kinds."""
_SEPARATOR = "\x1e"


def signs(answer: str, since: datetime | None = None) -> Signs:
    """What is alive, according to the API server's answers for ``PATHS``.

    After a host was off, the objects in etcd are still those from before. So a node has to have
    reported since then, and a pod's containers have to have been started since then.

    Args:
        answer: JSON lists, with ASCII's record separator after each.
        since: signs of life from before do not count; None: all count.

    Raises:
        ValueError: the answer does not have that form.
    """
    return _signs(answer, lambda kind, item: item.is_alive(kind, since))


def dead(answer: str) -> Signs:
    """The nodes and pods that are not alive, except pods that have ended or are being deleted.

    Args:
        answer: see ``signs``.

    Raises:
        ValueError: the answer does not have that form.
    """
    return _signs(
        answer, lambda kind, item: item.is_meant_to_live(kind) and not item.is_alive(kind)
    )


def _signs(answer: str, counts: Callable[[_Kind, _Object], bool]) -> Signs:
    found: dict[str, set[str]] = {}
    try:
        lists = [_List.model_validate_json(part) for part in answer.split(_SEPARATOR)[:-1]]
    except ValidationError as error:
        raise ValueError(f"kubectl's answer is not lists of objects: {error}") from error
    for each in lists:
        names = {item.metadata.full_name for item in each.items if counts(each.kind, item)}
        found.setdefault(each.kind, set()).update(names)
    return Signs(
        nodes=frozenset(found.get("NodeList", ())),
        pods=frozenset(found.get("PodList", ())),
        leaders=LEADERS & {name.removeprefix(_SYSTEM) for name in found.get("LeaseList", ())},
    )


def _not_before(moment: datetime | None, since: datetime | None) -> bool:
    return since is None or (moment is not None and moment >= since)
