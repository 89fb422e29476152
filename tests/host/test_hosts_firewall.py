"""Firewalls of a real host, and real packets: opened for the cluster, turned off, and back again.

The machine that the tests run on has an address that the cluster has a worker at, so it is a peer
of the host by that, and anybody by its own. The tests run in order on one host; each leaves it
without a firewall.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from tests.host.lone import Lone, lone_host
from tests.running import events, kubeinstall
from tests.waiting import until

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]

NETWORK = "10.89.52"
INSTALL = (
    "export DEBIAN_FRONTEND=noninteractive; apt-get install -yq --no-install-recommends {0}"
    " >/tmp/apt.log 2>&1 || {{ cat /tmp/apt.log; exit 1; }}"
)
NO_JOBS = "while systemctl list-jobs --no-legend | grep .; do sleep .1; done"
POD = "10.244.7.2"
LISTEN = (6443, 2379, 10250, 30080)

# A pod: a network of its own behind a bridge. sshd listens on as many ports as it is told.
PREPARE = f"""
mkdir -p /run/sshd; /usr/sbin/sshd {" ".join(f"-p {port}" for port in LISTEN)}
ip netns add pod; ip link add br0 type bridge; ip addr add 10.244.7.1/24 dev br0
ip link add veth1 type veth peer name eth0 netns pod; ip link set veth1 master br0
ip link set br0 up; ip link set veth1 up; echo 1 > /proc/sys/net/ipv4/ip_forward
ip -n pod addr add {POD}/24 dev eth0; ip -n pod link set eth0 up
ip -n pod route add default via 10.244.7.1
ip netns exec pod /usr/sbin/sshd -p 8080
"""
# What kube-proxy does for a NodePort.
NODE_PORT = f"iptables -t nat -A PREROUTING -p tcp --dport 30081 -j DNAT --to {POD}:8080"

NFTABLES = """\
flush ruleset
table inet filter {
  chain input {
    type filter hook input priority 0;
    iif lo accept
    ct state established,related accept
    tcp dport 22 accept
    counter drop
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
  }
}
table ip own {
  chain late {
    type filter hook input priority 10; policy drop;
    ct state established accept
    tcp dport 22 accept
  }
}
"""


@pytest.fixture(scope="module")
def h1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with lone_host("test-firewall", NETWORK, tmp_path_factory.mktemp("lab")) as lone:
        lone.sh("apt-get update -q >/dev/null")
        lone.sh(INSTALL.format("nftables iptables"))
        lone.sh(PREPARE)
        here(NETWORK)
        yield lone


def here(network: str) -> None:
    """A second address of this machine beside the host's, and a route to the pod."""
    shown = subprocess.check_output(["ip", "-o", "route", "get", f"{network}.11"], text=True)
    bridge = shown.split(" dev ")[1].split()[0]
    subprocess.run(["ip", "address", "replace", f"{network}.9/24", "dev", bridge], check=True)
    subprocess.run(["ip", "route", "replace", f"{POD}/32", "via", f"{network}.11"], check=True)


def run(h1: Lone, *command: str, peer: bool = True, **cluster: Any) -> list[str]:
    """Run a command for the host alone; the names of what it changed."""
    path = h1.inventory(**cluster)
    document = yaml.safe_load(path.read_text())
    if peer:
        document["groups"]["workers"] = {"hosts": {"here": {"address": f"{NETWORK}.9"}}}
    path = path.with_name("peers.yaml")
    path.write_text(yaml.safe_dump(document))
    log = path.with_name("events.jsonl")
    kubeinstall(*command, "-y", "-i", path, "--limit", "h1", "--events", log).ok()
    return [event["operation"] for event in events(log) if event.get("changed")]


def up(h1: Lone, **settings: Any) -> list[str]:
    return run(h1, "up", "--only", "hosts", **settings)


def answers(port: int, address: str = "", source: str = "1") -> bool:
    """Whether a connection from this machine comes about."""
    try:
        target = (address or f"{NETWORK}.11", port)
        socket.create_connection(target, 0.7, (f"{NETWORK}.{source}", 0)).close()
    except OSError:
        return False
    return True


def open_ports(source: str = "1") -> list[int]:
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda port: answers(port, source=source), LISTEN)
        return [port for port, answered in zip(LISTEN, found, strict=True) if answered]


def assert_answers(port: int, address: str = "") -> None:
    """It comes about, perhaps not at the first try on a busy machine."""
    until(lambda: answers(port, address))


def assert_open(*ports: int, source: str = "1") -> None:
    """These and no others."""
    until(lambda: open_ports(source) == list(ports))


def assert_shut() -> None:
    assert_answers(22)
    # A firewall may count as started a moment before its rules are there.
    assert_open()
    assert_open(source="9")
    until(lambda: not answers(8080, POD))


