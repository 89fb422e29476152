"""A lab on this machine: up, used, broken, up again, and gone without a trace."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubeinstall.inventory.model import CgroupMode
from kubeinstall.lab import cgroups
from kubeinstall.lab.plan import LabHost, Purpose
from tests.labs import Lab, running
from tests.running import REPO, kubeinstall
from tests.waiting import until

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]

BASTION = "10.89.21.3"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    inventory = tmp_path_factory.mktemp("lab") / "lab.yaml"
    users = {"deploy": "sudo", "ops": "sudo-password"}
    settings = {"users": users, "bastion": BASTION}
    with running(Lab("test-lab", "10.89.21", inventory, workers=1, settings=settings)) as lab:
        yield lab


def footprint(lab: Lab) -> dict[str, list[str]]:
    """What of this lab is to be seen on the machine, by kind."""
    words = {lab.name, lab.network}

    def ours(text: str) -> list[str]:
        return [line for line in text.splitlines() if any(word in line for word in words)]

    def out(*argv: str) -> str:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    cgroup = [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/kubeinstall.{lab.name}.*")]
    return {
        "mounts": ours(Path("/proc/self/mounts").read_text()),
        "processes": ours(out("ps", "-wweo", "args")),
        "addresses": ours(out("ip", "-o", "address")),
        "routes": ours(out("ip", "route")),
        "rules": ours(out("iptables-save")),
        "cgroups": cgroup,
        "state": [str(lab.state)] if lab.state.exists() else [],
    }


STARTED = "sed 's/.*) //' /proc/1/stat | cut -d' ' -f20"


def started(lab: Lab, host: str) -> str:
    """When the host's PID 1 started."""
    return lab.sh(host, STARTED)


def wait_until(lab: Lab, host: str, running: bool) -> None:
    def reached() -> bool:
        now = lab.status()[host]
        return (now["running"], now["ssh"]) == (running, running)

    until(reached, 180)


def test_hosts_are_what_the_inventory_says(lab: Lab) -> None:
    hosts = lab.status()
    assert {name: host["address"] for name, host in hosts.items()} == {
        "cp1": "10.89.21.11",
        "w1": "10.89.21.12",
        "bastion": BASTION,
    }
    assert all(host["running"] and host["ssh"] for host in hosts.values())
    assert [lab.sh(name, "hostname") for name in hosts] == list(hosts)
    identities = [
        lab.sh(name, "cat /etc/machine-id /sys/class/net/host0/address") for name in hosts
    ]
    assert len(set(identities)) == len(hosts)
    assert lab.sh("cp1", "systemctl is-system-running --wait") == "running"


def test_hosts_reach_each_other_and_a_name_server(lab: Lab) -> None:
    assert "1 received" in lab.sh("cp1", f"ping -c 1 -W 3 {lab.address('w1')}")
    assert lab.sh("cp1", "apt-get update -qq 2>&1") == ""


@pytest.mark.parametrize("host", ["cp1", "w1"])
def test_root_logs_in_with_the_key_and_a_known_host(lab: Lab, host: str) -> None:
    assert lab.ssh(f"root@{lab.address(host)}", "hostname").stdout.strip() == host


def test_users_and_their_sudo(lab: Lab) -> None:
    at = lab.address("w1")
    assert lab.ssh(f"deploy@{at}", "sudo -n id -un").stdout.strip() == "root"
    assert lab.ssh(f"ops@{at}", "sudo -n id -un").returncode != 0
    password = (lab.state / "password").read_text().strip()
    assert stat.S_IMODE((lab.state / "password").stat().st_mode) == 0o600
    assert len(password) >= 20
    became = lab.ssh(f"ops@{at}", f"echo {password} | sudo -S -p '' id -un")
    assert became.stdout.strip() == "root"


