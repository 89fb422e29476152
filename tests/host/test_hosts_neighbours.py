"""Services of a host that would meddle with a node, on a real host: told to leave it alone.

The tests run in order on one host.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.host.lone import Lone, lone_host
from tests.running import kubeinstall

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]

NETWORK = "10.89.51"
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends"
DEVICES = "nmcli -t -f DEVICE,STATE device"


@pytest.fixture(scope="module")
def h1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with lone_host("test-neighbours", NETWORK, tmp_path_factory.mktemp("lab")) as lone:
        packages = "network-manager unattended-upgrades needrestart nftables"
        lone.sh(f"apt-get update -q >/dev/null; {INSTALL} {packages} >/dev/null 2>&1")
        yield lone


def unmanaged(h1: Lone) -> set[str]:
    lines = h1.sh(DEVICES).splitlines()
    return {line.partition(":")[0] for line in lines if line.endswith(":unmanaged")}


def test_network_manager_leaves_the_pods_interfaces(h1: Lone) -> None:
    # A bridge that is up and has an address is taken over as a connection of its own.
    h1.sh("ip link add cni0 type bridge; ip addr add 10.9.8.1/24 dev cni0; ip link set cni0 up")
    h1.sh(f"for i in $(seq 40); do {DEVICES} | grep cni0:connected && break; sleep .5; done")
    started = h1.sh("systemctl show -p ExecMainStartTimestampMonotonic NetworkManager")
    assert "cni0" not in unmanaged(h1)
    changed = h1.changed("hosts")
    assert "Exclude pod interfaces from NetworkManager" in changed
    assert "Reload NetworkManager's configuration" in changed
    h1.sh(f"for i in $(seq 40); do {DEVICES} | grep cni0:unmanaged && break; sleep .5; done")
    assert "cni0" in unmanaged(h1)
    assert "host0" not in unmanaged(h1)
    assert started == h1.sh("systemctl show -p ExecMainStartTimestampMonotonic NetworkManager")
    assert h1.changed("hosts") == []


def test_a_reload_that_a_killed_run_did_not_get_to_is_made_up_for(h1: Lone) -> None:
    h1.sh("touch /etc/NetworkManager/conf.d/kubeinstall.conf")
    assert h1.changed("hosts") == ["Reload NetworkManager's configuration"]
    assert h1.changed("hosts") == []


def test_networkd_leaves_rules_of_others_when_it_starts(h1: Lone) -> None:
    h1.sh("systemctl restart systemd-networkd; ip rule add from 10.9.9.0/24 table 77")
    h1.sh("systemctl restart systemd-networkd; sleep 1; ip rule | grep -q 10.9.9.0")


def test_unattended_upgrades_leave_the_runtime(h1: Lone) -> None:
    said = h1.sh("unattended-upgrade --dry-run -d 2>&1 | grep -i 'blacklist:'")
    for pattern in ("^kube(let|adm|ctl)$", "^docker", "^containerd", "^runc$", "^cri-"):
        assert pattern in said
    # apt's own tools read the file, and what the user lists himself stays listed.
    h1.sh(
        "echo 'Unattended-Upgrade::Package-Blacklist { \"mine\"; };' > /etc/apt/apt.conf.d/60mine"
    )
    listed = h1.sh("apt-config dump Unattended-Upgrade::Package-Blacklist")
    assert '"mine"' in listed
    assert '"^docker"' in listed


def test_needrestart_leaves_the_runtime(h1: Lone) -> None:
    """Two services whose program was replaced: one is restarted, the other is a runtime."""
    for unit in ("containerd", "other"):
        h1.sh(
            f"cp /bin/sleep /usr/local/bin/{unit};"
            f"printf '[Service]\\nExecStart=/usr/local/bin/{unit} inf\\n'"
            f" > /etc/systemd/system/{unit}.service; systemctl start {unit};"
            f"cp /bin/sleep /usr/local/bin/new; mv /usr/local/bin/new /usr/local/bin/{unit}"
        )
    show = "systemctl show -p MainPID --value"
    containerd, other = (h1.sh(f"{show} {unit}") for unit in ("containerd", "other"))
    h1.sh("DEBIAN_FRONTEND=noninteractive needrestart -r a -l")
    assert h1.sh(f"{show} containerd") == containerd
    assert h1.sh(f"{show} other") != other


def test_reset_gives_network_manager_its_interfaces_back(h1: Lone) -> None:
    kubeinstall("reset", "-y", "-i", h1.inventory()).ok()
    files = (
        "/etc/NetworkManager/conf.d/kubeinstall.conf /etc/systemd/networkd.conf.d/kubeinstall.conf"
    )
    assert h1.sh(f"ls {files} 2>/dev/null || true") == ""
    h1.sh("ip link add cni1 type bridge; ip addr add 10.9.7.1/24 dev cni1; ip link set cni1 up")
    h1.sh(f"for i in $(seq 40); do {DEVICES} | grep cni1:connected && break; sleep .5; done")
    assert "cni1" not in unmanaged(h1)
