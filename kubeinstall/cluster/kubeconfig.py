"""The cluster's kubeconfig on this machine: fetched, renamed, saved or merged."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
from collections.abc import Collection, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from kubeinstall.cluster.admin_conf import (
    LISTS,
    SERVER_NAME,
    Access,
    access,
    entry,
    names_of,
    parse,
)
from kubeinstall.cluster.answering import Answering
from kubeinstall.facts.kubeadm import ADMIN
from kubeinstall.files.kubeadm import CONFIG
from kubeinstall.findings import Finding, Kind, KubeinstallError, Place, unwritable
from kubeinstall.inventory.model import Cluster, Document, Host

if TYPE_CHECKING:
    from kubeinstall.engine.session import Session

_CERTIFICATE = "/etc/kubernetes/pki/apiserver.crt"
_MARK = "-- certificate of the API server"
_LONGEST = 1 << 20
_MISSING = 78
_SCRIPT = f"""[ -e {ADMIN} ] || exit {_MISSING}
head -c {_LONGEST} {ADMIN} || exit 1
printf '\\n{_MARK}\\n'
head -c {_LONGEST} {_CERTIFICATE} 2>/dev/null
true"""
_KNOCK = 3.0
"""Seconds for a connection from this machine."""


def fetch(session: Session, cluster: Cluster) -> Document:
    """The administrator's kubeconfig for this machine, by what a control plane says.

    Raises:
        KubeinstallError: no control plane can be reached, it has no such file, or the file holds
            what kubeadm does not write.
    """
    answering = Answering(session)
    answering.connect()
    answer = answering.ask(_SCRIPT)
    host, output = cluster.host(answer.host), answer.output
    if output.exit_code == _MISSING:
        why = f"{host.name} has no {ADMIN}"
        raise _no_cluster(cluster, host, "there is no cluster yet", why)
    if not output.ok:
        raise _no_cluster(cluster, host, f"{ADMIN} cannot be read", output.stderr.strip())
    text, _, certificate = output.stdout.partition(f"\n{_MARK}\n")
    try:
        return for_here(access(text), cluster, host, names_of(certificate))
    except ValueError as error:
        raise _refused(host, str(error)) from None


def for_here(found: Access, cluster: Cluster, asked: Host, names: Collection[str]) -> Document:
    """A kubeconfig for this machine.

    The server is the inventory's endpoint; without one the address that ssh reaches the control
    plane by, or the control plane's own word where only that answers here.

    Args:
        asked: the control plane that it is from.
        names: what is in the API server's certificate.
    """
    host, port = found.host, found.port
    if endpoint := cluster.spec.endpoint:
        host, port = endpoint.host, endpoint.port
    elif asked.address != host and _nearer(asked.address, host, port):
        host = asked.address
    server_name = "" if not names or host.lower() in names else SERVER_NAME
    return found.kubeconfig(cluster.spec.name, f"https://{host}:{port}", server_name)


def _nearer(address: str, own: str, port: int) -> bool:
    """Whether the API server is asked at ssh's address rather than at its own."""
    return reaches(address, port) or not (ip_address(address).is_loopback or reaches(own, port))


def reaches(host: str, port: int) -> bool:
    """Whether this machine gets a connection."""
    try:
        socket.create_connection((host, port), _KNOCK).close()
    except OSError:
        return False
    return True


def merged(theirs: Document, ours: Document) -> Document:
    """A kubeconfig with our cluster in it, made the current one; all else stays.

    Args:
        theirs: what is there; may be empty.
        ours: as ``for_here`` makes it.

    Raises:
        ValueError: another cluster has our name there.
    """
    name = ours["current-context"]
    context = entry(theirs, "contexts", name).get("context") or {}
    if context.get("cluster", name) != name:
        raise ValueError(f"its context {name} is that of cluster {context['cluster']}")
    cluster = entry(theirs, "clusters", name).get("cluster") or {}
    mine = ours["clusters"][0]["cluster"]
    server, authority = mine["server"], mine["certificate-authority-data"]
    same = cluster.get("certificate-authority-data") == authority
    if cluster.get("server", server) != server and not same:
        raise ValueError(f"its cluster {name} is at {cluster['server']}, this one at {server}")
    result = {"apiVersion": "v1", "kind": "Config", **theirs, "current-context": name}
    for key in LISTS:
        (mine,) = ours[key]
        if key == "contexts":  # a namespace that was chosen there stays chosen
            mine = {"name": name, "context": {**context, **mine["context"]}}
        result[key] = _with(theirs.get(key) or [], mine)
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
            theirs = parse(path.read_text(encoding="utf-8")) if path.exists() else {}
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


def _no_cluster(cluster: Cluster, host: Host, what: str, why: str) -> KubeinstallError:
    command = cluster.command("up")
    return KubeinstallError(Finding(Kind.CLUSTER, what, (host.name,), why, command))


def _refused(host: Host, why: str) -> KubeinstallError:
    return KubeinstallError(
        Finding(
            Kind.CLUSTER,
            f"{ADMIN} is not what kubeadm writes; nothing in it was used",
            (host.name,),
            why,
            f"on {host.name}: move it away, then: kubeadm init phase kubeconfig admin --config "
            f"{CONFIG}",
        )
    )


def _malformed(path: Path, why: str) -> Finding:
    return Finding(
        Kind.LOCAL,
        "this file is not a kubeconfig; it was left as it is",
        why=why,
        next="correct or move it, or set KUBECONFIG to another file",
        place=Place(str(path)),
    )


def _taken(path: Path, name: str, why: str) -> Finding:
    return Finding(
        Kind.LOCAL,
        f"this file has another cluster named {name}; it was left as it is",
        why=why,
        next=f"if you no longer need it: kubectl config delete-cluster {name}; kubectl config "
        f"delete-context {name}; otherwise write another file with -o FILE",
        place=Place(str(path)),
    )


def _unwritable(path: Path, why: str) -> Finding:
    return Finding(Kind.LOCAL, "the kubeconfig cannot be written", why=why, place=Place(str(path)))
