"""How far ``kubeadm init`` came on a host, and what of it is there: by its disk, then the cluster.

Phases of ``kubeadm init`` in their order: kubelet-start, certs, kubeconfig, control-plane, etcd,
wait-control-plane, upload-config, mark-control-plane, bootstrap-token, kubelet-finalize, addon
(cmd/kubeadm/app/cmd/init.go; newer versions have kubelet-start and etcd at other places, all of
them before wait-control-plane).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote_plus

from pyinfra.api.facts import FactBase

from kubeinstall.certificates import CERTIFICATES, expiries
from kubeinstall.facts.kubeadm import ADMIN
from kubeinstall.facts.kubectl import Timeout, kubectl
from kubeinstall.facts.values import ip, seconds
from kubeinstall.resources import script

PKI = "/etc/kubernetes/pki"
MANIFESTS = "/etc/kubernetes/manifests"
KUBELET_CERTIFICATE = "/var/lib/kubelet/pki/kubelet-client-current.pem"


class Part(StrEnum):
    """Something that ``kubeadm init`` makes; its value is the phase, as that is called by name."""

    ETCD_SERVER_CERT = "certs etcd-server"
    ETCD_PEER_CERT = "certs etcd-peer"
    ETCD_HEALTHCHECK_CERT = "certs etcd-healthcheck-client"
    ETCD_CLIENT_CERT = "certs apiserver-etcd-client"
    API_SERVER_CERT = "certs apiserver"
    KUBELET_CLIENT_CERT = "certs apiserver-kubelet-client"
    FRONT_PROXY_CERT = "certs front-proxy-client"
    ADMIN_CONF = "kubeconfig admin"
    KUBELET_CONF = "kubeconfig kubelet"
    CONTROLLER_MANAGER_CONF = "kubeconfig controller-manager"
    SCHEDULER_CONF = "kubeconfig scheduler"
    KUBELET = "kubelet-start"
    ETCD = "etcd local"
    API_SERVER = "control-plane apiserver"
    CONTROLLER_MANAGER = "control-plane controller-manager"
    SCHEDULER = "control-plane scheduler"
    CONFIG = "upload-config kubeadm"
    KUBELET_CONFIG = "upload-config kubelet"
    MARK = "mark-control-plane"
    BOOTSTRAP_TOKEN = "bootstrap-token"
    KUBE_PROXY = "addon kube-proxy"
    COREDNS = "addon coredns"


def _pair(name: str) -> tuple[str, str]:
    return f"{PKI}/{name}.crt", f"{PKI}/{name}.key"


FILES: Mapping[Part, tuple[str, ...]] = {
    Part.ETCD_SERVER_CERT: _pair("etcd/server"),
    Part.ETCD_PEER_CERT: _pair("etcd/peer"),
    Part.ETCD_HEALTHCHECK_CERT: _pair("etcd/healthcheck-client"),
    Part.ETCD_CLIENT_CERT: _pair("apiserver-etcd-client"),
    Part.API_SERVER_CERT: _pair("apiserver"),
    Part.KUBELET_CLIENT_CERT: _pair("apiserver-kubelet-client"),
    Part.FRONT_PROXY_CERT: _pair("front-proxy-client"),
    Part.ADMIN_CONF: (ADMIN,),
    Part.KUBELET_CONF: ("/etc/kubernetes/kubelet.conf",),
    Part.CONTROLLER_MANAGER_CONF: ("/etc/kubernetes/controller-manager.conf",),
    Part.SCHEDULER_CONF: ("/etc/kubernetes/scheduler.conf",),
    Part.KUBELET: ("/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env"),
    Part.ETCD: (f"{MANIFESTS}/etcd.yaml",),
    Part.API_SERVER: (f"{MANIFESTS}/kube-apiserver.yaml",),
    Part.CONTROLLER_MANAGER: (f"{MANIFESTS}/kube-controller-manager.yaml",),
    Part.SCHEDULER: (f"{MANIFESTS}/kube-scheduler.yaml",),
}
"""The files of each part that is on the disk; a part lacks when one of them does, or is empty."""
STATIC_PODS: Mapping[Part, str] = {
    Part.ETCD: "etcd",
    Part.API_SERVER: "kube-apiserver",
    Part.CONTROLLER_MANAGER: "kube-controller-manager",
    Part.SCHEDULER: "kube-scheduler",
}
"""The static pods' manifests, and the name of their program, container and pod."""
AUTHORITIES: tuple[str, ...] = (
    *_pair("ca"),
    *_pair("front-proxy-ca"),
    f"{PKI}/sa.key",
    f"{PKI}/sa.pub",
    *_pair("etcd/ca"),
)
"""What all else is signed with: another one in its place is another cluster."""