def assert_opened(h1: Lone) -> None:
    """Just what has to be: etcd is for control planes, the kubelet for peers."""
    assert_answers(22)
    assert_open(6443, 30080)
    assert_open(6443, 10250, 30080, source="9")
    assert_answers(8080, POD)  # routed to a pod
    assert_answers(30081)  # a NodePort
    h1.sh("ip netns exec pod timeout 20 bash -c '</dev/tcp/10.244.7.1/2379'")
    with socket.create_server((f"{NETWORK}.1", 0)) as outside:
        at = f"{NETWORK}.1/{outside.getsockname()[1]}"
        h1.sh(f"ip netns exec pod timeout 20 bash -c '</dev/tcp/{at}'")


def cycle(h1: Lone, shown: str, *, flushes: bool = False) -> None:
    """Shut, opened, left in peace, a peer removed, and as it was again.

    Args:
        shown: the shell command that shows the user's own rules.
        flushes: opening it flushes iptables the first time.
    """
    assert_shut()
    before = h1.sh(shown)
    assert up(h1)
    if flushes:
        h1.sh(NODE_PORT)
    assert_opened(h1)
    assert up(h1) == []
    assert up(h1, peer=False)
    assert_open(6443, 30080, source="9")
    assert_answers(30081)  # the rules of others are as before
    assert up(h1, peer=False) == []
    assert run(h1, "reset")
    assert_shut()
    assert h1.sh(shown) == before
    assert "kubeinstall" not in before
    assert run(h1, "reset") == []


def test_nftables(h1: Lone) -> None:
    up(h1, firewall="keep")
    h1.sh(f"cat > /etc/nftables.conf <<'END'\n{NFTABLES}END\nsystemctl enable --now -q nftables")
    h1.sh(NODE_PORT)
    cycle(h1, "nft -s list ruleset | sed 's/ counter packets [0-9]* bytes [0-9]*//'")


def test_nftables_loaded_anew(h1: Lone) -> None:
    up(h1)
    for verb in ("reload", "restart"):
        h1.sh(f"systemctl {verb} nftables; {NO_JOBS}; systemctl is-active kubeinstall-firewall")
        h1.sh(NODE_PORT)
        assert_opened(h1)
        assert up(h1) == []
    h1.sh("nft -f /etc/nftables.conf")
    assert_shut()
    assert up(h1) == ["Apply the cluster's firewall rules"]
    h1.sh(NODE_PORT)
    assert_opened(h1)


def test_nftables_off_and_on_again(h1: Lone) -> None:
    up(h1)
    assert up(h1, firewall="off") == [
        "Remove the cluster's firewall rules",
        "Turn off the firewall",
    ]
    assert all(map(answers, (*LISTEN, 30081)))
    assert h1.sh("systemctl is-enabled nftables || true").strip() == "disabled"
    assert up(h1, firewall="off") == []
    assert "Turn the firewall on again" in run(h1, "reset")
    assert_shut()
    assert h1.sh("systemctl is-enabled nftables").strip() == "enabled"
    assert h1.sh("find /var/lib/kubeinstall /usr/local/lib/kubeinstall -type f || true") == ""
    h1.sh("systemctl disable --now -q nftables")


def test_firewalld(h1: Lone) -> None:
    h1.sh(INSTALL.format("firewalld") + "; firewall-cmd --state")
    # Not the default zone: what is opened there would do nothing for this card.
    h1.sh("firewall-cmd -q --permanent --zone=work --add-interface=host0; firewall-cmd -q --reload")
    zones = "firewall-cmd --list-all-zones; firewall-cmd --list-all-policies"
    cycle(h1, zones, flushes=True)
    assert up(h1, firewall="off")[-1] == "Turn off the firewall"
    assert all(map(answers, LISTEN))
    assert "Turn the firewall on again" in run(h1, "reset")
    assert_shut()
    h1.sh("systemctl disable --now -q firewalld")


def test_ufw(h1: Lone) -> None:
    h1.sh(INSTALL.format("ufw") + "; ufw allow 22/tcp; ufw allow 9999; ufw --force enable")
    h1.sh(NODE_PORT)
    cycle(h1, "ufw show added")
    assert up(h1, firewall="off")[-1] == "Turn off the firewall"
    assert all(map(answers, LISTEN))
    assert "Turn the firewall on again" in run(h1, "reset")
    assert_shut()
    h1.sh("ufw --force disable; apt-get purge -yq ufw >/dev/null 2>&1")


def test_saved_rules_of_iptables(h1: Lone) -> None:
    h1.sh(INSTALL.format("iptables-persistent"))
    h1.sh(
        "iptables -A INPUT -i lo -j ACCEPT; iptables -A INPUT -p tcp --dport 22 -j ACCEPT;"
        "iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT;"
        "iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT;"
        "iptables -A INPUT -j REJECT; iptables -P FORWARD DROP;"
        "iptables-save > /etc/iptables/rules.v4; systemctl restart netfilter-persistent"
    )
    h1.sh(NODE_PORT)
    cycle(h1, "iptables-save -t filter | grep -v '^[#:]'")
    up(h1)
    h1.sh("systemctl restart netfilter-persistent")
    h1.sh(NODE_PORT)
    assert_opened(h1)
    run(h1, "reset")
