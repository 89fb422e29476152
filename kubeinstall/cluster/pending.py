"""What is not ready, as fields: which object, and what Kubernetes says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_PULLS = ("ErrImagePull", "ImagePullBackOff")
_NO_IMAGE = re.compile(r"manifest unknown|manifest for \S+ not found|: not found")


@dataclass(frozen=True)
class Pending:
    """A node or pod that is not as it has to be.

    Args:
        kind: ``Node`` or ``Pod``; empty for what is no object, such as the API server.
        name: its name.
        reason: the one word that Kubernetes has for it, e.g. ``ImagePullBackOff``, if it has one.
        message: the same in words.
        namespace: a pod's.
        node: the node it is on, as far as it is known.
        container: the container to read the log of, if it has run.
        final: waiting does not change it.
        begun: one of its containers has been started, or failed to.
    """

    kind: str
    name: str
    reason: str = ""
    message: str = ""
    namespace: str = ""
    node: str = ""
    container: str = ""
    final: bool = False
    begun: bool = True

    @property
    def what(self) -> str:
        """Kind and name for people: ``node w1`` or ``pod kube-system/etcd-cp1``."""
        return named(self.kind.lower(), self.namespace, self.name)

    @property
    def why(self) -> str:
        """Reason and message for people."""
        return ": ".join(part for part in (self.reason, self.message) if part)

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


@dataclass(frozen=True)
class Unready:
    """An object that is not as it has to be.

    Args:
        kind: e.g. ``Deployment``.
        namespace: empty for an object that is in none.
        name: its name.
        reason: why, as its status tells it.
        final: waiting will not change it.
        pod: the pod that is at fault, if one is.
    """

    kind: str
    namespace: str
    name: str
    reason: str
    final: bool = False
    pod: Pending | None = None

    @property
    def what(self) -> str:
        """Kind and name for people, e.g. ``Deployment shop/web``."""
        return named(self.kind, self.namespace, self.name)

    @property
    def why(self) -> str:
        """The reason, and the pod's own."""
        return f"{self.reason}; {self.pod}" if self.pod else self.reason

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


class Memory:
    """The last telling reason of each pod: a kubelet that backs off no longer says what failed."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str, str], Pending] = {}

    def recall(self, pending: Iterable[Pending]) -> list[Pending]:
        """The same, with the reason of the failed pull in the place of one for waiting."""
        found = []
        for item in pending:
            key = (item.kind, item.namespace, item.name)
            if item.reason == "ErrImagePull":
                self._told[key] = item
            elif item.reason == "ImagePullBackOff":
                told = self._told.get(key, item)
                item = replace(item, reason=told.reason, message=told.message, final=told.final)
            found.append(item)
        return found


def hopeless(reason: str, message: str) -> bool:
    """Whether waiting changes nothing: the image is not in its registry, or is no image's name.

    Args:
        reason, message: a waiting container's. Only the message tells whether a registry has no
            such image or does not answer.
    """
    return reason == "InvalidImageName" or (
        reason in _PULLS and bool(_NO_IMAGE.search(message.lower()))
    )


def named(kind: str, namespace: str, name: str) -> str:
    """An object's kind and name for people."""
    return f"{kind} {namespace}/{name}".lstrip() if namespace else f"{kind} {name}".lstrip()
