"""A host whose only way out is a proxy that wants a login.

The tests run in order on one host.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from tests.forward_proxy import ForwardProxy, forward_proxy
from tests.host.lone import Lone, lone_host
from tests.running import kubeinstall

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]

NETWORK = "10.89.44"
LOGIN = "lab:pass@word"
PROXY = {"http": f"http://lab:pass%40word@{NETWORK}.1:3128"}
DOCKER = {"runtime": {"name": "docker"}}


@pytest.fixture(scope="module")
def h1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with lone_host("test-proxy", NETWORK, tmp_path_factory.mktemp("lab")) as lone:
        lone.sh(
            "nft add table inet t;"
            "nft 'add chain inet t out { type filter hook output priority 0; }';"
            f"nft add rule inet t out ip daddr != {NETWORK}.0/24 reject"
        )
        yield lone


@pytest.fixture(scope="module")
def proxy(h1: Lone) -> Iterator[ForwardProxy]:
    with forward_proxy(f"{h1.network}.1", 3128, LOGIN) as running:
        yield running


def test_without_it_there_is_no_way_out(h1: Lone) -> None:
    ran, _ = h1.up("runtime", **DOCKER)
    assert ran.code == 13, ran.text


def test_packages_come_through_it(h1: Lone, proxy: ForwardProxy) -> None:
    ran, changed = h1.up("hosts", "runtime", proxy=PROXY, **DOCKER)
    ran.ok()
    assert "Install docker.io" in changed
    assert proxy.asked
    assert proxy.refused == 0
    assert "word" not in ran.text.replace("password", "")
    assert h1.changed("hosts", "runtime", proxy=PROXY, **DOCKER) == []


def test_images_come_through_it(h1: Lone, proxy: ForwardProxy) -> None:
    proxy.asked.clear()
    h1.sh("timeout 30 docker pull registry.example.org/none || true")
    assert "registry.example.org:443" in proxy.asked
    proxy.asked.clear()
    h1.sh("timeout 30 docker pull api.cluster.local/none || true")
    assert proxy.asked == []


def test_nobody_but_root_sees_the_login(h1: Lone) -> None:
    files = "/etc/kubeinstall/proxy.env /etc/apt/apt.conf.d/95kubeinstall-proxy"
    assert h1.sh(f"stat -c %a {files}").split() == ["600", "600"]
    assert h1.sh("systemctl show docker | grep -c word || true").strip() == "0"
    assert h1.sh("journalctl | grep -c 'pass%40word' || true").strip() == "0"
    assert "Installed" in h1.sh("su nobody -s /bin/sh -c 'apt-cache policy docker.io'")


def test_taken_out_of_the_inventory_it_is_taken_from_the_host(h1: Lone) -> None:
    changed = h1.changed("hosts", "runtime", **DOCKER)
    assert {"Remove the proxy from apt", "Remove the proxy from docker"} <= set(changed)
    assert "Run Docker" in changed
    main = h1.sh("systemctl show docker -p MainPID --value").strip()
    assert "PROXY" not in h1.sh(f"tr '\\0' '\\n' < /proc/{main}/environ")
    assert h1.sh("ls /etc/kubeinstall; grep -rl word /etc/apt /etc/systemd || true") == ""
    assert h1.changed("hosts", "runtime", **DOCKER) == []


def test_a_reset_leaves_no_login_on_the_host(h1: Lone, proxy: ForwardProxy) -> None:
    del proxy  # there has to be one
    login = {"username": "robot", "password": "correct-horse"}
    settings: dict[str, Any] = {
        "proxy": PROXY,
        "runtime": {"name": "docker", "registries": {"hub.lab": login}},
    }
    h1.changed("hosts", "runtime", **settings)
    coded = b64encode(b"robot:correct-horse").decode()
    words = f"pass%40word|pass@word|correct-horse|{coded}"
    look = (
        f"grep -rlE '{words}' /etc /root /usr/local /var/lib/kubelet /var/lib/kubeinstall || true"
    )
    assert "/root/.docker/config.json" in h1.sh(look)
    kubeinstall("reset", "-y", "-i", h1.inventory(**settings)).ok()
    assert h1.sh(look) == ""
    # What is left works: nothing names a file that is gone.
    h1.sh("systemctl restart docker && docker info >/dev/null && apt-config dump >/dev/null")
    again = kubeinstall("reset", "-y", "-i", h1.inventory(**settings)).ok()
    assert "1 host: 0 changed" in again.text


def test_what_was_in_a_file_is_not_shown_by_its_removal(h1: Lone, proxy: ForwardProxy) -> None:
    del proxy
    h1.changed("hosts", proxy=PROXY, **DOCKER)
    settings: dict[str, Any] = {"proxy": {"http": f"http://{NETWORK}.1:3128"}, **DOCKER}
    ran = kubeinstall("plan", "--only", "hosts", "-i", h1.inventory(**settings))
    assert ran.code == 2, ran.text
    assert "Configure the proxy for apt" in ran.text
    assert "pass" not in ran.text
