"""Recorded words of programs that failed, and the cause that is read from them."""

from __future__ import annotations

import pytest

from kubeinstall.diagnose.causes import CAUSES, find_cause
from kubeinstall.diagnose.diagnose import diagnose
from kubeinstall.diagnose.evidence import Evidence
from kubeinstall.findings import Finding, Kind

pytestmark = pytest.mark.unit

RECORDED = [
    (
        "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 811 (apt-get)",
        "process 811 (apt-get) is installing packages",
    ),
    (
        "E: Could not get lock /var/lib/apt/lists/lock - open (11: Resource is unavailable)",
        "another program is installing packages",
    ),
    (
        "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct it",
        "an earlier installation of packages was interrupted",
    ),
    (
        "W: GPG error: http://10.99.0.2/core:/stable:/v1.20/deb  InRelease: The following "
        "signatures couldn't be verified because the public key is not available: "
        "NO_PUBKEY 234654DA9A296436",
        "apt does not trust the package source: NO_PUBKEY 234654DA9A296436",
    ),
    (
        "Error: Failed to download metadata for repo 'kubernetes': repomd.xml GPG signature "
        "verification error: Bad GPG signature",
        "dnf does not trust the package source: "
        "repomd.xml GPG signature verification error: Bad GPG signature",
    ),
    (
        "Public key for kubelet-1.36.2-150500.1.1.x86_64.rpm is not installed\n"
        "Error: GPG check FAILED",
        "dnf does not trust the package source: "
        "Public key for kubelet-1.36.2-150500.1.1.x86_64.rpm is not installed",
    ),
    (
        "Error: Failed to download metadata for repo 'kubernetes': Cannot download repomd.xml: "
        "Cannot download repodata/repomd.xml: All mirrors were tried",
        "dnf cannot read the package source kubernetes: Cannot download repomd.xml: "
        "Cannot download repodata/repomd.xml: All mirrors were tried",
    ),
    (
        "Error: \n Problem: conflicting requests\n"
        "  - nothing provides conntrack needed by kubelet-1.36.2-150500.1.1.x86_64 from kubernetes",
        "no enabled package source has conntrack, which kubelet-1.36.2-150500.1.1.x86_64 needs",
    ),
    (
        "E: Version '1.36.9-*' for 'kubelet' was not found",
        "the package source has no kubelet 1.36.9-*",
    ),
    (
        "package kubelet 1.20.9-* is in none of this host's package sources; they have: 1.20.2-1.1",
        "the package sources do not have kubelet 1.20.9, only 1.20.2-1.1",
    ),
    (
        "the clock is not in sync after 8 s; chrony's sources:\n"
        "^? 10.84.0.99                    0   6     0     -     +0ns[   +0ns] +/-    0ns\n"
        "no time server answered: 10.84.0.99\nStratum         : 0",
        "none of the time servers answers chrony: 10.84.0.99",
    ),
    (
        "the clock is not in sync after 8 s; chrony's sources:\n"
        "it has no sources: the names of its servers cannot be resolved",
        "chrony cannot resolve the name of any of its time servers",
    ),
    (
        "the clock is not in sync after 60 s; chrony's sources:\n"
        "^x 192.0.2.7                     2   6   377    14    +31s[  +31s] +/-   12ms",
        "chrony has not synchronized with any of its time servers within 60 s",
    ),
    (
        "the clock is not in sync: chrony is not running (chrony.service is inactive)\n"
        "systemd did not start it: this host is not allowed to set its clock",
        "chrony is not running, because the host (a container?) is not allowed to set its clock",
    ),
    (
        "the clock is not in sync: chrony is not running (chrony.service is failed)",
        "chrony keeps exiting",
    ),
    (
        '[FATAL] plugin/loop: Loop (127.0.0.1:35530 -> :53) detected for zone "."',
        "CoreDNS forwards queries to itself: its node's resolv.conf has a loopback address",
    ),
    (
        "Failed to create sandbox for pod: open /run/systemd/resolve/resolv.conf: no such file or "
        "directory",
        "the kubelet is configured with /run/systemd/resolve/resolv.conf, which does not exist on "
        "this host",
    ),
    (
        "docker: Error: proxyconnect tcp: dial tcp 10.84.0.1:3128: connect: connection refused",
        "the proxy 10.84.0.1:3128 cannot be reached",
    ),
    (
        "Err:1 http://deb.example.org/debian bookworm InRelease\n"
        "  407  Proxy Authentication Required [IP: 10.84.0.1 3128]",
        "the proxy requires a login, or rejects",
    ),
    ("E: Unable to locate package kubeadm", "no configured package source has kubeadm"),
    (
        "Package 'kubelet' has no installation candidate",
        "no configured package source has kubelet",
    ),
    (
        "  Temporary failure resolving 'deb.example.org'",
        "the host cannot resolve deb.example.org",
    ),
    (
        "E: Failed to fetch http://10.99.0.2/dists/InRelease  Could not connect to 10.99.0.2:80",
        "the package source 10.99.0.2:80 cannot be reached",
    ),
    (
        "dpkg: error processing archive (--unpack): cannot copy: failed to write "
        "(No space left on device)",
        "a file system is full",
    ),
    (
        "F1121 server.go:269] failed to run Kubelet: misconfiguration: kubelet cgroup driver: "
        '"systemd" is different from docker cgroup driver: "cgroupfs"',
        "the kubelet's cgroup driver (systemd) is not the runtime's (cgroupfs)",
    ),
    (
        "[ERROR Swap]: running with swap on is not supported. Please disable swap",
        "swap is on, and the kubelet refuses to run with it",
    ),
    (
        "failed to run Kubelet: running with swap on is not supported, please disable swap! or set "
        "--fail-swap-on flag to false. /proc/swaps contained: [/dev/sda2]",
        "swap is on, and the kubelet refuses to run with it",
    ),
    (
        "[ERROR Port-10250]: Port 10250 is in use",
        "port 10250 is in use by another program",
    ),
    (
        "error execution phase preflight: couldn't validate the identity of the API Server: "
        'Get "https://10.99.0.11:6443/api/v1/namespaces": x509: certificate has expired '
        "or is not yet valid: current time 2026-11-21T03:00:00Z is before 2026-11-21T04:00:00Z",
        "the hosts' clocks differ, or a certificate has expired",
    ),
    (
        'couldn\'t validate the identity of the API Server: Get "https://10.99.0.11:6443": '
        "dial tcp 10.99.0.11:6443: connect: no route to host",
        "10.99.0.11:6443 cannot be reached from this host (no route to host): a firewall blocks "
        "it, or the address is wrong",
    ),
    (
        "error execution phase preflight: couldn't validate the identity of the API Server: "
        'Get "https://10.99.0.11:6443/api/v1/namespaces/kube-public/configmaps/cluster-info'
        '?timeout=10s": net/http: request canceled while waiting for connection '
        "(Client.Timeout exceeded while awaiting headers)",
        "10.99.0.11:6443 does not answer: a firewall drops the packets, or the address is wrong",
    ),
    (
        "The connection to the server 10.99.0.11:6443 was refused - did you specify the right host",
        "nothing listens on 10.99.0.11:6443: the API server is not running there",
    ),
    (
        'could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"',
        "the bootstrap token is no longer valid",
    ),
    (
        'a Node with name "w1" and status "Ready" already exists in the cluster. You must delete '
        "the existing Node or change the name of this new joining Node",
        "the cluster already has a Ready node named w1",
    ),
    (
        "validate service connection: CRI v1 image API is not implemented for endpoint: rpc error: "
        "code = Unimplemented desc = unknown service runtime.v1.ImageService",
        "containerd runs without its CRI plugin, or with a CRI version that the kubelet does not "
        "support",
    ),
    (
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon "
        "running?",
        "the container runtime is not running",
    ),
    (
        "Error response from daemon: Get https://10.99.0.2:5000/v2/: http: server gave HTTP "
        "response to HTTPS client",
        "the image registry 10.99.0.2:5000 uses plain HTTP, and the hosts expect TLS",
    ),
    (
        'Failed to pull image "10.99.0.2:5000/busybox": rpc error: code = Unknown desc = failed to '
        'do request: Head \\"https://10.99.0.2:5000/v2/busybox/manifests/1\\": http: server gave '
        "HTTP response to HTTPS client",
        "the image registry 10.99.0.2:5000 uses plain HTTP, and the hosts expect TLS",
    ),
    (
        "manifest for 10.99.0.2:5000/kube-apiserver:v1.20.9 not found: manifest unknown",
        "the registry has no image 10.99.0.2:5000/kube-apiserver:v1.20.9",
    ),
    (
        "Error: failed to parse kubelet flag: unknown flag: --pod-infra-container-image",
        "a program does not know the flag --pod-infra-container-image",
    ),
    (
        "[kubelet-check] It seems like the kubelet isn't running or healthy.",
        "the kubelet keeps exiting",
    ),
    (
        "kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is "
        "unsupported and will be removed",
        "the kubelet refuses cgroup v1 from Kubernetes 1.35 on",
    ),
    (
        'error: Internal error occurred: error sending request: Post "//[::]:33539/cri/exec/yKhAoQ'
        'Ix": http: server gave HTTP response to HTTPS client',
        "the kubelet expects TLS from cri-dockerd",
    ),
    (
        'Error response from daemon: Head "https://10.85.0.11:5443/v2/private/busybox/manifests/1"'
        ": no basic auth credentials",
        "the image registry 10.85.0.11:5443 requires a login",
    ),
    (
        'Error response from daemon: Get "https://10.85.0.11:5443/v2/": x509: certificate signed '
        "by unknown authority",
        "the hosts do not trust the CA of the image registry 10.85.0.11:5443",
    ),
    (
        "docker API version is older than 1.26.0",
        "cri-dockerd needs a newer Docker: at least API version 1.26.0",
    ),
    (
        "Error response from daemon: client version 1.40 is too old. Minimum supported API version "
        "is 1.44, please upgrade your client to a newer version",
        "this Docker no longer supports API version 1.40",
    ),
    (
        'desc = "transport: Error while dialing: dial unix /run/cri-dockerd.sock: connect: no such '
        'file or directory"',
        "cri-dockerd, which the kubelet needs to use Docker, is not running",
    ),
]


