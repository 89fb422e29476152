"""The runtime, the packages and the kubelet of every host."""

from __future__ import annotations

import re

from testinfra.host import Host

from kubeinstall.cluster.commands import KUBELET_LOG
from kubeinstall.documents import merged
from kubeinstall.files import kubelet as kubelet_files
from kubeinstall.inventory.model import Cluster, RuntimeName
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify.check import expect, up

_PACKAGES = ("kubelet", "kubeadm", "kubectl")
# Whichever package manager the host has: dpkg and apt, or rpm and dnf 4 or 5.
_INSTALLED = (
    "{ dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n' "
    f"{' '.join(_PACKAGES)};"
    f" rpm -q --qf '%{{NAME}} %{{VERSION}}-%{{RELEASE}} installed\\n' {' '.join(_PACKAGES)};"
    " } 2>/dev/null"
)
_HELD = (
    f"{{ dpkg-query -W -f '${{db:Status-Want}} ${{Package}}\\n' {' '.join(_PACKAGES)} |"
    " sed -n 's/^hold //p';"
    " sed -n 's/^\\([^!#].*\\)-[^-]*-[^-]*[.][*]$/\\1/p' /etc/dnf/plugins/versionlock.list;"
    " sed -n 's/^name *= *.\\(.*\\).$/\\1/p' /etc/dnf/versionlock.toml; } 2>/dev/null"
)

_ENABLED = ("enabled", "enabled-runtime", "static", "alias", "indirect", "generated")
"""The states of a unit's file of which ``systemctl is-enabled`` says yes."""


def runtime_runs(host: Host, _node: Node, cluster: Cluster) -> None:
    """The container runtime is running and starts at boot."""
    _service_runs(host, cluster.spec.runtime.name.value)


def cri_dockerd_runs(host: Host, _node: Node, cluster: Cluster) -> None:
    """cri-dockerd is running and answers, if the kubelet uses Docker through it."""
    if cluster.spec.runtime.name is not RuntimeName.DOCKER or cluster.release.dockershim:
        return
    _service_runs(host, "cri-docker.service")
    socket = host.run("ss -Hlx src /run/cri-dockerd.sock | grep -q .")
    expect(socket.rc == 0, "nothing listens on /run/cri-dockerd.sock", _CRI_LOG)


def kubelet_runs(host: Host, _node: Node, _cluster: Cluster) -> None:
    """The kubelet is running and starts at boot."""
    _service_runs(host, "kubelet")


def runtime_uses_systemd_cgroups(host: Host, _node: Node, cluster: Cluster) -> None:
    """The container runtime uses the systemd cgroup driver."""
    if cluster.spec.runtime.name is RuntimeName.DOCKER:
        driver = host.check_output("docker info -f '{{.CgroupDriver}}'")
        expect(driver == "systemd", f"Docker's cgroup driver is {driver}")
    else:
        found = host.run("containerd config dump | grep -q 'SystemdCgroup = true'")
        expect(found.rc == 0, "containerd's SystemdCgroup is not true")


def runtime_goes_through_the_proxy(host: Host, _node: Node, cluster: Cluster) -> None:
    """The container runtime uses the inventory's proxy, or none."""
    unit = cluster.spec.runtime.name.value
    files = host.check_output("systemctl show %s -p EnvironmentFiles", unit)
    reads = "/etc/kubeinstall/proxy.env" in files
    wanted = cluster.spec.proxy is not None
    words = "does not use" if wanted else "still uses"
    expect(reads is wanted, f"{unit} {words} a proxy", up("--from hosts"))


def kubelet_uses_systemd_cgroups(host: Host, _node: Node, _cluster: Cluster) -> None:
    """The kubelet uses the systemd cgroup driver."""
    config = host.check_output("cat /var/lib/kubelet/config.yaml")
    driver = re.search(r"^cgroupDriver: *\"?(\w+)", config, re.MULTILINE)
    expect(
        driver and driver[1] == "systemd",
        f"its cgroup driver is {driver[1] if driver else 'not set'}",
    )