def ours(parts: Collection[Part], skip_phases: Collection[str]) -> tuple[Part, ...]:
    """Those that init is to make, in its order."""
    skipped = set(skip_phases)
    return tuple(
        part
        for part in Part
        if part in parts and not skipped & {part.value.replace(" ", "/"), part.value.split()[0]}
    )


TRACES: tuple[str, ...] = (
    *(file for files in FILES.values() for file in files),
    *AUTHORITIES,
    KUBELET_CERTIFICATE,
)
"""With one of these on a host, data of etcd may be those of a cluster that lives."""


class Etcd(StrEnum):
    """What is in etcd's folder."""

    EMPTY = "empty"
    FILES = "files"
    """Something that is no data of etcd's."""
    DATA = "data"
    REGISTERED = "registered"
    """Data, and kubeadm has noted its configuration there: the API server has been up."""


@dataclass(frozen=True)
class ControlPlaneState:
    """How far ``kubeadm init`` came, and what of it is there.

    Args:
        begun: the administrator's kubeconfig, or the manifest of a static pod, is there.
        kubelet_conf: the kubelet has a kubeconfig.
        settled: the cluster has signed the kubelet a certificate, and init has gone on to give it
            that: the API server and the controller manager have been up.
        signed: the cluster has signed the kubelet a certificate, whatever init did then.
        etcd: what is in etcd's folder.
        lacking: parts on the disk that are not there.
        expired: parts whose certificate has ended.
        lost: files of ``AUTHORITIES`` that are not there.
        authorities_ended: those of them that are certificates and have ended.
        addresses: that etcd and the API server go by, as their manifests say.
        members: that etcd's members go by, as its data say; only where its manifest lacks.
        kubelet_active: the kubelet's service is active, or on its way.
        answers: the API server has answered all that was asked; where something lacks it is ready.
        why: what it, or its pod, said instead.
        objects: parts in the cluster that are not there; known only from one that answers.
        configuration: kubeadm's ClusterConfiguration, as YAML; empty: the cluster has none, or does
            not answer.
        cluster: the cluster's name by the kubeconfigs; empty without one.
        config_sha256: digest of the configuration that an init began with; empty without one.
    """

    begun: bool = False
    kubelet_conf: bool = False
    settled: bool = False
    signed: bool = False
    etcd: Etcd = Etcd.EMPTY
    lacking: frozenset[Part] = frozenset()
    expired: frozenset[Part] = frozenset()
    lost: tuple[str, ...] = ()
    authorities_ended: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    kubelet_active: bool = False
    answers: bool = False
    why: str = ""
    objects: frozenset[Part] = frozenset()
    configuration: str = ""
    cluster: str = ""
    config_sha256: str = ""

    @property
    def established(self) -> bool:
        """Whether a control plane has been up here: nothing runs ``kubeadm init`` there again.

        Only with an API server and a controller manager at work does a kubelet get its own
        certificate, and only through the API server does kubeadm's note get into etcd. What
        users have made since is in etcd's data.
        """
        data = self.etcd in (Etcd.DATA, Etcd.REGISTERED)
        return self.etcd is Etcd.REGISTERED or (data and (self.signed or self.settled))


class ControlPlane(FactBase[ControlPlaneState]):
    """How far init came on this host: by its disk, and where that answers by the cluster.

    Args:
        config: path of the configuration that kubeinstall gives init.
        node: the name of the host's node.
        kubelet_config: the ConfigMap with the configuration of all kubelets.
        skip_phases: those that init leaves out.
    """

    @staticmethod
    def default() -> ControlPlaneState:
        return ControlPlaneState()

    def command(
        self, config: str, node: str, kubelet_config: str, skip_phases: tuple[str, ...] = ()
    ) -> str:
        names = {part: one.name for part, one in _OBJECTS.items()}
        names[Part.KUBELET_CONFIG] = kubelet_config
        objects = [one.document(names[part]) for part, one in _OBJECTS.items()]
        objects.append(_Object("Node").document(node))
        question = script(
            "control_plane/state",
            files=" ".join([*AUTHORITIES, *(f for files in FILES.values() for f in files)]),
            manifests=" ".join(FILES[part][0] for part in STATIC_PODS),
            config=config,
            objects=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
            shown=_SHOWN,
            made=" ".join(f"{_OBJECTS[p].kind}/{names[p]}" for p in ours(_OBJECTS, skip_phases)),
            kubectl=kubectl(Timeout.POLL),
        )
        functions = [script("control_plane/addresses"), script("control_plane/last_words")]
        return "\n".join([*functions, question, CERTIFICATES])

    def process(self, output: list[str]) -> ControlPlaneState:
        lines, pems = output, ""
        if "certificates" in output:
            at = output.index("certificates")
            lines, pems = output[:at], "\n".join(output[at + 1 :])
        found: dict[str, list[str]] = {}
        for line in lines:
            key, separator, value = line.partition("=")
            if separator:
                found.setdefault(key, []).append(value.strip())
        there = set(found.get("file", ()))
        ended, broken = _judged(pems, found.get("now", ["0"])[0])
        there -= broken
        answers = "answers" in found
        addresses, members = in_use(found.get("address", ()))
        return ControlPlaneState(
            begun="begun" in found,
            kubelet_conf=FILES[Part.KUBELET_CONF][0] in there,
            settled="settled" in found,
            signed="signed" in found,
            etcd=_etcd(found.get("etcd", ())),
            lacking=frozenset(p for p, files in FILES.items() if not there >= set(files)),
            expired=_expired(ended),
            lost=tuple(path for path in AUTHORITIES if path not in there),
            authorities_ended=tuple(path for path in AUTHORITIES if path in ended),
            addresses=addresses,
            members=members,
            kubelet_active="active" in found,
            answers=answers,
            why="; ".join([*found.get("words", ()), *found.get("why", ())]),
            objects=(
                _absent(found.get("object", ()), "unmarked" in found) if answers else frozenset()
            ),
            configuration=unquote_plus(found.get("configuration", [""])[0]) if answers else "",
            cluster=found.get("cluster", [""])[0],
            config_sha256=found.get("config", [""])[0],
        )


