"""The cluster's kubeconfig on this machine: fetched, renamed, saved or merged.

Source: the kubeconfig format, Config v1 (kubernetes.io, reference, config-api/kubeconfig).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from kubeinstall.findings import Finding, Kind, KubeinstallError, unwritable
from kubeinstall.inventory.model import Cluster, Document

if TYPE_CHECKING:
    from kubeinstall.engine.session import Session

_ADMIN = "/etc/kubernetes/admin.conf"
_MISSING = 78
_LISTS = ("clusters", "contexts", "users")
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """Times stay the text they are; they would be written in another form."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def fetch(session: Session, cluster: Cluster) -> Document:
    """The admin's kubeconfig, from the first control plane, with names of this cluster.

    Raises:
        KubeinstallError: the host cannot be reached, or has no such file.
    """
    first = cluster.first.name
    session.connect([first])
    if first in session.failures:
        raise KubeinstallError(session.failures[first])
    answer = session.ask(first, f"[ -e {_ADMIN} ] || exit {_MISSING}; cat {_ADMIN}")
    if answer.exit_code == _MISSING:
        why = f"{first} has no {_ADMIN}"
        raise _no_cluster(cluster, "there is no cluster yet", why)
    if not answer.ok:
        raise _no_cluster(cluster, f"{_ADMIN} cannot be read", answer.stderr.strip())
    try:
        return named(answer.stdout, cluster.spec.name)
    except ValueError as error:
        raise _no_cluster(cluster, f"{_ADMIN} is not a kubeconfig", str(error)) from None


def named(text: str, name: str) -> Document:
    """A kubeconfig's current cluster, under a name of its own.

    Args:
        text: a kubeconfig as kubeadm writes it.
        name: of the context and the cluster; the user is ``NAME-admin``.

    Raises:
        ValueError: it is not one; the message holds nothing of the text.
    """
    document = _parse(text)
    current = document.get("current-context", "")
    context = _entry(document, "contexts", current).get("context")
    if not isinstance(context, Mapping):
        raise ValueError("it has no current context")
    cluster = _entry(document, "clusters", context.get("cluster")).get("cluster")
    user = _entry(document, "users", context.get("user")).get("user")
    if not (isinstance(cluster, Mapping) and isinstance(user, Mapping)):
        raise ValueError("it lacks the cluster or the user of its current context")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": dict(cluster)}],
        "users": [{"name": f"{name}-admin", "user": dict(user)}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": f"{name}-admin"}}],
        "current-context": name,
    }


def merged(theirs: Document, ours: Document) -> Document:
    """A kubeconfig with our cluster in it, made the current one; all else stays.

    Args:
        theirs: what is there; may be empty.
        ours: as ``named`` makes it.

    Raises:
        ValueError: another cluster has our name there.
    """
    name = ours["current-context"]
    context = _entry(theirs, "contexts", name).get("context") or {}
    if context.get("cluster", name) != name:
        raise ValueError(f"its context {name} is that of cluster {context['cluster']}")
    cluster = _entry(theirs, "clusters", name).get("cluster") or {}
    server = ours["clusters"][0]["cluster"].get("server")
    if cluster.get("server", server) != server:
        raise ValueError(f"its cluster {name} is at {cluster['server']}, this one at {server}")
    result = {"apiVersion": "v1", "kind": "Config", **theirs, "current-context": name}
    for key in _LISTS:
        (entry,) = ours[key]
        if key == "contexts":  # a namespace that was chosen there stays chosen
            entry = {"name": name, "context": {**context, **entry["context"]}}
        result[key] = _with(theirs.get(key) or [], entry)
    return result


def merge(path: Path, ours: Document) -> None:
    """Merge our cluster into a kubeconfig file, which is made if there is none.

    Raises:
        KubeinstallError: the file is not a kubeconfig or cannot be written, or it has another
            cluster of this name; it is as it was then.
    """
    path = _target(path)
    with _writing(path), _locked(path):
        try:
            theirs = _parse(path.read_text(encoding="utf-8")) if path.exists() else {}
        except ValueError as error:
            raise KubeinstallError(_malformed(path, str(error))) from None
        try:
            result = merged(theirs, ours)
        except ValueError as error:
            raise KubeinstallError(_taken(path, ours["current-context"], str(error))) from None
        _replace(path, dump(result))


