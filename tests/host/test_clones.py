"""Two hosts with one machine-id, as clones of a virtual machine have."""

from __future__ import annotations

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
    assert "w1: changed: Give the host a machine-id of its own" in ran.text
    first, second = identities(lab)
    assert first == shared
    assert second != shared
    assert len(second) == 32
    assert lab.sh("w1", "systemctl show -p ActiveState --value systemd-journald") == "active"
    again = up(lab, machine_ids="renew-duplicates").ok()
    assert "2 hosts: 0 changed" in again.text
    assert identities(lab) == [first, second]
