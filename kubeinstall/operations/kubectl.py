"""Objects of the cluster, applied and deleted with kubectl on a control plane.

Documents travel on standard input: there are Secrets among them, and a list of CRDs is longer than
an argument may be.
"""

from __future__ import annotations

import json
import shlex
from base64 import b64decode
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pyinfra.api.operation import operation

from kubeinstall.facts.addons import PART_OF
from kubeinstall.facts.kubectl import Timeout, kubectl
from kubeinstall.operations.commands import Command
from kubeinstall.resources import script

Document = Mapping[str, Any]

MANAGER = "kubeinstall"
_KEPT = "kept"
"""Begins a line for each object that a removal left to the user."""
_KUBECTL = kubectl(Timeout.CHANGE)
_SECONDS = 120
_SECRET = 8
"""Characters of a Secret's value; a user's name is shorter, and no secret."""
# A webhook's pods, or the server of an API, may be on their way; a namespace may be leaving.
_NOT_YET = (
    "failed calling webhook",
    "failed calling admission webhook",
    "no matches for kind",
    "is being terminated",
    "the server is currently unable",
    "connection refused",
    "etcdserver: ",
)
_TRY = """\
# {title}
documents=$(cat)
until=$(($(date +%s) + {seconds}))
while :; do
  said=$(printf '%s\\n' "$documents" | {kubectl} -f - 2>&1) && exit 0
  case $said in {not_yet}) [ "$(date +%s)" -lt $until ] || break ;; *) break ;; esac
  sleep 2
done
printf '%s\\n' "$said" | grep -vE ' (serverside-applied|created)$' | cut -c -600 | sort -u >&2
exit 1"""
_CRDS = """\
# delete CRDs that no longer have objects
for crd in {names}; do
  left=$({kubectl} get "$crd" -A -o name --ignore-not-found | head -n 3 | tr '\\n' ' ')
  if [ "$left" ]; then
    {kubectl} label crd "$crd" {label}- >/dev/null || exit 1
    printf '{kept}\\tCustomResourceDefinition\\t%s\\t%s\\n' "$crd" "$left"
  else
    {kubectl} delete crd "$crd" --ignore-not-found --timeout=60s || exit 1
  fi
done"""


@dataclass(frozen=True)
class Removal:
    """Objects to delete.

    Args:
        stages: objects by kind and name; each stage is gone before the next is deleted.
        crds: names of CRDs, which stay where there are objects of them.
        namespaces: names of namespaces, which stay where they hold something else.
    """

    stages: tuple[tuple[Document, ...], ...] = ()
    crds: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Work:
    """What is done with one addon, in this order; all of it can be done again.

    Args:
        before: the addon's ConfigMap, with old and new objects, and the Secret with its notes: what
            is begun can be found again.
        replaced: objects to delete before they are made again, for they cannot be changed.
        stages: documents to apply; those of a stage need what is in the ones before.
        secrets: Secrets to create once their namespace is there.
        restored: documents to apply that give objects back to whoever had them before.
        removal: objects that it no longer has.
        after: the same, with the objects that it has now.
        gone: the name of both in kube-system, deleted at the end.
        seconds: how long to wait for webhooks and for kinds that are not served yet.
        diff: what changes, for people.
    """

    before: tuple[Document, ...] = ()
    replaced: tuple[Document, ...] = ()
    stages: tuple[tuple[Document, ...], ...] = ()
    secrets: tuple[Document, ...] = ()
    restored: tuple[Document, ...] = ()
    removal: Removal = Removal()
    after: tuple[Document, ...] = ()
    gone: str = ""
    seconds: int = 60
    diff: str = ""

    def __bool__(self) -> bool:
        removed = self.restored or self.removal != Removal()
        return bool(
            self.before or self.stages or self.secrets or removed or self.after or self.gone
        )


@operation()
def addon(work: Work) -> Generator[Command]:
    """What one addon has in the cluster; nothing where all is as it should be.

    Args:
        work: decided from what the cluster says.
    """
    diff = work.diff
    for command in _commands(work):
        command.diff, diff = diff, ""
        yield command


