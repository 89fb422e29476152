"""Two hosts with one machine-id, as clones of a virtual machine have."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.forward_proxy import forward_proxy
from tests.labs import Lab, running
from tests.running import Ran, kubeinstall

pytestmark = [pytest.mark.host, pytest.mark.timeout(300)]

NETWORK = "10.89.45"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    inventory = tmp_path_factory.mktemp("lab") / "clones.yaml"
    with running(Lab("test-clones", NETWORK, inventory, workers=1)) as lab:
        identity = lab.sh("cp1", "cat /etc/machine-id")
        lab.sh("w1", f"chmod u+w /etc/machine-id; echo {identity} > /etc/machine-id")
        # Where a proxy is reached, preflight looks for no source behind it.
        with forward_proxy(f"{NETWORK}.1", 3128):
            yield lab


def up(lab: Lab, **cluster: Any) -> Ran:
    document = yaml.safe_load(lab.inventory.read_text())
    document["cluster"] |= {
        "time": {"manage": False},
        "proxy": {"http": f"http://{NETWORK}.1:3128"},
        "kubeadm": {"ignore_preflight_errors": ["NumCPU", "Mem"]},
        **cluster,
    }
    lab.inventory.write_text(yaml.safe_dump(document))
    return kubeinstall("up", "-y", "-i", lab.inventory, "--until", "hosts")


def identities(lab: Lab) -> list[str]:
    return [lab.sh(host, "cat /etc/machine-id") for host in ("cp1", "w1")]


def test_clones_are_told(lab: Lab) -> None:
    before = identities(lab)
    ran = up(lab)
    assert ran.code == 12, ran.text
    assert f"cp1, w1: the same machine-id {before[0]}" in ran.text
    assert identities(lab) == before


def test_on_request_all_but_the_first_get_a_new_one(lab: Lab) -> None:
    shared = identities(lab)[0]
    ran = up(lab, machine_ids="renew-duplicates").ok()
    assert "w1: changed: Renew the machine-id" in ran.text
    first, second = identities(lab)
    assert first == shared
    assert second != shared
    assert len(second) == 32
    assert lab.sh("w1", "systemctl show -p ActiveState --value systemd-journald") == "active"
    again = up(lab, machine_ids="renew-duplicates").ok()
    assert "2 hosts: 0 changed" in again.text
    assert identities(lab) == [first, second]


def lies(lab: Lab, address: str, source: str) -> None:
    """On w1 a program answers in the place of ``ip``, as on a compromised host."""
    fake = f"""#!/bin/sh
case "$*" in
  *'addr show'*) echo '2: host0    inet {address}/24 brd' ;;
  *'route get'*) echo '1.1.1.1 via 1.1.1.2 dev host0 src {source} uid 0' ;;
esac
"""
    lab.sh("w1", f"printf %s {shlex.quote(fake)} > /usr/local/bin/ip; chmod 755 /usr/local/bin/ip")


JUNK = ("$(touch${IFS}canary)", "", "reports '$(touch${IFS}canary)' instead of its own address")
OF_ANOTHER = (
    "172.31.0.9",
    f"{NETWORK}.11",
    f"its route to the endpoint has the source address {NETWORK}.11, which is cp1's",
)
UP = ("up", "-y", "--until", "hosts")


@pytest.mark.parametrize(
    ("command", "address", "source", "what"),
    [(("plan",), *JUNK), (UP, *JUNK), (("plan",), *OF_ANOTHER)],
)
def test_a_worker_that_lies_about_its_address_is_refused(
    lab: Lab, command: tuple[str, ...], address: str, source: str, what: str
) -> None:
    seen = "cd /; find etc usr/local root -newer /etc/machine-id -type f | sort; ls"
    before = lab.sh("cp1", seen)
    lies(lab, address, source)
    try:
        ran = kubeinstall(*command, "-i", lab.inventory)
    finally:
        lab.sh("w1", "rm /usr/local/bin/ip")
    assert ran.code == 12, ran.text
    assert f"w1: {what}" in ran.text
    assert "set its node_ip to its own address" in ran.text
    assert lab.sh("cp1", seen) == before
    assert "canary" not in lab.sh("cp1", "ls / /root") + lab.sh("w1", "ls / /root")
