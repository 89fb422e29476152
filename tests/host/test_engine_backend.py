"""testinfra over the engine's live connection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testinfra.host import Host

from kubeinstall.engine.session import Session
from kubeinstall.inventory.load import load
from tests.host.test_engine_ssh import INVENTORY
from tests.running import kubeinstall

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    kubeinstall("lab", "up", "-i", INVENTORY).ok()
    with Session(load(INVENTORY)) as session:
        session.connect()
        backend = session.backend("cp1")
        made = Host(backend)
        backend.set_host(made)
        yield made
    kubeinstall("lab", "down", "-i", INVENTORY).ok()


def test_what_testinfra_asks_is_answered_by_the_host(host: Host) -> None:
    assert host.check_output("hostname") == "cp1"
    assert host.user().name == "root"
    assert host.service("ssh").is_running
    assert host.package("openssh-server").is_installed
    assert not host.file("/no/such/file").exists
    failed = host.run("echo %s >&2; exit 3", "it's bad")
    assert (failed.rc, failed.stderr) == (3, "it's bad\n")
