"""From a file to a Cluster: positions, references, secrets, unreadable files."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from kubeinstall.findings import Finding, KubeinstallError
from kubeinstall.inventory.load import load, load_with_warnings
from kubeinstall.inventory.model import LAB_FOLDER, Cluster, Firewall
from kubeinstall.releases import Version

pytestmark = pytest.mark.unit

INVENTORY = """\
cluster:
  kubernetes: 1.36.2
groups:
  control_plane:
    taints: []
    hosts:
      cp1: {address: 10.0.0.11}
"""


def write(folder: Path, text: str = INVENTORY) -> Path:
    path = folder / "kubeinstall.yaml"
    path.write_text(text)
    return path


def errors(path: Path, environ: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    with pytest.raises(KubeinstallError) as raised:
        load(path, environ or {})
    return raised.value.findings


def with_ssh(ssh: str) -> str:
    return INVENTORY + f"defaults:\n  ssh: {ssh}\n"


def test_the_smallest(tmp_path: Path) -> None:
    path = write(tmp_path)
    cluster = load(path, {})
    assert cluster.version == Version(1, 36, 2)
    assert cluster.inventory_file == path
    assert cluster.spec.network.services == IPv4Network("10.96.0.0/16")
    [host] = cluster.hosts
    assert (host.name, host.hostname, host.address, host.node_ip) == (
        "cp1",
        "cp1",
        "10.0.0.11",
        "10.0.0.11",
    )
    assert host.taints == ()
    assert cluster.endpoint == "10.0.0.11:6443"


def test_words_of_yaml_1_1_are_text(tmp_path: Path) -> None:
    text = INVENTORY.replace(
        "1.36.2", "v1.36.2\n  firewall: off\n  kubeadm: {token_ttl: 0, api_server_args: {c: 1:30}}"
    )
    text = text.replace("taints: []", "taints: []\n    labels: {a: yes, b: 012}")
    cluster = load(write(tmp_path, text), {})
    assert cluster.spec.firewall is Firewall.OFF
    assert cluster.spec.kubernetes == "1.36.2"
    assert cluster.spec.kubeadm.token_ttl == "0"
    assert cluster.first.labels == {"a": "yes", "b": "012"}
    assert cluster.spec.kubeadm.api_server_args == {"c": "1:30"}


def test_anchors_are_read(tmp_path: Path) -> None:
    text = INVENTORY + "  workers:\n    labels: &l {a: b}\n    hosts:\n"
    text += "      w1: {address: 10.0.0.12, labels: *l}\n"
    assert load(write(tmp_path, text), {}).workers[0].labels == {"a": "b"}


class TestReferences:
    def test_in_any_text(self, tmp_path: Path) -> None:
        text = INVENTORY.replace("10.0.0.11", '"10.0.0.${LAST}"')
        text += (
            "defaults: {ssh: {user: '${ME}', port: '${PORT}'}, kubelet: {extra_args: {a: x$y}}}\n"
        )
        environ = {"LAST": "7", "ME": "admin", "PORT": "2222"}
        [host] = load(write(tmp_path, text), environ).hosts
        assert (host.address, host.ssh.user, host.ssh.port) == ("10.0.0.7", "admin", 2222)
        assert host.kubelet.extra_args == {"a": "x$y"}

    def test_escaped(self, tmp_path: Path) -> None:
        text = INVENTORY.replace("1.36.2", "1.36.2\n  kubeadm: {api_server_args: {a: '$${X}${Y}'}}")
        cluster = load(write(tmp_path, text), {"Y": "${X}"})
        assert cluster.spec.kubeadm.api_server_args == {"a": "${X}${X}"}

    def test_a_wrong_value_from_the_environment_is_not_shown(self, tmp_path: Path) -> None:
        text = with_ssh("{user: '${TOKEN}'}")
        [finding] = errors(write(tmp_path, text), {"TOKEN": "not a login"})
        assert finding.what.startswith('defaults.ssh.user: "${TOKEN}"')
        assert "not a login" not in str(finding).replace("is not a login name", "")


class TestSecrets:
    def test_from_the_environment(self, tmp_path: Path) -> None:
        path = write(tmp_path, with_ssh("{user: admin, sudo_password: '${PW}'}"))
        cluster, warnings = load_with_warnings(path, {"PW": "hunter2"})
        secret = cluster.first.ssh.sudo_password
        assert secret is not None
        assert secret.get_secret_value() == "hunter2"
        assert "hunter2" not in repr(cluster)
        assert warnings == ()

    def test_from_a_file_beside_the_inventory(self, tmp_path: Path) -> None:
        (tmp_path / "pw").write_text("hunter2 \n")
        (tmp_path / "pw").chmod(0o600)
        path = write(tmp_path, with_ssh("{password: {file: pw}}"))
        cluster, warnings = load_with_warnings(path, {})
        secret = cluster.first.ssh.password
        assert secret is not None
        assert secret.get_secret_value() == "hunter2 "
        assert warnings == ()

    def test_a_file_for_all_eyes_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "pw").write_text("hunter2\n")
        (tmp_path / "pw").chmod(0o644)
        path = write(tmp_path, with_ssh("{password: {file: pw}}"))
        [warning] = load_with_warnings(path, {})[1]
        assert warning.severity == "warning"
        assert "mode 644" in warning.what
        assert warning.next == f"chmod 600 {tmp_path / 'pw'}"

    def test_in_the_inventory_is_told(self, tmp_path: Path) -> None:
        path = write(tmp_path, with_ssh("{password: hunter2}"))
        [warning] = load_with_warnings(path, {})[1]
        assert warning.where == f"{path}:9:19"
        assert "hunter2" not in str(warning)

    def test_for_root_is_told(self, tmp_path: Path) -> None:
        path = write(tmp_path, with_ssh("{sudo_password: '${PW}'}"))
        [warning] = load_with_warnings(path, {"PW": "x"})[1]
        assert warning.where == f"{path}:9:9"
        assert "root" in warning.what


class TestFiles:
    def test_missing_key_is_an_error_unless_a_lab_may_make_it(self, tmp_path: Path) -> None:
        path = write(tmp_path, with_ssh("{key: id}"))
        [finding] = errors(path)
        assert finding.where == f"{path}:9:14"
        cluster, [warning] = load_with_warnings(path, {}, files_must_exist=False)
        assert warning.what == finding.what
        assert warning.severity == "warning"
        assert cluster.first.ssh.key == tmp_path / "id"
        assert load(path, {}, files_must_exist=False) == cluster

    def test_key_for_all_eyes_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "id").write_text("key")
        (tmp_path / "id").chmod(0o640)
        [warning] = load_with_warnings(write(tmp_path, with_ssh("{key: id}")), {})[1]
        assert "mode 640" in warning.what

    def test_known_hosts_may_come_later_with_accept_new(self, tmp_path: Path) -> None:
        path = write(tmp_path, with_ssh("{known_hosts: kh, host_keys: accept-new}"))
        assert load(path, {}).first.ssh.known_hosts == tmp_path / "kh"

    def test_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "id").touch(mode=0o600)
        path = write(tmp_path, with_ssh("{key: ~/id}"))
        assert load(path, {}).first.ssh.key == tmp_path / "id"


@pytest.mark.parametrize(
    ("ssh", "told"),
    [
        ('{key: "a\\0b"}', "control character"),
        ("{key: " + "a" * 300 + "}", "no such file"),
        ("{key: ~nobody-of-that-name/id}", "no such file"),
        ("{password: {file: ~nobody-of-that-name/pw}}", "cannot be read"),
        ('{user: "a\\nb"}', "not a login name"),
        ('{user: "\x85', "not closed"),
    ],
)
def test_odd_values(tmp_path: Path, ssh: str, told: str) -> None:
    [finding] = errors(write(tmp_path, with_ssh(ssh)))
    assert told in finding.what


@pytest.mark.parametrize(
    ("key", "more", "told"),
    [
        (f"{LAB_FOLDER}/t/id_ed25519", "lab: {subnet: 10.0.0.0/24}", "lab up"),
        (
            f"{LAB_FOLDER}/another/id_ed25519",
            "lab: {subnet: 10.0.0.0/24}",
            "use a file that exists",
        ),
        ("~/no-such-key", "lab: {subnet: 10.0.0.0/24}", "use a file that exists"),
        (f"{LAB_FOLDER}/t/id_ed25519", "", "use a file that exists"),
        (".vagrant/machines/cp1/key", "vagrant: {box: b/b, cpus: 2, memory: 2048}", "vagrant up"),
        ("no-such-key", "vagrant: {box: b/b, cpus: 2, memory: 2048}", "use a file that exists"),
    ],
)
def test_what_makes_a_missing_key_is_said_where_it_is_true(
    tmp_path: Path, key: str, more: str, told: str
) -> None:
    text = f"""