@pytest.mark.parametrize(("said", "why"), RECORDED)
def test_the_cause_is_read_from_what_was_said(said: str, why: str) -> None:
    found = find_cause(f"[init] some line before\n{said}\nsome line after")
    assert found is not None
    assert found.why.startswith(why)
    assert found.next
    assert "{" not in found.next.replace("{REGISTRY: {insecure: true}}", "")


def test_a_registry_without_tls_is_named_as_the_inventory_has_it() -> None:
    found = find_cause(
        'Get "https://r.lan:5000/v2/": http: server gave HTTP response to HTTPS client'
    )
    assert found is not None
    assert "set insecure of r.lan:5000 in cluster.runtime.registries to true" in found.next


def test_names_of_causes_are_unique() -> None:
    names = [cause.name for cause in CAUSES]
    assert len(set(names)) == len(names)


ETCD = "docker logs 0123456789ab;etcd;Exited (1) 3 seconds ago"
FAILED = Finding(Kind.OPERATION, "Initialize the control plane failed", ("cp1",), why="exit code 1")


def test_unknown_words_leave_the_finding_as_it_is() -> None:
    assert diagnose(FAILED, "something nobody has seen before") == FAILED


def test_the_commands_own_words_win_over_the_hosts() -> None:
    evidence = Evidence.parse("\036runtime\ndocker inactive\n")
    found = diagnose(FAILED, "[ERROR Port-6443]: Port 6443 is in use", evidence)
    assert "port 6443" in found.why
    assert found.next == "on cp1: ss -ltnp 'sport = :6443'"