def _commands(work: Work) -> Generator[Command]:
    if work.before:
        yield applied(work.before, work.seconds)
    if work.replaced:
        yield _delete(work.replaced)
    made = not work.secrets
    for documents in work.stages:
        if not made and not any(d["kind"] == "Namespace" for d in documents):
            yield _created(work.secrets)
            made = True
        yield applied(documents, work.seconds)
        if crds := [d["metadata"]["name"] for d in documents if _is_crd(d)]:
            yield _established(crds)
    if not made:
        yield _created(work.secrets)
    if work.restored:
        yield applied(work.restored, work.seconds)
    yield from removed(work.removal)
    if work.after:
        yield applied(work.after, work.seconds)
    if work.gone:
        yield Command(
            f"{_KUBECTL} -n kube-system delete configmap,secret --ignore-not-found "
            f"-- {shlex.quote(work.gone)}"
        )


def applied(documents: Sequence[Document], seconds: int) -> Command:
    """Apply documents server-side, as the manager of all their fields.

    Args:
        seconds: how long to try again while a webhook or a kind is not there yet.
    """
    apply = f"apply --server-side --force-conflicts --field-manager={MANAGER}"
    return _try(f"apply {_objects(documents)}", apply, documents, seconds)


def removed(removal: Removal) -> Generator[Command]:
    """Delete objects; what others still need stays, and the event names it."""
    for documents in removal.stages:
        if documents:
            yield _delete(documents)
    if removal.crds:
        yield Command(
            _CRDS.format(
                names=shlex.join(removal.crds), kubectl=_KUBECTL, label=PART_OF, kept=_KEPT
            ),
            kept=_kept,
        )
    if removal.namespaces:
        delete = script(
            "addons/namespaces",
            removal.namespaces,
            kubectl=_KUBECTL,
            label=PART_OF,
            seconds=_SECONDS,
        )
        yield Command(f"# delete namespaces without objects of others\n{delete}", kept=_kept)


def _kept(printed: str) -> Iterator[Mapping[str, str]]:
    """The objects that a script left to the user."""
    for line in printed.splitlines():
        mark, *fields = line.split("\t")
        if mark == _KEPT and len(fields) == 3:
            yield dict(zip(("kind", "name", "holds"), map(str.strip, fields), strict=True))


def _created(documents: Sequence[Document]) -> Command:
    return _try(f"create {_objects(documents)}", f"create --field-manager={MANAGER}", documents, 10)


def _established(crds: Sequence[str]) -> Command:
    names = shlex.join(f"crd/{name}" for name in crds)
    return Command(
        f"# wait for {len(crds)} CRDs\n"
        f"{_KUBECTL} wait --for=condition=Established --timeout=60s {names} >/dev/null"
    )


def _delete(documents: Sequence[Document]) -> Command:
    names = [{"name": d["metadata"]["name"]} for d in documents]
    for name, document in zip(names, documents, strict=True):
        if namespace := document["metadata"].get("namespace"):
            name["namespace"] = namespace
    refs = [
        {"apiVersion": d["apiVersion"], "kind": d["kind"], "metadata": name}
        for d, name in zip(documents, names, strict=True)
    ]
    return Command(
        f"# delete {_objects(documents)}\n{_KUBECTL} --request-timeout=0 delete "
        f"--ignore-not-found --timeout={_SECONDS}s -f -",
        stdin=_list(refs),
        _timeout=_SECONDS + 60,
    )


def _try(title: str, command: str, documents: Sequence[Document], seconds: int) -> Command:
    script = _TRY.format(
        title=title,
        seconds=seconds,
        kubectl=f"{_KUBECTL} {command}",
        not_yet=" | ".join(f"*{shlex.quote(words)}*" for words in _NOT_YET),
    )
    return Command(
        script,
        stdin=_list(documents),
        secrets=secret_texts(documents),
        _timeout=seconds + 240,
    )


def secret_texts(documents: Sequence[Document]) -> Iterator[str]:
    """The values of Secrets that are long enough not to be a part of ordinary words.

    An error of kubectl's may repeat what it was given.
    """
    for document in documents:
        if document["kind"] == "Secret":
            for coded in (document.get("data") or {}).values():
                with suppress(ValueError):
                    text = b64decode(str(coded)).decode()
                    if len(text) >= _SECRET:
                        yield text


def _list(documents: Sequence[Document]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})


def _objects(documents: Sequence[Document]) -> str:
    return f"{len(documents)} object{'' if len(documents) == 1 else 's'}"


def _is_crd(document: Document) -> bool:
    return bool(document["kind"] == "CustomResourceDefinition")