# One line for each object: kind, name and the names of its labels; and one for the configuration.
_SHOWN = (
    '{{define "one"}}{{.kind}} {{.metadata.name}}'
    '{{range $name, $value := .metadata.labels}} {{$name}}{{end}}{{"\\n"}}'
    "{{with .data}}{{with .ClusterConfiguration}}"
    'configuration {{urlquery .}}{{"\\n"}}{{end}}{{end}}{{end}}'
    '{{if .items}}{{range .items}}{{template "one" .}}{{end}}{{else}}{{template "one" .}}{{end}}'
)


@dataclass(frozen=True)
class _Object:
    """An object of the cluster."""

    kind: str
    name: str = ""
    namespace: str = "kube-system"

    def document(self, name: str) -> dict[str, Any]:
        """As kubectl is asked for it."""
        version = "v1" if self.kind in ("ConfigMap", "Node") else "apps/v1"
        metadata = {"name": name}
        if self.kind != "Node":
            metadata["namespace"] = self.namespace
        return {"apiVersion": version, "kind": self.kind, "metadata": metadata}


_OBJECTS: Mapping[Part, _Object] = {
    Part.CONFIG: _Object("ConfigMap", "kubeadm-config"),
    Part.KUBELET_CONFIG: _Object("ConfigMap", "kubelet-config"),
    Part.BOOTSTRAP_TOKEN: _Object("ConfigMap", "cluster-info", "kube-public"),
    Part.KUBE_PROXY: _Object("DaemonSet", "kube-proxy"),
    Part.COREDNS: _Object("Deployment", "coredns"),
}
"""What each part has in the cluster; the kubelets' ConfigMap had the minor in its name once."""


def _absent(made: Collection[str], unmarked: bool) -> frozenset[Part]:
    absent = {
        part
        for part, one in _OBJECTS.items()
        if not any(name.startswith(f"{one.kind}/{one.name}") for name in made)
    }
    return frozenset(absent | {Part.MARK} if unmarked else absent)


def in_use(lines: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the shell's ``addresses`` prints: the manifests' addresses, and those of etcd's data.

    What is no address is left out.
    """
    manifests: dict[str, None] = {}
    members: dict[str, None] = {}
    for line in lines:
        kind, _, value = line.rpartition(" ")
        try:
            address = str(ip(value.strip().strip("[]")))
        except ValueError:
            continue
        (members if kind == "member" else manifests)[address] = None
    return tuple(manifests), tuple(members)


def _judged(pems: str, clock: str) -> tuple[set[str], set[str]]:
    """Files whose certificate has ended, and those that hold none that can be read.

    Args:
        clock: the host's, seconds since 1970; without one nothing has ended.
    """
    try:
        now = seconds(clock)
    except ValueError:
        now = 0.0
    ended: set[str] = set()
    broken: set[str] = set()
    for part in f"\n{pems}".split("\nfile ")[1:]:
        path = part.partition("\n")[0]
        try:
            ends = [end for _, _, end in expiries(f"file {part}")]
        except ValueError:
            ends = []
        if not ends:
            broken.add(path)
        elif min(ends).timestamp() < now:
            ended.add(path)
    return ended, broken


def _etcd(lines: Sequence[str]) -> Etcd:
    known = [Etcd(line) for line in lines if line in set(Etcd)]
    return known[-1] if known else Etcd.EMPTY


def _expired(ended: set[str]) -> frozenset[Part]:
    found = {part for part, files in FILES.items() if ended & set(files)}
    return frozenset(found | ({Part.KUBELET_CONF} if KUBELET_CERTIFICATE in ended else set()))