@pytest.mark.parametrize("user", ["root", "ops"])
def test_no_login_takes_a_password(lab: Lab, user: str) -> None:
    options = ["-F", "none", "-o", "PubkeyAuthentication=no", "-o", "BatchMode=yes"]
    known = f"UserKnownHostsFile={lab.state}/known_hosts"
    for host in (lab.address("w1"), BASTION):
        ran = subprocess.run(
            ["ssh", *options, "-o", known, f"{user}@{host}", "true"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 255
        assert "Permission denied (publickey)" in ran.stderr


@pytest.fixture
def outside() -> Iterator[list[str]]:
    """Another machine on the network of this one, which it knows as the way to the lab.

    Returns:
        the words before a command that is run there.
    """
    far = "ki-outside"
    inside = ["ip", "netns", "exec", far]
    subprocess.run(["ip", "netns", "add", far], check=True)
    try:
        for command in (
            f"ip link add {far} type veth peer name eth0 netns {far}",
            f"ip address add 10.89.29.1/24 dev {far}",
            f"ip link set {far} up",
            f"ip -n {far} link set lo up",
            f"ip -n {far} link set eth0 up",
            f"ip -n {far} address add 10.89.29.2/24 dev eth0",
            f"ip -n {far} route add 10.89.21.0/24 via 10.89.29.1",
        ):
            subprocess.run(command.split(), check=True)
        yield inside
    finally:
        subprocess.run(["ip", "link", "delete", far], check=False)
        subprocess.run(["ip", "netns", "delete", far], check=True)


def test_only_this_machine_reaches_the_hosts_and_they_reach_out(
    lab: Lab, outside: list[str]
) -> None:
    connect = "timeout 5 bash -c '</dev/tcp/{}/{}' && echo yes || echo no"
    program = "import socket; s = socket.create_server(('', 80)); print(flush=True); s.accept()"
    words = [*outside, sys.executable, "-c", program]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as serving:
        try:
            assert serving.stdout
            assert serving.stdout.readline() == b"\n"
            assert lab.sh("cp1", connect.format("10.89.29.2", 80)) == "yes"
            for host in (lab.address("cp1"), BASTION):
                tried = ["bash", "-c", connect.format(host, 22)]
                ran = subprocess.run([*outside, *tried], capture_output=True, text=True, check=True)
                assert ran.stdout.strip() == "no"
                here = subprocess.run(tried, capture_output=True, text=True, check=True)
                assert here.stdout.strip() == "yes"
        finally:
            serving.kill()


def test_rules_of_an_earlier_form_are_replaced(lab: Lab) -> None:
    def rules() -> list[str]:
        said = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True)
        return [line for line in said.stdout.splitlines() if "kubeinstall-lab:test-lab" in line]

    before = rules()
    mark = ["-m", "comment", "--comment", "kubeinstall-lab:test-lab"]
    bridge = next(line.split()[3] for line in before if " -i " in line)
    old = ["FORWARD", "-o", bridge, *mark, "-j", "ACCEPT"]
    subprocess.run(["iptables", "-w", "-I", *old], check=True)
    lab.run("up").ok()
    assert rules() == before


def test_through_the_bastion(lab: Lab) -> None:
    hop = (
        f"ssh -F none -i {lab.state}/id_ed25519 -o UserKnownHostsFile={lab.state}/known_hosts "
        f"-o BatchMode=yes -W %h:%p deploy@{BASTION}"
    )
    ran = lab.ssh(f"root@{lab.address('cp1')}", "echo $SSH_CONNECTION", "-o", f"ProxyCommand={hop}")
    assert ran.stdout.split()[0] == BASTION


def test_up_twice_is_up_once(lab: Lab) -> None:
    before = {host: started(lab, host) for host in lab.status()}
    assert "0 of them started now" in lab.run("up").ok().text
    assert {host: started(lab, host) for host in before} == before


def test_exec_gives_back_the_exit_code(lab: Lab) -> None:
    assert lab.run("exec", "cp1", "--", "sh", "-c", "exit 7").code == 7
    assert lab.run("ssh", "cp1", "--", "exit", "7").code == 7


def test_no_such_host(lab: Lab) -> None:
    ran = lab.run("exec", "w9", "--", "true")
    assert ran.code == 17
    assert "cp1, w1, bastion" in ran.text


def test_a_host_reboots_and_keeps_its_disk(lab: Lab) -> None:
    before = started(lab, "w1")
    lab.sh("w1", "echo kept > /root/kept; echo too > /var/lib/kubelet/kept; systemctl reboot")

    def again() -> bool:
        # Between two questions it may be gone.
        ran = lab.run("exec", "w1", "--", "sh", "-c", STARTED)
        return ran.code == 0 and ran.text.strip() not in ("", before)

    until(again, 180)
    assert lab.sh("w1", "cat /root/kept /var/lib/kubelet/kept").split() == ["kept", "too"]
    # Its message bus may not be there yet.
    until(
        lambda: lab.run("exec", "w1", "--", "systemctl", "is-system-running").text == "running\n",
        180,
    )


def test_a_host_that_is_off_comes_up_again(lab: Lab) -> None:
    lab.sh("w1", "echo kept > /root/kept; systemctl poweroff")
    wait_until(lab, "w1", running=False)
    assert lab.run("status").code == 1
    before = started(lab, "cp1")
    assert "1 of them started now" in lab.run("up").ok().text
    assert lab.sh("w1", "cat /root/kept") == "kept"
    assert started(lab, "cp1") == before


def test_killed_nspawn_leaves_no_second_host(lab: Lab) -> None:
    """nspawn's PID 1 outlives it: it must be gone before the host is started again."""
    pids = subprocess.run(
        ["pgrep", "-f", f"^systemd-nspawn .*{lab.name}/hosts/w1/"], capture_output=True, text=True
    ).stdout.split()
    assert len(pids) == 1
    os.kill(int(pids[0]), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while lab.status()["w1"]["running"]:
        assert time.monotonic() < deadline
    assert "1 of them started now" in lab.run("up").ok().text
    inits = [line for line in cgroup_processes(lab, "w1") if re.search(r"/systemd$", line)]
    assert len(inits) == 1, inits
    assert lab.status()["w1"]["ssh"]


def cgroup_processes(lab: Lab, host: str) -> list[str]:
    """The programs that run in a host's cgroup."""
    pids = {
        pid
        for path in Path("/sys/fs/cgroup").glob(f"**/kubeinstall.{lab.name}.{host}/**/cgroup.procs")
        for pid in path.read_text().split()
    }
    found = [Path(f"/proc/{pid}/exe") for pid in pids]
    return [str(path.readlink()) for path in found if path.is_symlink()]


def test_a_changed_inventory_is_told_and_nothing_lost(lab: Lab) -> None:
    lab.write(users={"deploy": "sudo"})
    try:
        ran = lab.run("up")
    finally:
        lab.write()
    assert ran.code == 17
    assert "users" in ran.text
    assert "lab down" in ran.text
    assert all(host["running"] for host in lab.status().values())


def test_a_taken_subnet_is_told(lab: Lab, tmp_path: Path) -> None:
    other = Lab("test-lab-other", lab.network, tmp_path / "other.yaml")
    other.write()
    try:
        ran = other.run("up")
    finally:
        other.run("down").ok()
    assert ran.code == 17
    assert lab.network in ran.text
    assert all(host["running"] for host in lab.status().values())


def test_runc_wrapper_takes_out_what_the_machine_cannot_give(lab: Lab) -> None:
    """With CAP_SYS_RESOURCE the bundle stays as it is; without, no container asks for it."""
    lab.sh(
        "cp1",
        "mkdir -p /tmp/bundle /tmp/bin; printf '#!/bin/sh\\necho runc \"$@\"' > /tmp/bin/runc;"
        "chmod +x /tmp/bin/runc",
    )
    spec = '{"caps":["CAP_KILL","CAP_SYS_RESOURCE"],"oomScoreAdj":-998,"args":["-1"]}'
    stripped = '{"caps":["CAP_KILL"],"oomScoreAdj":0,"args":["-1"]}'
    for drop, wanted in (("", None), ("setpriv --bounding-set -sys_resource", stripped)):
        answer = lab.sh(
            "cp1",
            f"echo '{spec}' > /tmp/bundle/config.json;"
            f"PATH=/tmp/bin:$PATH {drop} lab-runc --root /r create --bundle /tmp/bundle c1;"
            "cat /tmp/bundle/config.json; sed -n 's/^CapBnd:.//p' /proc/self/status",
        ).splitlines()
        assert answer[0] == "runc --root /r create --bundle /tmp/bundle c1"
        has = int(answer[2], 16) >> 24 & 1
        assert answer[1] == (wanted or (spec if has else stripped))


def test_a_lab_of_cgroup_v1(tmp_path: Path) -> None:
    if not cgroups.layout().v1:
        pytest.skip("this machine has no cgroup v1")
    settings = {"cgroup": "v1"}
    with running(Lab("test-v1", "10.89.22", tmp_path / "v1.yaml", settings=settings)) as lab:
        kinds = lab.sh("cp1", "awk '$3 ~ /^cgroup/ {print $3, $4}' /proc/mounts")
        assert "cgroup2" not in kinds
        assert re.search(r"^cgroup rw\S*,memory$", kinds, re.MULTILINE), "and it can be written"
        assert lab.status()["cp1"]["cgroup"] == "v1"


def test_cgroups_that_the_machine_does_not_have(tmp_path: Path) -> None:
    found = cgroups.layout().mode
    wanted = CgroupMode.V1 if found is CgroupMode.V2 else CgroupMode.V2
    lab = Lab("test-no", "10.89.23", tmp_path / "no.yaml", settings={"cgroup": str(wanted)})
    lab.write()
    ran = lab.run("up")
    assert ran.code == 17
    assert str(wanted) in ran.text
    assert not any(footprint(lab).values())


@pytest.mark.parametrize("after", [0.3, 0.8, 1.5, 3.0])
def test_up_that_was_killed_goes_away_and_comes_up(tmp_path: Path, after: float) -> None:
    lab = Lab("test-killed", "10.89.24", tmp_path / "killed.yaml", workers=1)
    lab.write()
    argv = [sys.executable, "-m", "kubeinstall", "lab", "up", "-i", str(lab.inventory)]
    try:
        for finish in ("up", "down"):
            first = subprocess.Popen(argv, cwd=REPO, stdout=subprocess.DEVNULL)
            time.sleep(after)
            first.kill()
            first.wait()
            lab.run(finish).ok()
            if finish == "up":
                assert all(host["ssh"] for host in lab.status().values())
                lab.run("down").ok()
    finally:
        lab.run("down").ok()
    assert not any(footprint(lab).values())


def test_down_leaves_nothing(tmp_path: Path) -> None:
    settings = {"users": {"deploy": "sudo"}, "bastion": "10.89.25.3"}
    lab = Lab("test-down", "10.89.25", tmp_path / "down.yaml", workers=1, settings=settings)
    with running(lab):
        seen = footprint(lab)
        assert all(seen.values()), f"the test sees what there is: {seen}"
        traces = nspawn_traces(lab)
        assert all(path.exists() for path in traces)
        lab.sh("cp1", "sleep 1000 > /dev/null 2>&1 & mount -t tmpfs none /mnt")
    assert not any(footprint(lab).values())
    assert not any(path.exists() for path in traces)


def nspawn_traces(lab: Lab) -> list[Path]:
    """What nspawn itself keeps of the lab's hosts, under names that do not tell whose they are."""
    found: list[Path] = []
    for folder in (lab.state / "hosts").iterdir():
        host = LabHost(folder.name, "", Purpose.NODE, folder)
        root = host.root.stat()
        found += [
            Path(f"/run/systemd/nspawn/locks/inode-{root.st_dev}:{root.st_ino}"),
            Path(f"/run/systemd/nspawn/propagate/{host.machine}"),
            Path(f"/sys/class/net/vb-{host.machine}"),
        ]
    return found


def test_down_without_up_is_no_error(tmp_path: Path) -> None:
    lab = Lab("test-never", "10.89.26", tmp_path / "never.yaml")
    lab.write()
    lab.run("down").ok()
    ran = lab.run("exec", "cp1", "--", "true")
    assert ran.code == 17
    assert "lab up" in ran.text


def test_an_inventory_without_a_lab() -> None:
    ran = kubeinstall("lab", "up", "-i", REPO / "inventories/small.yaml")
    assert ran.code == 17
    assert "lab.yaml" in ran.text
