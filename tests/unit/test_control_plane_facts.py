"""What of a control plane is there: its disk and its cluster, in the shell of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kubeinstall.facts.control_plane import (
    AUTHORITIES,
    FILES,
    STATIC_PODS,
    TRACES,
    ControlPlane,
    ControlPlaneState,
    Etcd,
    Part,
    in_use,
)
from kubeinstall.preflight.probe import Probe, control_plane, script
from tests.unit.certificates import certificate
from tests.unit.clusters import cluster
from tests.unit.operating import run, with_programs

pytestmark = pytest.mark.unit

PEM = certificate().public_bytes(Encoding.PEM).decode()  # ended on 2026-01-02
KUBELET_PEM = "/var/lib/kubelet/pki/kubelet-client-current.pem"
ARGUMENTS: dict[str, Any] = {"config": "/etc/kubernetes/kubeinstall/kubeadm.yaml", "node": "cp1"}
ADMIN = "current-context: kubernetes-admin@prod\n"


class Disk:
    """Folders of a control plane, and a kubectl that answers what it is told."""

    def __init__(self, top: Path) -> None:
        self._top = top
        for name in ("kubeadm", "kubectl", "systemctl", "sleep"):
            self.program(name, "exit 1")
        for folder in ("etc/kubernetes", "var/lib", "var/log/pods"):
            (top / folder).mkdir(parents=True)

    def program(self, name: str, body: str) -> None:
        (self._top / name).write_text(f"#!/bin/sh\n{body}\n")
        (self._top / name).chmod(0o755)

    def kubectl(self, *found: str, readyz: str = "ok", noted: str = "") -> None:
        """It has these objects, each as ``KIND NAME LABEL...``, as far as it is asked for them."""
        shown = "\n".join(
            f"*'\"{name}\"'*) echo '{kind}   {name}   {labels}' ;;\nesac; case $asked in"
            for kind, name, labels in (one.split(" ", 2) for one in found)
        )
        self.program(
            "kubectl",
            f"case $* in *readyz*) echo '{readyz}'; exit ;; *get*-f*-*) ;; *) exit 1 ;; esac\n"
            f"asked=$(cat)\ncase $asked in\n{shown}\n'') ;; esac\n{noted and f'echo {noted}'}",
        )

    def write(self, path: str, text: str = "x") -> None:
        file = self._top / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def remove(self, path: str) -> None:
        (self._top / path.lstrip("/")).unlink()

    def _here(self, text: str) -> str:
        for folder in ("/etc/kubernetes", "/var/lib/kubelet", "/var/lib/etcd", "/var/log/pods"):
            text = text.replace(folder, f"{self._top}{folder}")
        return with_programs(text, self._top)

    def _run(self, text: str) -> str:
        env = {"PATH": f"{self._top}:/usr/bin:/bin"}
        return run(self._here(text), env=env).replace(str(self._top), "")

    def state(self, **more: Any) -> ControlPlaneState:
        fact = ControlPlane()
        said = self._run(fact.command(**ARGUMENTS, kubelet_config="kubelet-config-1.20", **more))
        return fact.process(said.splitlines())

    def probe(self) -> Probe:
        say = 'say() { printf \'%s\\t%s\\n\' "$1" "$2"; }'
        return Probe.parse(self._run(f"{say}\n{control_plane()}"))

    def whole(self) -> None:
        """All that a control plane has; certificates that cannot end."""
        for path in (*AUTHORITIES, *(f for files in FILES.values() for f in files)):
            if not path.endswith(".crt"):
                self.write(path)
        for path in (*AUTHORITIES, *(f for files in FILES.values() for f in files)):
            if path.endswith(".crt"):
                self.write(path, PEM)
        self.write("/etc/kubernetes/admin.conf", ADMIN)
        self.write("/var/lib/etcd/member/snap/db", "bbolt")


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_an_empty_host(disk: Disk) -> None:
    state = disk.state()
    assert not (state.begun or state.established or state.answers or state.cluster)
    assert state.etcd is Etcd.EMPTY
    assert state.lacking == set(FILES)
    assert state.lost == AUTHORITIES
    assert not disk.probe().etcd_left


@pytest.mark.parametrize("part", FILES)
def test_each_file_that_lacks_or_is_empty_is_its_parts(disk: Disk, part: Part) -> None:
    disk.whole()
    disk.write(FILES[part][-1], "")
    assert disk.state().lacking == {part}
    disk.whole()
    disk.remove(FILES[part][0])
    assert disk.state().lacking == {part}


@pytest.mark.parametrize("path", AUTHORITIES)
def test_each_authority_that_lacks(disk: Disk, path: str) -> None:
    disk.whole()
    disk.remove(path)
    assert disk.state().lost == (path,)


def test_a_certificate_that_cannot_be_read_lacks(disk: Disk) -> None:
    disk.whole()
    for text in ("junk", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        disk.write(FILES[Part.API_SERVER_CERT][0], text)
        assert disk.state().lacking == {Part.API_SERVER_CERT}
    disk.write(AUTHORITIES[0], "junk")
    assert disk.state().lost == (AUTHORITIES[0],)


def test_certificates_that_have_ended(disk: Disk) -> None:
    """Those of kubeconfigs, and the kubelet's own, are parts' as well; the host's clock counts."""
    disk.whole()
    disk.write(KUBELET_PEM, PEM)
    disk.program("date", "echo 1767000000")  # before the certificates' end
    assert disk.state().expired == set()
    disk.program("date", "echo 1800000000")
    state = disk.state()
    assert {Part.API_SERVER_CERT, Part.ETCD_PEER_CERT, Part.KUBELET_CONF} <= state.expired
    assert state.authorities_ended == tuple(p for p in AUTHORITIES if p.endswith(".crt"))


