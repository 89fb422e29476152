"""The phases hosts, runtime and packages on a real host: changed once, then left in peace.

The tests run in order on one host.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kubeinstall.lab.mirror.debs import Package
from kubeinstall.lab.mirror.packages import KUBELET_SERVICE
from kubeinstall.lab.mirror.repository import sign, write_index
from tests.host.lone import Lone, lone_host
from tests.running import kubeinstall

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]

NETWORK = "10.89.11"
CONTAINERD = {"runtime": {"name": "containerd"}}


@pytest.fixture(scope="module")
def h1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with lone_host("test-deploys", NETWORK, tmp_path_factory.mktemp("lab")) as lone:
        yield lone


def test_prepare(h1: Lone) -> None:
    h1.sh("echo 127.0.1.1 h1 >> /etc/hosts")
    changed = h1.changed("hosts")
    assert "Add the cluster's hosts to /etc/hosts" in changed
    assert h1.sh("getent hosts h1").split() == [f"{NETWORK}.11", "h1"]
    assert "127.0.1.1" not in h1.sh("cat /etc/hosts")
    assert h1.sh("cat /etc/hosts.before-kubeinstall").count("127.0.1.1") == 1
    assert h1.sh("cat /proc/sys/net/bridge/bridge-nf-call-iptables").strip() == "1"
    assert h1.changed("hosts") == []


def test_what_was_changed_by_hand_is_put_right(h1: Lone) -> None:
    h1.sh(
        "echo 0 > /proc/sys/net/ipv4/ip_forward; hostname other; rm /etc/modules-load.d/*;"
        "sed -i 's/= 1/= 0/' /etc/sysctl.d/99-zz-kubeinstall.conf"
    )
    assert h1.changed("hosts") == [
        "Set the hostname",
        "Load kernel modules",
        "Write kernel settings",
        "Apply kernel settings",
    ]
    assert h1.sh("hostname; cat /proc/sys/net/ipv4/ip_forward").split() == ["h1", "1"]
    assert h1.changed("hosts") == []


def test_swap_stays_off_after_a_boot(h1: Lone) -> None:
    h1.sh(
        "printf 'UUID=1 none swap sw 0 0\\n# /old none swap\\nproc /proc proc defaults 0 0\\n"
        # As cloud-init writes it.
        "/swap.img\\tnone\\tswap\\tsw,comment=cloudconfig\\t0\\t0\\n'"
        " > /etc/fstab;"
        "printf '[Swap]\\nWhat=/swapfile\\n' > /etc/systemd/system/swapfile.swap;"
        "printf '[zram0]\\nzram-size = 64\\n' > /etc/systemd/zram-generator.conf;"
        "mkdir -p /usr/lib/systemd/zram-generator.conf.d;"
        "printf '[zram1]\\n' > /usr/lib/systemd/zram-generator.conf.d/theirs.conf;"
        "printf 'ResourceDisk.EnableSwap=y\\n' > /etc/waagent.conf;"
        # What a partition of type swap gets from systemd-gpt-auto-generator.
        "mkdir -p /etc/systemd/system-generators;"
        "printf '#!/bin/sh\\nprintf \"[Swap]\\\\nWhat=/dev/sdz9\\\\n\" > $3/dev-sdz9.swap\\n'"
        " > /etc/systemd/system-generators/gpt;"
        "chmod +x /etc/systemd/system-generators/gpt; systemctl unmask -q swap.target;"
        "systemctl daemon-reload"
    )
    assert h1.changed("hosts") == ["Turn off swap"]
    fstab = h1.sh("cat /etc/fstab").splitlines()
    assert fstab == [
        "# off for Kubernetes: UUID=1 none swap sw 0 0",
        "# /old none swap",
        "proc /proc proc defaults 0 0",
        "# off for Kubernetes: /swap.img\tnone\tswap\tsw,comment=cloudconfig\t0\t0",
    ]
    assert h1.sh("cat /etc/fstab.before-kubeinstall").startswith("UUID=1")
    units = h1.sh("systemctl list-unit-files --no-legend -t swap").splitlines()
    assert {line.split()[0] for line in units} >= {"dev-sdz9.swap", "swapfile.swap"}
    assert all(line.split()[1] == "masked" for line in units)
    assert h1.sh("systemctl is-enabled swap.target || true").strip() == "masked"
    zram = "/etc/systemd/zram-generator.conf"
    assert h1.sh(f"cat {zram} {zram}.d/theirs.conf") == ""
    assert h1.sh("cat /etc/waagent.conf") == "ResourceDisk.EnableSwap=n\n"
    assert h1.changed("hosts") == []


def test_a_setting_the_kernel_does_not_have_is_told(h1: Lone) -> None:
    ran, _ = h1.up("hosts", sysctls={"net.ipv4.no_such_thing": 1})
    assert ran.code == 13, ran.text
    assert "the kernel has no setting net.ipv4.no_such_thing" in ran.text
    assert "Traceback" not in ran.text
    h1.changed("hosts")


ADDON = """
name: shared-disk
title: Needs something of its hosts
releases: [{version: 1.0.0}]
hosts:
  packages: {debian: [nfs-common]}
  modules: [ext4]
  sysctls: {net.ipv4.tcp_keepalive_time: 600}
  services: [rpcbind.service]
