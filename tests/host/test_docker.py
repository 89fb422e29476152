"""Docker on a real host: its configuration, private registries, cri-dockerd, docker-ce and back.

The tests run in order on one host. What cannot be had from Debian has a stand-in that does nothing
but start: docker-ce's packages with the relations of the real ones, and a cri-dockerd. So they show
how these are installed and verified, not that they work.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.lab.mirror.repository import sign
from tests.host.lone import Lone, lone_host

pytestmark = [pytest.mark.host, pytest.mark.timeout(900)]

NETWORK = "10.85.12"
DOCKER = {"name": "docker"}
DAEMON = "/etc/docker/daemon.json"
FLAGS = "/etc/default/docker"
SAME_FLAG = "--exec-opt native.cgroupdriver=systemd"
REGISTRY = f"{NETWORK}.11:5443"
LOGIN = {"username": "robot", "password": "not-for-everyone"}


@pytest.fixture(scope="module")
def h1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with lone_host("test-docker", NETWORK, tmp_path_factory.mktemp("lab")) as lone:
        lone.sh("mkdir -p /etc/docker")
        # A log driver that its options belong to, and a flag that says what we want anyway.
        mine = {"debug": True, "insecure-registries": ["mine.example.org"], "log-driver": "gelf"}
        mine["log-opts"] = {"gelf-address": "udp://192.0.2.1:12201", "tag": "mine"}
        lone.sh(f"echo '{json.dumps(mine)}' > {DAEMON}; chmod 640 {DAEMON}")
        lone.sh(f"echo 'DOCKER_OPTS=\"{SAME_FLAG}\"' > {FLAGS}")
        yield lone


def daemon(h1: Lone) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(h1.sh(f"cat {DAEMON}"))
    return document


def started(h1: Lone, unit: str = "docker") -> str:
    return h1.sh(f"systemctl show -p ExecMainStartTimestampMonotonic {unit}")


def with_registry(name: str, **settings: Any) -> dict[str, Any]:
    return {**DOCKER, "registries": {name: settings or {"insecure": True}}}


def test_the_users_settings_stay(h1: Lone) -> None:
    changed = h1.changed("runtime", runtime=DOCKER)
    assert "Install docker.io" in changed
    assert "Configure Docker" in changed
    found = daemon(h1)
    assert found["debug"] is True
    assert found["insecure-registries"] == ["mine.example.org"]
    assert found["log-driver"] == "json-file"
    assert found["log-opts"] == {"max-size": "10m", "max-file": "5", "tag": "mine"}
    assert "exec-opts" not in found
    assert h1.sh("docker info -f '{{.CgroupDriver}} {{.LoggingDriver}}'") == "systemd json-file\n"
    assert h1.sh(f"stat -c %a {DAEMON}").strip() == "640"
    assert '"gelf"' in h1.sh(f"cat {DAEMON}.before-kubeinstall")
    assert h1.changed("runtime", runtime=DOCKER) == []


def test_what_the_user_adds_later_stays_and_ours_are_put_back(h1: Lone) -> None:
    found = {**daemon(h1), "max-concurrent-downloads": 2, "log-driver": "none"}
    h1.sh(f"echo '{json.dumps(found)}' > {DAEMON}")
    assert h1.changed("runtime", runtime=DOCKER) == ["Configure Docker", "Run Docker"]
    assert daemon(h1) == {**found, "log-driver": "json-file"}
    assert h1.changed("runtime", runtime=DOCKER) == []


def test_a_flag_that_says_otherwise_is_refused_before_anything_is_changed(h1: Lone) -> None:
    before = h1.sh(f"cat {DAEMON}; stat -c %Y {DAEMON}")
    h1.sh(f"echo 'DOCKER_OPTS=\"{SAME_FLAG} --log-driver=syslog\"' > {FLAGS}")
    for _ in range(2):
        ran, changed = h1.up("hosts", "runtime", runtime=DOCKER)
        assert (ran.code, changed) == (12, []), ran.text
        assert f"{DAEMON} sets log-driver, and DOCKER_OPTS in {FLAGS} sets --log-driver" in ran.text
    assert h1.sh(f"cat {DAEMON}; stat -c %Y {DAEMON}") == before
    h1.sh(f"rm {FLAGS}")
    assert h1.changed("runtime", runtime=DOCKER) == ["Configure Docker", "Run Docker"]
    assert daemon(h1)["exec-opts"] == ["native.cgroupdriver=systemd"]
    assert h1.changed("runtime", runtime=DOCKER) == []


def test_a_file_that_docker_does_not_start_with_is_taken_back(h1: Lone) -> None:
    before = h1.sh(f"cat {DAEMON} /etc/docker/daemon.kubeinstall.json")
    ran, _ = h1.up("runtime", runtime={**DOCKER, "config": {"storage-driver": "no-such"}})
    assert ran.code == 13, ran.text
    assert f"docker.service does not start with the new {DAEMON}" in ran.text
    assert "was restored, and it runs again" in ran.text
    assert "no-such" in ran.text
    assert h1.sh(f"cat {DAEMON} /etc/docker/daemon.kubeinstall.json") == before
    assert h1.sh("systemctl is-active docker; ls /var/lib/kubeinstall/undo") == "active\n"
    assert h1.changed("runtime", runtime=DOCKER) == []


def test_a_registry_comes_and_goes_without_a_restart(h1: Lone) -> None:
    before = started(h1)
    runtime = with_registry("other.example.org")
    assert h1.changed("runtime", runtime=runtime) == ["Configure Docker"]
    assert "other.example.org" in h1.sh("docker info -f '{{.RegistryConfig.IndexConfigs}}'")
    assert h1.changed("runtime", runtime=runtime) == []
    assert h1.changed("runtime", runtime=DOCKER) == ["Configure Docker"]
    assert daemon(h1)["insecure-registries"] == ["mine.example.org"]
    assert started(h1) == before


def test_what_would_keep_docker_from_starting_is_told_first(h1: Lone) -> None:
    before = h1.sh(f"cat {DAEMON}; stat -c %Y {DAEMON}")
    runtime = {**DOCKER, "config": {"hosts": ["tcp://127.0.0.1:2375"]}}
    ran, changed = h1.up("runtime", runtime=runtime)
    assert (ran.code, changed) == (12, []), ran.text
    assert "Docker would not start: /etc/docker/daemon.json sets hosts" in ran.text
    assert h1.sh(f"cat {DAEMON}; stat -c %Y {DAEMON}") == before
    h1.sh(f"cp -a {DAEMON} /root/saved; sed -i 's/true,/true/' {DAEMON}")
    ran, changed = h1.up("runtime", runtime=DOCKER)
    assert (ran.code, changed) == (12, []), ran.text
    assert "/etc/docker/daemon.json cannot be read" in ran.text
    assert "line 3, column" in ran.text
    h1.sh(f"mv /root/saved {DAEMON}; systemctl is-active docker")
    assert h1.changed("runtime", runtime=DOCKER) == []


@pytest.fixture(scope="module")
def ca(h1: Lone) -> Path:
    """A registry on the host that wants a login, and the CA of its certificate."""
    folder = h1.folder
    openssl = functools.partial(subprocess.run, cwd=folder, check=True, capture_output=True)
    new = ("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl([*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=a CA"])
    openssl([*new, "-keyout", "tls.key", "-out", "tls.csr", "-subj", "/CN=registry"])
    (folder / "names").write_text(f"subjectAltName=IP:{NETWORK}.11\n")
    given = ("-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    openssl(["openssl", "x509", "-req", *given, "-extfile", "names", "-out", "tls.crt"])
    h1.sh(
        "export DEBIAN_FRONTEND=noninteractive; apt-get install -yq --no-install-recommends"
        " docker-registry apache2-utils >/dev/null 2>&1; cd /etc/docker/registry;"
        f"echo '{(folder / 'tls.crt').read_text()}' > tls.crt;"
        f"echo '{(folder / 'tls.key').read_text()}' > tls.key;"
        f"htpasswd -Bbn {LOGIN['username']} {LOGIN['password']} > users;"
        "chown docker-registry tls.key users; chmod 600 tls.key; cat > config.yml <<'END'\n"
        "version: 0.1\n"
        "storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}\n"
        "http: {addr: ':5443', tls: {certificate: /etc/docker/registry/tls.crt,"
        " key: /etc/docker/registry/tls.key}}\n"
        "auth: {htpasswd: {realm: lab, path: /etc/docker/registry/users}}\n"
        "END\nsystemctl restart docker-registry"
    )
    return folder / "ca.pem"


def pull(h1: Lone) -> str:
    image = f"{REGISTRY}/private/nothing:1"
    return h1.sh(f"docker rmi -f {image} >/dev/null 2>&1; docker pull -q {image} 2>&1 || true")


def test_a_private_registry(h1: Lone, ca: Path) -> None:
    assert "certificate" in pull(h1)
    h1.changed("runtime", runtime=with_registry(REGISTRY, ca=str(ca)))
    assert "no basic auth credentials" in pull(h1)
    runtime = with_registry(REGISTRY, ca=str(ca), **LOGIN)
    ran, changed = h1.up("runtime", runtime=runtime)
    assert ran.code == 0, ran.text
    assert changed == [f"Write registry logins for {who}" for who in ("docker", "the kubelet")]
    events = (h1.folder / "events.jsonl").read_text()
    assert LOGIN["password"] not in ran.text + events
    h1.sh(
        "tar c -C /etc hostname | docker import - nothing >/dev/null;"
        f"docker tag nothing {REGISTRY}/private/nothing:1;"
        f"docker push -q {REGISTRY}/private/nothing:1"
    )
    assert pull(h1).strip() == f"{REGISTRY}/private/nothing:1"
    for path in ("/root/.docker/config.json", "/var/lib/kubelet/config.json"):
        assert h1.sh(f"stat -c '%a %U' {path}").strip() == "600 root"
    assert h1.changed("runtime", runtime=runtime) == []


def test_a_login_that_is_no_longer_wanted_goes(h1: Lone, ca: Path) -> None:
    h1.changed("runtime", runtime=with_registry(REGISTRY, ca=str(ca)))
    assert "no basic auth credentials" in pull(h1)
    h1.sh("! test -e /root/.docker/config.json && ! test -e /var/lib/kubelet/config.json")
    title = "Remove CAs of registries that no longer need one"
    assert h1.changed("runtime", runtime=DOCKER) == [title]
    h1.sh(f"! test -e /etc/docker/certs.d/{REGISTRY}")


# It tells systemd that it is ready, as cri-dockerd does, and then does nothing.
STAND_IN = """\
#!/usr/bin/perl
use Socket;
socket(my $to, AF_UNIX, SOCK_DGRAM, 0) or die;
send($to, "READY=1", 0, sockaddr_un($ENV{NOTIFY_SOCKET})) or die;
sleep 1 while 1; # VERSION
"""


def archive(path: Path, version: str) -> dict[str, str]:
    """An archive in the layout of cri-dockerd's: what the inventory says of it."""
    program = STAND_IN.replace("VERSION", version).encode()
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo("cri-dockerd/cri-dockerd")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    return {"file": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def with_cri_dockerd(settings: dict[str, str]) -> dict[str, Any]:
    return {"kubernetes": "1.36.2", "runtime": {**DOCKER, "cri_dockerd": settings}}


@pytest.fixture(scope="module")
def web(h1: Lone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder and the URL that the host reaches it by."""
    top = tmp_path_factory.mktemp("web")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=top)
    server = ThreadingHTTPServer((f"{h1.network}.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield top, f"http://{h1.network}.1:{server.server_port}"
    server.shutdown()


def test_cri_dockerd(h1: Lone, tmp_path: Path, web: tuple[Path, str]) -> None:
    cluster = with_cri_dockerd(archive(tmp_path / "cri-dockerd.tgz", "one"))
    changed = h1.changed("runtime", **cluster)
    assert changed == [
        "Write the CRI socket unit",
        "Write the cri-dockerd unit",
        "Install cri-dockerd",
        "Open the CRI socket",
        "Run cri-dockerd",
        "Configure crictl",
    ]
    assert h1.sh("systemctl is-active cri-docker.socket cri-docker.service") == "active\nactive\n"
    assert h1.sh("stat -c '%a %G' /run/cri-dockerd.sock").strip() == "660 docker"
    assert h1.changed("runtime", **cluster) == []
    h1.sh("echo >> /usr/local/bin/cri-dockerd; systemctl stop cri-docker.service")
    changed = h1.changed("runtime", **cluster)
    assert changed == ["Install cri-dockerd", "Open the CRI socket", "Run cri-dockerd"]
    # Another one, which the host fetches.
    top, url = web
    other = archive(top / "cri-dockerd.tgz", "two")
    before = started(h1, "cri-docker")
    cluster = with_cri_dockerd({"url": f"{url}/cri-dockerd.tgz", "sha256": other["sha256"]})
    assert h1.changed("runtime", **cluster) == ["Install cri-dockerd", "Run cri-dockerd"]
    assert started(h1, "cri-docker") != before
    assert "two" in h1.sh("cat /usr/local/bin/cri-dockerd")
    assert h1.changed("runtime", **cluster) == []


def test_a_cri_dockerd_with_another_checksum_is_not_installed(
    h1: Lone, web: tuple[Path, str]
) -> None:
    top, url = web
    good = hashlib.sha256((top / "cri-dockerd.tgz").read_bytes()).hexdigest()
    archive(top / "changed.tgz", "bad")
    ran, changed = h1.up(
        "runtime", **with_cri_dockerd({"url": f"{url}/changed.tgz", "sha256": "0" * 64})
    )
    assert (ran.code, changed) == (13, []), ran.text
    assert f"not {'0' * 64}: nothing was installed" in ran.text
    assert "two" in h1.sh("cat /usr/local/bin/cri-dockerd")
    cluster = with_cri_dockerd({"url": f"{url}/cri-dockerd.tgz", "sha256": good})
    assert h1.changed("runtime", **cluster) == []


SERVICE = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
# As the real ones have them.
SCRIPTS = {
    "postinst": "deb-systemd-helper unmask docker.service >/dev/null; systemctl daemon-reload",
    "prerm": "deb-systemd-invoke stop docker.service",
}
RELATIONS = {
    "docker-ce": "Depends: docker-ce-cli, containerd.io\nConflicts: docker.io\n",
    "docker-ce-cli": "Conflicts: docker.io\n",
    "containerd.io": "Conflicts: containerd, runc\nReplaces: containerd, runc\n"
    "Provides: containerd, runc\n",
}


@pytest.fixture(scope="module")
def repository(h1: Lone, web: tuple[Path, str]) -> dict[str, str]:
    """A signed repository in the layout of Docker's."""
    top, url = web
    folder = top / "linux" / "debian"
    machine = h1.sh("dpkg --print-architecture").strip()
    codename = h1.sh(". /etc/os-release; echo $VERSION_CODENAME").strip()
    index = folder / "dists" / codename / "stable" / f"binary-{machine}"
    index.mkdir(parents=True)
    for name, relations in RELATIONS.items():
        root = folder / "pool" / name
        (root / "DEBIAN").mkdir(parents=True)
        (root / "DEBIAN" / "control").write_text(
            f"Package: {name}\nVersion: 5:99.0-1\nArchitecture: {machine}\n{relations}"
            "Maintainer: nobody <root@localhost>\nDescription: a stand-in\n"
        )
        if name == "docker-ce":
            unit = root / "usr/lib/systemd/system/docker.service"
            unit.parent.mkdir(parents=True)
            unit.write_text(SERVICE)
            for script, text in SCRIPTS.items():
                (root / "DEBIAN" / script).write_text(f"#!/bin/sh\n{text}\n")
                (root / "DEBIAN" / script).chmod(0o755)
        build = ["dpkg-deb", "--root-owner-group", "--build", str(root), f"{root}.deb"]
        subprocess.run(build, check=True, capture_output=True)
    ask = functools.partial(subprocess.run, check=True, capture_output=True, cwd=folder, text=True)
    (index / "Packages").write_text(ask(["apt-ftparchive", "packages", "pool"]).stdout)
    release = index.parent.parent
    settings = {"Suite": codename, "Codename": codename, "Components": "stable"}
    settings["Architectures"] = machine
    given = [f"-oAPT::FTPArchive::Release::{name}={text}" for name, text in settings.items()]
    told = ask(["apt-ftparchive", *given, "release", release])
    (release / "Release").write_text(told.stdout)
    sign(release, top / "gnupg")
    key = top / "key.asc"
    key.write_text((release / "Release.key").read_text())
    return {"url": f"{url}/linux", "key": str(key)}


def packages(h1: Lone) -> set[str]:
    names = "docker.io docker-ce docker-ce-cli containerd.io containerd"
    form = "${db:Status-Status} ${Package}\\n"
    lines = h1.sh(f"dpkg-query -W -f '{form}' {names} 2>/dev/null || true").splitlines()
    return {line.split()[1] for line in lines if line.startswith("installed ")}


def test_docker_ce_takes_the_place_of_docker_io_and_back(
    h1: Lone, repository: dict[str, str]
) -> None:
    assert packages(h1) == {"docker.io", "containerd"}
    runtime = {**DOCKER, "package": "docker-ce", "repository": repository}
    changed = h1.changed("runtime", runtime=runtime)
    title = "Replace {1} with {0}, which stops all containers"
    assert title.format("docker-ce", "docker.io, containerd") in changed
    assert packages(h1) == {"docker-ce", "docker-ce-cli", "containerd.io"}
    assert "sleep" in h1.sh("systemctl show -p ExecStart docker; systemctl is-active docker")
    assert h1.changed("runtime", runtime=runtime) == []
    changed = h1.changed("runtime", runtime=DOCKER)
    assert title.format("docker.io", "docker-ce, docker-ce-cli, containerd.io") in changed
    assert packages(h1) == {"docker.io", "containerd"}
    assert h1.sh("docker info -f '{{.CgroupDriver}}'") == "systemd\n"
    assert h1.changed("runtime", runtime=DOCKER) == []
