"""What a host finds around it, on a real host: who keeps its clock.

The tests run in order on one host.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.host.lone import Lone, lone_host

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]

NETWORK = "10.89.41"
KEPT = {"time": {"servers": [f"{NETWORK}.99"], "sync_timeout": 0}}


@pytest.fixture(scope="module")
def h1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with lone_host("test-around", NETWORK, tmp_path_factory.mktemp("lab")) as lone:
        yield lone


def test_another_time_service_is_turned_off(h1: Lone) -> None:
    h1.sh(
        "printf '[Service]\\nExecStart=sleep inf\\n[Install]\\nWantedBy=multi-user.target\\n'"
        " > /etc/systemd/system/openntpd.service; systemctl enable --now -q openntpd"
    )
    changed = h1.changed("hosts", **KEPT)
    assert "Turn off other time services" in changed
    states = h1.sh("systemctl is-active openntpd chrony; systemctl is-enabled openntpd || true")
    assert states.split() == ["inactive", "active", "disabled"]
    assert h1.changed("hosts", **KEPT) == []


def test_a_time_server_that_does_not_answer_is_told(h1: Lone) -> None:
    ran, _ = h1.up("hosts", time={"servers": [f"{NETWORK}.99"], "sync_timeout": 4})
    assert ran.code == 13, ran.text
    assert f"none of the time servers answers chrony: {NETWORK}.99" in ran.text
    assert f"^? {NETWORK}.99" in ran.text


def test_chrony_that_does_not_run_is_told_at_once(h1: Lone) -> None:
    h1.sh(
        "mkdir -p /etc/systemd/system/chrony.service.d; cd /etc/systemd/system/chrony.service.d;"
        "printf '[Unit]\\nConditionPathExists=/none\\n' > none.conf; systemctl daemon-reload;"
        "systemctl stop chrony"
    )
    ran, _ = h1.up("hosts", time={"servers": [f"{NETWORK}.99"], "sync_timeout": 60})
    assert ran.code == 13, ran.text
    assert "chrony is not running, because" in ran.text
    assert "time.manage" in ran.text
    h1.sh("rm /etc/systemd/system/chrony.service.d/none.conf; systemctl daemon-reload")
    assert h1.changed("hosts", **KEPT) == ["Run chrony"]