"""


def test_what_an_addon_needs_is_there_and_follows_the_inventory(h1: Lone, tmp_path: Path) -> None:
    (tmp_path / "shared-disk").mkdir()
    (tmp_path / "shared-disk" / "addon.yaml").write_text(ADDON)
    chosen = {"addons": {"shared-disk": {}}, "addon_folders": [str(tmp_path)]}
    changed = h1.changed("hosts", **chosen)
    assert changed[0] == "Install packages that addons need: nfs-common"
    assert changed[-2:] == ["Write kernel settings", "Apply kernel settings"]
    assert h1.sh("command -v mount.nfs; systemctl is-active rpcbind").split()[1] == "active"
    assert h1.sh("cat /proc/sys/net/ipv4/tcp_keepalive_time").strip() == "600"
    assert "ext4" in h1.sh("cat /etc/modules-load.d/kubeinstall.conf")
    assert h1.changed("hosts", **chosen) == []
    h1.sh("systemctl disable -q --now rpcbind.socket rpcbind.service")
    assert h1.changed("hosts", **chosen) == ["Run rpcbind, which addons need"]
    assert h1.changed("hosts") == ["Load kernel modules", "Write kernel settings"]
    assert "tcp_keepalive_time" not in h1.sh("cat /etc/sysctl.d/99-zz-kubeinstall.conf")
    assert h1.changed("hosts") == []


def test_a_firewall_at_work_is_opened_and_ssh_stays(h1: Lone) -> None:
    h1.sh(
        "export DEBIAN_FRONTEND=noninteractive; apt-get update -q >/dev/null;"
        "apt-get install -yq --no-install-recommends ufw >/dev/null 2>&1;"
        "ufw allow 22/tcp; ufw --force enable"
    )
    assert h1.changed("hosts") == ["Add the cluster's rules to ufw"]
    rules = h1.sh("ufw status")
    assert "22/tcp" in rules
    assert "6443/tcp" in rules
    assert "2379" not in rules
    assert h1.changed("hosts") == []
    assert h1.changed("hosts", firewall="keep") == []
    assert h1.changed("hosts", firewall="off") == [
        "Remove the cluster's firewall rules",
        "Turn off the firewall",
    ]
    assert "inactive" in h1.sh("ufw status")
    assert h1.changed("hosts", firewall="off") == []


def started(h1: Lone, unit: str) -> str:
    return h1.sh(f"systemctl show -p ExecMainStartTimestampMonotonic {unit}")


def test_runtime(h1: Lone) -> None:
    assert "Install containerd" in h1.changed("runtime", **CONTAINERD)
    assert "SystemdCgroup = true" in h1.sh("containerd config dump")
    assert 'sandbox_image = "k8s.gcr.io/pause:3.2"' in h1.sh("containerd config dump")
    assert h1.changed("runtime", **CONTAINERD) == []


def test_a_restart_that_a_killed_run_did_not_get_to_is_made_up_for(h1: Lone) -> None:
    before = started(h1, "containerd")
    h1.sh("touch /etc/containerd/config.toml")
    assert h1.changed("runtime", **CONTAINERD) == ["Run containerd"]
    after = started(h1, "containerd")
    assert after != before
    assert h1.changed("runtime", **CONTAINERD) == []
    assert started(h1, "containerd") == after


def test_a_registry_needs_no_restart(h1: Lone) -> None:
    before = started(h1, "containerd")
    runtime = {"name": "containerd", "registries": {"10.0.0.2:5000": {"insecure": True}}}
    changed = h1.changed("runtime", runtime=runtime)
    assert changed == ["Configure registry 10.0.0.2:5000 for containerd"]
    assert started(h1, "containerd") == before
    assert h1.changed("runtime", **CONTAINERD) == [
        "Remove registries that are no longer in the inventory"
    ]


def test_a_disabled_cri_is_repaired(h1: Lone) -> None:
    """As Docker's package containerd.io ships it: the kubelet would have nobody to speak to."""
    config = "/etc/containerd/config.toml"
    shipped = 'disabled_plugins = ["cri"]\\n'
    h1.sh(f"printf '{shipped}' > {config}; rm -f {config}.before-kubeinstall")
    h1.sh("systemctl restart containerd; ! ctr plugins ls | grep -q 'grpc.v1.*cri.*ok'")
    changed = h1.changed("runtime", **CONTAINERD)
    assert changed == ["Configure containerd", "Run containerd"]
    assert h1.sh("ctr plugins ls | grep 'grpc.v1.*cri'").split()[-1] == "ok"
    assert h1.sh(f"cat {config}.before-kubeinstall") == 'disabled_plugins = ["cri"]\n'
    assert h1.changed("runtime", **CONTAINERD) == []


