"""An API server that keeps what kubectl applies of addons, behind played connections."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

from kubeinstall.addons.objects import Object
from kubeinstall.engine.types import Output, Status
from kubeinstall.facts.addons import ADDON_LABEL, PREFIX
from kubeinstall.inventory.model import Cluster
from kubeinstall.phases.phase import Run
from tests.unit.addon_folders import applied
from tests.unit.played_session import Memory, PlayedSession


def packed(documents: Sequence[Object]) -> str:
    return packed_text(list(documents))


def packed_text(said: list[Object] | str) -> str:
    text = said if isinstance(said, str) else json.dumps({"kind": "List", "items": said})
    return base64.b64encode(gzip.compress(text.encode())).decode()


class Server:
    """An API server that keeps what is applied, and a kubelet that makes it ready at once.

    Args:
        refuses: addons it does not take, and why.
        broken: names of Deployments that never get ready.
    """

    def __init__(self, refuses: Mapping[str, str] | None = None, broken: Sequence[str] = ()):
        self.parents: dict[str, Object] = {}
        self.notes: dict[str, Object] = {}
        self.objects: list[Object] = []
        self.pods: list[Object] = []
        self.others: list[Object] = []
        self.secrets: list[str] = []
        """The names of those that were created, not applied."""
        self.error = ""
        self.served = ""
        self.volumes: list[Object] | str = []
        self._refuses = refuses or {}
        self._broken = broken

    def answer(self, _host: str, command: str) -> Output:
        """A question."""
        if self.error:
            return Output(0, packed_text(self.error), "")
        if "get configmaps,secrets" in command:
            kept = packed([*self.parents.values(), *self.notes.values()])
            answer = [kept, "::", packed_text(self.served), "--", packed(self.objects)]
            return Output(0, "\n".join(answer), "")
        if "get persistentvolumes" in command:
            return Output(0, packed_text(self.volumes), "")
        if "get events" in command:
            return Output(0, "Failed: Failed to pull image: no such host\n--\n", "")
        if "_ADDONS" in command or "$shown" in command:
            return Output(0, packed([*self.objects, *self.pods, *self.others]), "")
        return Output(0, "", "")

    def does(self, _host: str, command: str, stdin: str) -> Output:
        """What an operation has kubectl do."""
        given = json.loads(stdin)["items"] if stdin else []
        if " apply --server-side " in command:
            return self._apply(given)
        if " create --field-manager=" in command:
            self.secrets += [one["metadata"]["name"] for one in given]
            self.objects += given
        elif " delete --ignore-not-found " in command and stdin:
            self._delete([(one["kind"], one["metadata"]["name"]) for one in given])
        elif "# delete namespaces" in command:
            names = command.partition("for namespace in ")[2].partition(";")[0].split()
            self._delete([("Namespace", name) for name in names])
            return Output(0, "kept\tNamespace\tx\ty\n", "")
        elif " delete configmap,secret " in command:
            name = command.split()[-1].removeprefix(PREFIX)
            self.parents.pop(name, None)
            self.notes.pop(name, None)
        return Output(0, "", "")

    def _apply(self, given: Sequence[Object]) -> Output:
        for one in given:
            name = one["metadata"]["name"]
            labels = one["metadata"].get("labels") or {}
            if said := self._refuses.get(labels.get(ADDON_LABEL, name)):
                return Output(1, "", said)
            if name.startswith(PREFIX) and ADDON_LABEL in labels:
                kept = self.notes if one["kind"] == "Secret" else self.parents
                kept[labels[ADDON_LABEL]] = one
                continue
            live = applied(one)
            if live["kind"] == "Deployment" and name in self._broken:
                live["status"]["availableReplicas"] = 0
            self._delete([(one["kind"], name)])
            self.objects.append(live)
        return Output(0, "", "")

    def _delete(self, gone: Sequence[tuple[str, str]]) -> None:
        self.objects = [o for o in self.objects if (o["kind"], o["metadata"]["name"]) not in gone]


class Done(Memory):
    """A reporter that knows what was done, or would be in a plan."""

    @property
    def done(self) -> list[str]:
        """The operations that changed something, in their order."""
        of = (Status.CHANGED, Status.PLANNED)
        return [event.operation for event in self.events if event.status in of]


def started(cluster: Cluster, **settings: Any) -> tuple[Run, Server, Done]:
    """A run over connected hosts of a cluster with such an API server."""
    server, memory = Server(**settings), Done()
    session = PlayedSession(cluster, answer=server.answer, does=server.does, emit=memory.event)
    session.connect()
    run = Run(cluster, session, memory)
    run.phase = "addons"
    return run, server, memory


def again(run: Run, memory: Done, cluster: Cluster | None = None) -> None:
    """As another run would do: nothing is known yet, nothing done."""
    run.session.forget()
    run.forget_nodes()
    memory.events.clear()
    memory.notes.clear()
    if cluster:
        run.cluster = run.session.cluster = cluster


def session_of(run: Run) -> PlayedSession:
    assert isinstance(run.session, PlayedSession)
    return run.session