cluster: {{name: t, kubernetes: 1.36.2}}
groups:
  control_plane:
    taints: []
    hosts: {{cp1: {{address: 10.0.0.11, ssh: {{key: {key}}}}}}}
{more}
"""
    [finding] = [f for f in errors(write(tmp_path, text)) if "no such file" in f.what]
    assert told in finding.next


class TestUnreadable:
    def test_missing(self, tmp_path: Path) -> None:
        [finding] = errors(tmp_path / "none.yaml")
        assert finding.what == "there is no such file"
        assert "kubeinstall init" in finding.next

    def test_folder(self, tmp_path: Path) -> None:
        [finding] = errors(tmp_path)
        assert finding.what == "it is a folder, not a file"

    def test_forbidden(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(path: Path) -> bytes:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(Path, "read_bytes", refuse)
        [finding] = errors(tmp_path / "kubeinstall.yaml")
        assert finding.what == "it cannot be read: Permission denied"

    def test_binary(self, tmp_path: Path) -> None:
        path = tmp_path / "kubeinstall.yaml"
        path.write_bytes(b"cluster:\n  name: \xff\xfe\n")
        [finding] = errors(path)
        assert finding.what == "it is not UTF-8 text"
        assert finding.where == f"{path}:2:9"

    def test_control_characters(self, tmp_path: Path) -> None:
        [finding] = errors(write(tmp_path, "cluster:\n  name: a\x00b\n"))
        assert finding.where.endswith(":2:10")

    def test_too_large(self, tmp_path: Path) -> None:
        assert "larger" in errors(write(tmp_path, "#" * (1 << 20) + "\n"))[0].what

    def test_nested_too_deeply(self, tmp_path: Path) -> None:
        assert "deeply" in errors(write(tmp_path, "a: " + "[" * 5000))[0].what

    def test_byte_order_mark_is_no_trouble(self, tmp_path: Path) -> None:
        assert load(write(tmp_path, "\ufeff" + INVENTORY), {}).first.name == "cp1"


def big(hosts: int) -> str:
    lines = [INVENTORY, "  workers:\n    hosts:\n"]
    for n in range(hosts):
        lines.append(f"      w{n}: {{address: 10.{1 + n // 250}.0.{1 + n % 250}}}\n")
    return "".join(lines)


def test_a_big_inventory_takes_no_time(tmp_path: Path) -> None:
    path = write(tmp_path, big(250))
    started = time.process_time()
    cluster: Cluster = load(path, {})
    assert len(cluster.workers) == 250
    assert time.process_time() - started < 2


def test_loading_needs_neither_pyinfra_nor_ssh(tmp_path: Path) -> None:
    path = write(tmp_path)
    code = (
        "import sys; from pathlib import Path; from kubeinstall.inventory.load import load;"
        f"load(Path({str(path)!r}));"
        "print([m for m in ('pyinfra', 'paramiko', 'gevent', 'click') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_file_is_not_touched(tmp_path: Path) -> None:
    path = write(tmp_path)
    before = path.stat()
    load(path, {})
    after = path.stat()
    assert (after.st_mtime_ns, stat.S_IMODE(after.st_mode)) == (
        before.st_mtime_ns,
        stat.S_IMODE(before.st_mode),
    )