def test_a_registry_that_is_taken_out_is_forgotten(h1: Lone) -> None:
    registries = {"hub.example.org": {"username": "robot", "password": "not-for-everyone"}}
    runtime = {"name": "containerd", "registries": registries}
    ran, changed = h1.up("runtime", runtime=runtime)
    assert ran.code == 0, ran.text
    assert "Write registry logins for the kubelet" in changed
    assert "not-for-everyone" not in ran.text + (h1.folder / "events.jsonl").read_text()
    assert h1.sh("stat -c %a /etc/containerd/config.toml /var/lib/kubelet/config.json").split() == [
        "600",
        "600",
    ]
    assert h1.changed("runtime", runtime=runtime) == []
    assert "Remove registries that are no longer in the inventory" in h1.changed(
        "runtime", **CONTAINERD
    )
    assert h1.sh("ls -A /etc/containerd/certs.d /var/lib/kubelet") == (
        "/etc/containerd/certs.d:\n\n/var/lib/kubelet:\n"
    )
    assert h1.sh("stat -c %a /etc/containerd/config.toml").strip() == "644"
    assert h1.changed("runtime", **CONTAINERD) == []


def test_a_configuration_containerd_refuses_is_told(h1: Lone) -> None:
    runtime = {"name": "containerd", "config": {"version": "no number"}}
    ran, _ = h1.up("runtime", runtime=runtime)
    assert ran.code == 13, ran.text
    assert "failed to unmarshal TOML" in ran.text
    assert h1.sh("systemctl is-active containerd").strip() == "active", "the old file is back"
    h1.changed("runtime", **CONTAINERD)
    assert h1.changed("runtime", **CONTAINERD) == []
    assert h1.sh("systemctl is-active containerd").strip() == "active"


