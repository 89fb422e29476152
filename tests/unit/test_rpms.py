"""RPM packages made of Debian's: names, and where files go."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeinstall.lab.rpms import listed, moved, requirement

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("depends", "requires"),
    [
        ("iptables (>= 1.4.21)", "iptables >= 1.4.21"),
        ("libc6 (>= 2.34)", "glibc >= 2.34"),
        ("iproute2", "iproute"),
        ("socat", "socat"),
    ],
)
def test_a_dependency_in_rpms_words(depends: str, requires: str) -> None:
    assert requirement(depends) == requires


def test_files_are_where_a_system_with_rpm_has_them(tmp_path: Path) -> None:
    for name, text in {
        "lib/systemd/system/kubelet.service": "[Unit]\n",
        "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": "=-/etc/default/kubelet\n",
        "etc/default/kubelet": "KUBELET_EXTRA_ARGS=\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    moved(tmp_path)
    unit = "/usr/lib/systemd/system/kubelet.service"
    drop_in = f"{unit}.d/10-kubeadm.conf"
    assert listed(tmp_path) == ["%config(noreplace) /etc/sysconfig/kubelet", unit, drop_in]
    assert (tmp_path / drop_in.lstrip("/")).read_text() == "=-/etc/sysconfig/kubelet\n"