@pytest.mark.parametrize("clock", ["", "nan", "inf", "-1", "1e999", "9" * 400, "now"])
def test_a_clock_that_says_nothing_ends_nothing(clock: str) -> None:
    lines = [f"now={clock}", "certificates", "file /etc/kubernetes/pki/ca.crt", *PEM.splitlines()]
    assert ControlPlane().process(lines).authorities_ended == ()


def test_what_tells_a_control_plane_that_has_been_up(disk: Disk) -> None:
    disk.whole()
    state = disk.state()
    assert (state.lacking, state.lost) == (frozenset(), ())
    assert (state.begun, state.etcd, state.established) == (True, Etcd.DATA, False)
    disk.write("/var/lib/etcd/member/wal/0.wal", "\0/r/configmaps/kube-system/kubeadm-config")
    assert disk.state().etcd is Etcd.REGISTERED
    assert disk.state().established
    disk.remove("/var/lib/etcd/member/wal/0.wal")
    disk.write(KUBELET_PEM, PEM)
    assert (disk.state().signed, disk.state().settled, disk.state().established) == (1, 0, 1)
    disk.write("/etc/kubernetes/kubelet.conf", f"client-certificate: {KUBELET_PEM}")
    assert disk.state().settled


def test_etcds_folder_is_where_its_manifest_says(disk: Disk) -> None:
    disk.whole()
    disk.write("/etc/kubernetes/manifests/etcd.yaml", "    - --data-dir=/nowhere/at/all\n")
    assert disk.state().etcd is Etcd.EMPTY


@pytest.mark.parametrize("trace", TRACES)
def test_etcds_data_are_left_over_only_where_nothing_else_is(disk: Disk, trace: str) -> None:
    """With anything of a cluster beside them nobody is told to remove them."""
    disk.write("/var/lib/etcd/lost+found/a")
    assert disk.probe().etcd_left
    disk.write(trace)
    assert not disk.probe().etcd_left


def test_the_first_control_plane_alone_is_asked_for_its_cluster() -> None:
    made = cluster(workers=1)
    assert control_plane() in script(made, made.first, [])
    assert control_plane() not in script(made, made.workers[0], [])


def test_files_that_are_no_data_of_etcds(disk: Disk) -> None:
    disk.write("/var/lib/etcd/lost+found/a")
    assert disk.state().etcd is Etcd.FILES


def test_the_addresses_in_use(disk: Disk) -> None:
    manifests = "/etc/kubernetes/manifests"
    disk.whole()
    disk.write(
        f"{manifests}/etcd.yaml",
        "    - --initial-advertise-peer-urls=https://10.0.0.10:2380\n"
        "    - --listen-peer-urls=https://0.0.0.0:2380\n",
    )
    disk.write(f"{manifests}/kube-apiserver.yaml", "    - --advertise-address=10.0.0.10\n")
    assert disk.state().addresses == ("10.0.0.10",)
    assert disk.probe().in_use == ("10.0.0.10",)
    member = '{"id":1,"peerURLs":["https://10.0.0.9:2380"],"name":"cp1"}'
    disk.write("/var/lib/etcd/member/snap/db", f"\0{member}\0")
    assert disk.state().members == (), "the manifest goes before the data"
    disk.remove(f"{manifests}/etcd.yaml")
    assert disk.state().members == ("10.0.0.9",)
    assert disk.probe().members == ("10.0.0.9",)