def save(path: Path, document: Document) -> None:
    """Write a kubeconfig whole, readable by its owner alone.

    Raises:
        KubeinstallError: it cannot be written.
    """
    path = _target(path)
    with _writing(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(path, dump(document))


def dump(document: Document) -> str:
    """A kubeconfig as YAML."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=2**16)


def default_path(environ: Mapping[str, str]) -> Path:
    """The file that kubectl writes to: the first of ``$KUBECONFIG``, else ~/.kube/config.

    Raises:
        KubeinstallError: there is no home folder.
    """
    listed = [part for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    if listed:
        return Path(listed[0])
    try:
        return Path.home() / ".kube" / "config"
    except RuntimeError:
        raise KubeinstallError(
            Finding(Kind.LOCAL, "there is no home folder", next="set KUBECONFIG, or use -o FILE")
        ) from None


def _parse(text: str) -> Document:
    """A kubeconfig's document; empty text is an empty one.

    Raises:
        ValueError: it is not one; the message holds nothing of the text, which has secrets.
    """
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        place = f"line {at.line + 1}, column {at.column + 1}: " if at else ""
        raise ValueError(f"{place}it is not YAML") from None
    except yaml.YAMLError:
        raise ValueError("it is not YAML") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ValueError("it is no map of keys and values")
    for key in _LISTS:
        entries = document.get(key) or []
        if not isinstance(entries, list) or not all(map(_is_entry, entries)):
            raise ValueError(f"its {key} are no list of names with something each")
    return document


def _is_entry(entry: Any) -> bool:
    """Whether it is a map with a name, and what it names, if there, is a map too."""
    return (
        isinstance(entry, dict)
        and "name" in entry
        and all(isinstance(entry.get(key) or {}, dict) for key in ("cluster", "context", "user"))
    )


def _entry(document: Document, key: str, name: Any) -> Document:
    entries: list[Document] = document.get(key) or []
    return next((entry for entry in entries if entry["name"] == name), {})


def _with(entries: list[Document], ours: Document) -> list[Document]:
    """The entries with ours in the place of the one of its name, else at the end."""
    names = [entry["name"] for entry in entries]
    if ours["name"] not in names:
        return [*entries, ours]
    place = names.index(ours["name"])
    return [*entries[:place], ours, *entries[place + 1 :]]


def _target(path: Path) -> Path:
    """Where a link leads, so that the link stays one.

    Raises:
        KubeinstallError: something other than a file is there.
    """
    try:
        path = path.resolve()
        usual = path.is_file() or not path.exists()
    except (OSError, RuntimeError) as error:
        raise KubeinstallError(_unwritable(path, str(error))) from None
    if not usual:
        raise KubeinstallError(_unwritable(path, "it is not a regular file"))
    return path


def _replace(path: Path, text: str) -> None:
    """Write a file with mode 0600: all of it, or the old one stays.

    Raises:
        OSError: it cannot be written.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file's lock; not kubectl's own (FILE.lock), which a killed run would leave."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = path.parent / f".{path.name}.kubeinstall-lock"
    with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Tell what the system refuses as a finding."""
    try:
        yield
    except OSError as error:
        raise KubeinstallError(unwritable(f"the kubeconfig {path}", error)) from None


def _no_cluster(cluster: Cluster, what: str, why: str) -> KubeinstallError:
    command = f"kubeinstall up -i {cluster.source}" if cluster.source else "kubeinstall up"
    return KubeinstallError(Finding(Kind.CLUSTER, what, cluster.first.name, why, command))


def _malformed(path: Path, why: str) -> Finding:
    return Finding(
        Kind.LOCAL,
        "this file is not a kubeconfig; it was left as it is",
        str(path),
        why,
        "mend or move it, or set KUBECONFIG to another file",
    )


def _taken(path: Path, name: str, why: str) -> Finding:
    return Finding(
        Kind.LOCAL,
        f"this file knows another cluster by the name {name}; it was left as it is",
        str(path),
        why,
        f"kubectl config delete-cluster {name} and delete-context {name} there if it is of no use "
        "any more; else write another file with -o FILE",
    )


def _unwritable(path: Path, why: str) -> Finding:
    return Finding(Kind.LOCAL, "the kubeconfig cannot be written", str(path), why)