@pytest.fixture(scope="module")
def repository(h1: Lone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A signed source with 1.20.1 and 1.20.2 of packages with nothing much in them."""
    top = tmp_path_factory.mktemp("repository")
    folder = top / "core:" / "stable:" / "v1.20" / "deb"
    folder.mkdir(parents=True)
    machine = h1.sh("dpkg --print-architecture").strip()
    unit = {"usr/lib/systemd/system/kubelet.service": KUBELET_SERVICE}
    for version in ("1.20.1", "1.20.2"):
        for name in ("kubelet", "kubeadm", "kubectl"):
            texts = unit if name == "kubelet" else {}
            package = Package(name, version, "nothing much", texts=texts)
            package.build(top, folder, machine)
    write_index(folder, "1.20", machine)
    sign(folder, top / "gnupg")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=top)
    server = ThreadingHTTPServer((f"{NETWORK}.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    key = top / "key.asc"
    key.write_text((folder / "Release.key").read_text())
    yield {"url": f"http://{NETWORK}.1:{server.server_port}", "key": str(key)}
    server.shutdown()


def installed(h1: Lone) -> str:
    return h1.sh("dpkg-query -W -f '${db:Status-Want} ${Version}' kubelet")


def test_packages(h1: Lone, repository: dict[str, str]) -> None:
    h1.changed("packages", kubernetes="1.20.1", packages=repository)
    assert installed(h1) == "hold 1.20.1-1.1"
    assert h1.sh("systemctl is-enabled kubelet").strip() == "enabled"
    assert h1.sh("systemctl is-active kubelet || true").strip() == "inactive"
    assert h1.changed("packages", kubernetes="1.20.1", packages=repository) == []


def test_nothing_upgrades_by_surprise(h1: Lone) -> None:
    h1.sh("apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get -yq dist-upgrade")
    assert installed(h1) == "hold 1.20.1-1.1"


def test_a_hold_that_was_lost_is_put_back(h1: Lone, repository: dict[str, str]) -> None:
    h1.sh("apt-mark unhold kubelet")
    assert h1.changed("packages", kubernetes="1.20.1", packages=repository) == [
        "Install kubelet, kubeadm and kubectl 1.20.1"
    ]
    assert installed(h1) == "hold 1.20.1-1.1"


def test_a_package_upgraded_by_hand_is_planned_and_put_back(
    h1: Lone, repository: dict[str, str]
) -> None:
    h1.sh("apt-get -yq install --allow-change-held-packages kubelet=1.20.2-1.1")
    title = "Install kubelet, kubeadm and kubectl 1.20.1"
    inventory = h1.inventory(kubernetes="1.20.1", packages=repository)
    plan = kubeinstall("plan", "-i", inventory, "--only", "packages")
    assert plan.code == 2, plan.text
    assert title in plan.text
    assert h1.changed("packages", kubernetes="1.20.1", packages=repository) == [title]
    assert installed(h1) == "hold 1.20.1-1.1"


def test_another_version_is_installed_and_held(h1: Lone, repository: dict[str, str]) -> None:
    assert h1.changed("packages", kubernetes="1.20.2", packages=repository) == [
        "Install kubelet, kubeadm and kubectl 1.20.2"
    ]
    assert installed(h1) == "hold 1.20.2-1.1"


def test_pods_get_the_servers_behind_systemd_resolved(h1: Lone, repository: dict[str, str]) -> None:
    # As systemd-resolved sets itself up; the host goes on with its own servers.
    h1.sh(
        "cp /etc/resolv.conf /root/resolv.conf; mkdir -p /run/systemd/resolve;"
        "cp /etc/resolv.conf /run/systemd/resolve/; echo nameserver 127.0.0.53 > /etc/resolv.conf"
    )
    title = "Use systemd-resolved's name servers for pods"
    changed = h1.changed("packages", kubernetes="1.20.2", packages=repository)
    h1.sh("cp /root/resolv.conf /etc/resolv.conf; systemctl daemon-reload")
    assert changed == [title]
    flags = h1.sh("systemctl show kubelet -p Environment")
    assert "--config=/var/lib/kubelet/config.yaml" in flags
    assert "--resolv-conf=/run/systemd/resolve/resolv.conf" in flags
    changed = h1.changed("packages", kubernetes="1.20.2", packages=repository)
    assert changed == ["Use the host's name servers for pods"]
    assert h1.changed("packages", kubernetes="1.20.2", packages=repository) == []


def test_a_version_there_is_not(h1: Lone, repository: dict[str, str]) -> None:
    ran, _ = h1.up("packages", kubernetes="1.20.9", packages=repository)
    assert ran.code == 13, ran.text
    assert "package kubelet 1.20.9-* is in none of this host's package sources" in ran.text
    assert "they have: 1.20.2-1.1 1.20.1-1.1" in ran.text
    assert installed(h1) == "hold 1.20.2-1.1"


def test_a_source_signed_by_another_key_is_refused(
    h1: Lone, repository: dict[str, str], tmp_path: Path
) -> None:
    h1.sh("rm -rf /var/lib/apt/lists/*; apt-mark unhold kubectl; dpkg --purge kubectl kubeadm")
    other = h1.sh("cat /usr/share/keyrings/debian-archive-*-stable.asc 2>/dev/null | head -60")
    if "BEGIN PGP" not in other:
        other = h1.sh("cat /etc/apt/trusted.gpg.d/debian-archive-*-stable.asc")
    key = tmp_path / "other.asc"
    key.write_text(other)
    ran, _ = h1.up("packages", packages={**repository, "key": str(key)})
    assert ran.code == 13, ran.text
    assert h1.sh("dpkg-query -W -f '${db:Status-Status}' kubectl || true") != "installed"
    h1.changed("packages", packages=repository)
    assert installed(h1) == "hold 1.20.2-1.1"


def test_an_interrupted_dpkg_is_finished(h1: Lone, repository: dict[str, str]) -> None:
    h1.sh(
        "cd /tmp && apt-get download -q ethtool && dpkg --purge --force-depends ethtool &&"
        "dpkg --unpack ethtool*.deb"
    )
    assert h1.changed("packages", packages=repository) == ["Install Kubernetes' dependencies"]
    assert h1.sh("dpkg --audit") == ""
    assert h1.changed("packages", packages=repository) == []


# fcntl's lock, as apt takes it, for twelve seconds.
LOCK = """
open(F, "+>", "/var/lib/apt/lists/lock") or die;
$lock = pack("s s x4 q q i x4", 1, 0, 0, 0, 0); fcntl(F, 6, $lock) or die; sleep 12
"""


def test_another_apt_is_waited_for(h1: Lone, repository: dict[str, str]) -> None:
    h1.sh("dpkg --purge --force-depends ethtool; rm -rf /var/lib/apt/lists/*_dists_*")
    h1.sh(f"systemd-run -q --unit=apt-lock perl -e '{LOCK}'; sleep 1")
    assert h1.sh("systemctl is-active apt-lock").strip() == "active"
    assert h1.changed("packages", packages=repository) == ["Install Kubernetes' dependencies"]
    assert h1.sh("systemctl is-active apt-lock || true").strip() == "inactive"
