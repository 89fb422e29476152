"""containerd out of an archive in the place of its package, exchanged, and the package again."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.lone import STATE, Lone, lone_host

pytestmark = [pytest.mark.host, pytest.mark.timeout(900)]

INSTALL = "Install containerd from its archive"
UNIT = "Write the containerd unit"
CONFIG = "/etc/containerd/config.toml"
RUN = "Run containerd"
PROGRAM = "readlink /proc/$(systemctl show -p MainPID --value containerd)/exe"


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with lone_host("test-archive", "10.89.27", tmp_path_factory.mktemp("archive")) as lone:
        yield lone


def archive(lone: Lone, *programs: str) -> dict[str, Any]:
    """An archive like that of a release, with programs that the host's package has."""
    state = STATE / lone.name
    argv: list[str | Path] = ["ssh", "-q", "-i", state / "id_ed25519", "-o", "BatchMode=yes"]
    argv += ["-o", f"UserKnownHostsFile={state / 'known_hosts'}", f"root@{lone.network}.11"]
    packed = "tar -C /usr -cz " + " ".join(f"bin/{program}" for program in programs)
    content = subprocess.run([*argv, packed], check=True, capture_output=True).stdout
    path = lone.folder / f"containerd-{len(programs)}.tar.gz"
    path.write_bytes(content)
    return {"archive": {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}}


def test_a_configuration_that_containerd_does_not_take(lone: Lone) -> None:
    assert RUN in lone.changed("runtime")
    before = lone.sh(f"cat {CONFIG}")
    # The first is no configuration at all; with the second it does not start.
    for config, said in (
        ({"oom_score": "much"}, "Configure containerd: failed"),
        ({"grpc": {"address": "/proc/no/such.sock"}}, "the previous version was restored"),
    ):
        ran, _ = lone.up("runtime", runtime={"config": config})
        assert ran.code == 13, ran.text
        assert said in ran.text
        assert lone.sh(f"cat {CONFIG}; systemctl is-active containerd") == f"{before}active\n"
    assert lone.changed("runtime") == []


def test_from_the_package_to_an_archive_and_back(lone: Lone) -> None:
    first = archive(lone, "containerd", "containerd-shim-runc-v2", "ctr")
    assert lone.changed("runtime", runtime=first) == [INSTALL, UNIT, RUN]
    assert lone.sh(PROGRAM).strip() == "/usr/local/bin/containerd"
    assert lone.changed("runtime", runtime=first) == []

    second = archive(lone, "containerd", "containerd-shim-runc-v2")
    assert lone.changed("runtime", runtime=second) == [INSTALL, RUN]
    assert lone.sh("ls /usr/local/bin").split() == ["containerd", "containerd-shim-runc-v2"]

    lone.sh("echo >> /usr/local/bin/containerd-shim-runc-v2")
    assert lone.changed("runtime", runtime=second) == [INSTALL, RUN]

    wrong = {"archive": {**second["archive"], "sha256": "0" * 64}}
    ran, changed = lone.up("runtime", runtime=wrong)
    assert ran.code == 13, ran.text
    assert f"its SHA-256 is {second['archive']['sha256']}" in ran.text
    assert changed == []

    assert lone.changed("runtime") == ["Remove containerd that was installed from an archive"]
    assert lone.sh(PROGRAM).strip() == "/usr/bin/containerd"
    assert lone.sh("ls /usr/local/bin /etc/systemd/system/containerd.service || true") == (
        "/usr/local/bin:\n"
    )
    assert lone.changed("runtime") == []