def test_what_is_no_address_is_none() -> None:
    lines = ["10.0.0.1", "member 10.0.0.2", "member [fd00::1]", "$(reboot)", "", "member x", "a b"]
    assert in_use(lines) == (("10.0.0.1",), ("10.0.0.2", "fd00::1"))


MADE = {
    Part.CONFIG: "ConfigMap kubeadm-config ",
    Part.KUBELET_CONFIG: "ConfigMap kubelet-config-1.20 ",
    Part.KUBE_PROXY: "DaemonSet kube-proxy k8s-app",
    Part.COREDNS: "Deployment coredns k8s-app",
    Part.BOOTSTRAP_TOKEN: "ConfigMap cluster-info ",
}
CONFIGURATION = "kind: ClusterConfiguration\napiServer: {extraArgs: {a: 'b c%+='}}\n"
MARKED = "Node cp1 a node-role.kubernetes.io/control-plane"


def test_what_a_cluster_that_answers_has(disk: Disk) -> None:
    disk.whole()
    disk.kubectl(*MADE.values(), MARKED, readyz="not asked")
    state = disk.state()
    assert (state.answers, state.objects, state.cluster) == (True, frozenset(), "prod")
    for part, one in MADE.items():
        disk.kubectl(*(other for other in MADE.values() if other != one), MARKED)
        assert disk.state().objects == {part}
    disk.kubectl(*MADE.values(), "Node cp1 a")
    assert disk.state().objects == {Part.MARK}
    disk.kubectl(*MADE.values(), "Node cp1 node-role.kubernetes.io/master")
    assert disk.state().objects == set()
    disk.kubectl(*MADE.values(), noted=f"configuration {quote_plus(CONFIGURATION)}")
    assert disk.state().configuration == CONFIGURATION
    # A node that is not there is not marked by kubeadm, either.
    disk.kubectl(*MADE.values())
    assert disk.state().objects == set()


def test_what_lacks_may_only_lack_yet_where_the_api_server_is_not_ready(disk: Disk) -> None:
    disk.whole()
    less = [one for part, one in MADE.items() if part is not Part.COREDNS]
    disk.kubectl(*less, MARKED, readyz="[-]etcd failed")
    assert (disk.state().answers, disk.state().why) == (False, "[-]etcd failed")
    state = disk.state(skip_phases=("addon/coredns",))
    assert state.answers
    assert state.objects == {Part.COREDNS}


@pytest.mark.parametrize("readyz", ["", "not ok", "[-]etcd failed"])
def test_of_one_that_does_not_answer_nothing_is_said_to_lack(disk: Disk, readyz: str) -> None:
    disk.whole()
    disk.kubectl(readyz=readyz)
    pods = "/var/log/pods/kube-system_kube-apiserver-cp1_1/kube-apiserver/2.log"
    disk.write(pods, '{"log":"Error: unknown flag: --frobnicate\\n","stream":"stderr"}\n')
    state = disk.state()
    assert (state.answers, state.objects) == (False, frozenset())
    assert state.why.startswith("kube-apiserver: Error: unknown flag: --frobnicate")
    disk.write(pods, "2026-11-26T21:00:00Z stderr F cannot bind\n")
    assert disk.state().why.startswith("kube-apiserver: cannot bind")


def test_an_answer_that_breaks_off_is_none(disk: Disk) -> None:
    """Ready, but it refuses to tell what it has: nothing lacks, and nothing is put back."""
    disk.whole()
    disk.program("kubectl", "case $* in *readyz*) echo ok ;; *) echo Forbidden >&2; exit 1 ;; esac")
    state = disk.state()
    assert (state.answers, state.objects, state.why) == (False, frozenset(), "Forbidden")


@pytest.mark.parametrize(
    "lines",
    [
        ["etcd=everything", "file=/etc/shadow", "cluster=$(reboot)", "begun", "=", "\x00"],
        ["certificates", "file x", "certificates"],
        [json.dumps({"a": 1})],
    ],
)
def test_junk_is_nothing(lines: list[str]) -> None:
    state = ControlPlane().process(lines)
    assert not (state.begun or state.established or state.answers)
    assert state.lacking == set(FILES)


def test_each_static_pod_has_a_manifest() -> None:
    found: dict[str, Any] = {name: FILES[part] for part, name in STATIC_PODS.items()}
    assert found == {n: (f"/etc/kubernetes/manifests/{n}.yaml",) for n in STATIC_PODS.values()}