def pods_can_ask_their_name_servers(host: Host, _node: Node, _cluster: Cluster) -> None:
    """The resolv.conf that pods get has no loopback address."""
    flags = host.run("tr '\\0' '\\n' < /proc/$(pidof -s kubelet)/cmdline").stdout
    config = host.run("cat /var/lib/kubelet/config.yaml").stdout
    told = re.search(r"^--resolv-conf=(\S+)", flags, re.MULTILINE)
    told = told or re.search(r"^resolvConf: *\"?([^\s\"]+)", config, re.MULTILINE)
    file = told[1] if told else "/etc/resolv.conf"
    servers = re.findall(r"^nameserver\s+(\S+)", host.run("cat %s", file).stdout, re.MULTILINE)
    local = [server for server in servers if server.startswith("127.") or server == "::1"]
    advice = "set kubelet.config {resolvConf: FILE} to a file with other servers"
    expect(not local, f"{file} contains {', '.join(local)}, which pods cannot reach", advice)


def kubelet_is_as_wanted(host: Host, node: Node, cluster: Cluster) -> None:
    """The kubelet has the inventory's runtime and settings."""
    found = kubelet_files.document(host.check_output("cat %s", kubelet_files.CONFIG))
    flags = kubelet_files.flags(host.check_output("cat %s", kubelet_files.FLAGS))
    socket = kubelet_files.socket_of(flags, found)
    runtime = kubelet_files.runtime_of(socket)
    wanted = cluster.spec.runtime.name
    expect(runtime is wanted, f"its runtime is {runtime or socket}, not {wanted}", up())
    fields = kubelet_files.document(kubelet_files.dumped(node.kubelet.fields))
    wrong = [name for name in fields if merged(found, fields)[name] != found.get(name)]
    args = {name: kubelet_files.flag_text(arg) for name, arg in node.kubelet.extra_args.items()}
    wrong += [f"--{name}" for name, value in args.items() if flags.get(name) != value]
    expect(not wrong, f"not as set in the inventory: {', '.join(wrong)}", up())


def packages_are_exact(host: Host, _node: Node, cluster: Cluster) -> None:
    """kubelet, kubeadm and kubectl have the inventory's version."""
    answer = host.run(_INSTALLED).stdout
    found = {p[0]: p[1] for p in map(str.split, answer.splitlines()) if p[2:] == ["installed"]}
    wrong = [
        f"{name} is {found.get(name, 'not installed')}"
        for name in _PACKAGES
        if found.get(name, "").partition("-")[0] != str(cluster.version)
    ]
    expect(not wrong, f"{'; '.join(wrong)}; expected {cluster.version}", up())


def packages_are_held(host: Host, _node: Node, _cluster: Cluster) -> None:
    """kubelet, kubeadm and kubectl are held at their version."""
    held = host.run(_HELD).stdout.split()
    loose = [name for name in _PACKAGES if name not in held]
    expect(not loose, f"not held: {', '.join(loose)}", up())


def kubelet_is_healthy(host: Host, _node: Node, _cluster: Cluster) -> None:
    """The kubelet reports that it is healthy, and listens on port 10250."""
    request = "exec 3<>/dev/tcp/127.0.0.1/10248 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3"
    answer = host.run("timeout 5 bash -c %s", f"{request} && cat <&3").stdout
    expect(
        " 200 " in answer.partition("\n")[0],
        "127.0.0.1:10248/healthz does not answer ok",
        KUBELET_LOG,
    )
    ports = host.check_output("ss -Htln 'sport = :10250'")
    expect(ports, "nothing listens on port 10250", KUBELET_LOG)


_CRI_LOG = "journalctl -u cri-docker.socket -u cri-docker.service -n 20"


def _service_runs(host: Host, name: str) -> None:
    shown = host.run("systemctl show %s -p ActiveState -p UnitFileState", name).stdout
    state = dict(line.partition("=")[::2] for line in shown.splitlines())
    running = state.get("ActiveState") in ("active", "reloading")
    expect(running, f"{name} is not running", f"journalctl -u {name} -n 20")
    enabled = state.get("UnitFileState") in _ENABLED
    expect(enabled, f"{name} does not start at boot", f"systemctl enable {name}")


CHECKS = (
    runtime_runs,
    cri_dockerd_runs,
    runtime_uses_systemd_cgroups,
    runtime_goes_through_the_proxy,
    packages_are_exact,
    packages_are_held,
    kubelet_runs,
    kubelet_uses_systemd_cgroups,
    kubelet_is_as_wanted,
    kubelet_is_healthy,
    pods_can_ask_their_name_servers,
)