def test_the_host_is_asked_where_the_command_says_nothing() -> None:
    evidence = Evidence.parse("\n\036runtime\ndocker inactive\n\n\036swap\n")
    assert diagnose(FAILED, "timed out waiting", evidence).why == (
        "the container runtime is not running"
    )


def test_behind_a_dead_cri_dockerd_may_be_a_dead_docker() -> None:
    said = "dial unix /run/cri-dockerd.sock: connect: connection refused"
    evidence = Evidence.parse("\036runtime\ndocker failed\ncri-docker failed\n")
    assert diagnose(FAILED, said, evidence).why == "the container runtime is not running"
    evidence = Evidence.parse("\036runtime\ndocker active\ncri-docker failed\n")
    assert diagnose(FAILED, said, evidence).why.startswith("cri-dockerd, which the kubelet needs")


def test_a_full_disk_is_seen() -> None:
    evidence = Evidence.parse(
        "\036disk\nFilesystem Size Used Avail Use% Mounted on\n/dev/sda1 10G 10G 0 100% /var\n"
    )
    assert diagnose(FAILED, "exit status 1", evidence).why == "/var is full"


def test_the_last_words_of_a_container_are_told() -> None:
    evidence = Evidence.parse(f"\036containers\n{ETCD}\n  member has already been bootstrapped\n")
    found = diagnose(FAILED, "timed out waiting for the condition", evidence)
    assert found.why == "etcd keeps exiting: member has already been bootstrapped"
    assert found.next == "on cp1: docker logs 0123456789ab"


REFUSED = "The connection to the server 10.0.0.10:6443 was refused - did you specify the right host"


def test_behind_a_symptom_the_host_tells_the_cause() -> None:
    evidence = Evidence.parse(f"\036containers\n{ETCD}\n  no space left on device\n")
    assert diagnose(FAILED, REFUSED, evidence).why == "a file system is full"


def test_of_a_symptom_without_a_known_cause_the_last_words_are_told() -> None:
    evidence = Evidence.parse(f"\036containers\n{ETCD}\n  member is unknown\n")
    found = diagnose(FAILED, REFUSED, evidence)
    assert found.why == "etcd keeps exiting: member is unknown"
    evidence = Evidence.parse('\036kubelet-log\nE1126 x.go:1] "Cannot" err="nobody knows"\n')
    found = diagnose(FAILED, REFUSED, evidence)
    assert found.why.startswith("nothing listens on 10.0.0.10:6443")
    assert found.why.endswith(
        'last log line on the host: E1126 x.go:1] "Cannot" err="nobody knows"'
    )
    assert diagnose(FAILED, REFUSED).why.startswith("nothing listens on 10.0.0.10:6443")


def test_a_root_comes_before_an_effect_wherever_its_row_is() -> None:
    found = find_cause(
        "dial unix /run/cri-dockerd.sock: connect: no such file\n[ERROR Foo]: foo is not there"
    )
    assert found is not None
    assert found.why == "kubeadm rejected the host: foo is not there (Foo)"
