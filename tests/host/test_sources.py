"""Package sources on a real host: keys that are renewed, keys that changed, sources switched.

The tests run in order on one host. The source is served by https, with an authority that the host
trusts, and signed by a key of its own.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import ipaddress
import re
import ssl
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from kubeinstall.facts.signing_keys import SigningKeys
from kubeinstall.lab.mirror.debs import Package
from kubeinstall.lab.mirror.repository import Key, sign, write_index
from kubeinstall.lab.mirror.shell import run
from tests.host.lone import Lone, lone_host
from tests.running import kubeinstall

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]

NETWORK = "10.89.53"
KEYRING = "/etc/apt/keyrings/kubernetes-apt-keyring.asc"
FETCH = "Download the signing key of Kubernetes"
NAME = "Configure the package source of Kubernetes"
PACKAGES = ("kubelet", "kubeadm", "kubectl")


@pytest.fixture(scope="module")
def h1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with lone_host("test-sources", NETWORK, tmp_path_factory.mktemp("lab")) as lone:
        yield lone


@dataclass(frozen=True)
class Source:
    """A package source at ``/first`` and ``/second`` of a server.

    Args:
        top: the folder that is served.
        url: of the server.
    """

    top: Path
    url: str

    @property
    def folder(self) -> Path:
        return self.top / "first/core:/stable:/v1.36/deb"

    def settings(self, path: str = "first", **packages: Any) -> dict[str, Any]:
        """The inventory's ``cluster`` section."""
        return {"kubernetes": "1.36.2", "packages": {"url": f"{self.url}/{path}", **packages}}

    def ends_in(self, days: int, home: str = "gnupg") -> str:
        """Move the end of the signing key that is published; its fingerprint."""
        published = self.folder / "Release.key"
        (fingerprint,) = SigningKeys.read(published.read_text()).fingerprints
        key = Key(self.top.parent / home)
        gpg: list[str | Path] = ["gpg", "--homedir", key.home, "--batch", "--quiet"]
        gpg += ["--pinentry-mode", "loopback", "--passphrase", ""]
        run([*gpg, "--quick-set-expire", fingerprint, f"{days}d"])
        published.write_text(key.public(fingerprint))
        key.close()
        return fingerprint


@pytest.fixture(scope="module")
def source(h1: Lone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """Packages with nothing in them, served by https."""
    home = tmp_path_factory.mktemp("source")
    machine = h1.sh("dpkg --print-architecture").strip()
    made = Source(home / "www", "")
    made.folder.mkdir(parents=True)
    for name in PACKAGES:
        unit = {"usr/lib/systemd/system/kubelet.service": "[Service]\nExecStart=/bin/true\n"}
        texts = unit if name == "kubelet" else {}
        Package(name, "1.36.2", "nothing much", texts=texts).build(home, made.folder, machine)
    write_index(made.folder, "1.36", machine)
    sign(made.folder, home / "gnupg")
    (made.top / "second").symlink_to("first")
    certificate = authority(home)
    h1.sh(
        "apt-get update -q >/dev/null && apt-get install -yq ca-certificates >/dev/null 2>&1;"
        f"echo '{certificate.read_text()}' > /usr/local/share/ca-certificates/test.crt;"
        "update-ca-certificates >/dev/null 2>&1"
    )
    handler = functools.partial(SimpleHTTPRequestHandler, directory=made.top)
    server = ThreadingHTTPServer((f"{NETWORK}.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, home / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Source(made.top, f"https://{NETWORK}.1:{server.server_port}")
    server.shutdown()


def authority(folder: Path) -> Path:
    """A certificate for the server that signed itself; its key is ``key.pem`` beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address(f"{NETWORK}.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    path = folder / "certificate.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return path


def key_on_host(h1: Lone) -> SigningKeys:
    return SigningKeys.read(h1.sh(f"cat {KEYRING}"))


def test_a_source_out_of_reach_is_told_with_one_that_is_reached(h1: Lone) -> None:
    names = "mirrors.tuna.tsinghua.edu.cn registry.aliyuncs.com"
    h1.sh(f"cp /etc/hosts /root/hosts; echo {NETWORK}.1 {names} >> /etc/hosts")
    with ThreadingHTTPServer((f"{NETWORK}.1", 443), SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ran, _ = h1.up("preflight", kubernetes="1.36.2", packages={})
        server.shutdown()
    h1.sh("cp /root/hosts /etc/hosts")
    assert ran.code == 12, ran.text
    assert "does not reach pkgs.k8s.io:443" in ran.text
    assert "set cluster.source: tuna, which h1 reaches" in ran.text


def test_the_sources_own_key_is_fetched(h1: Lone, source: Source) -> None:
    fingerprint = source.ends_in(20)
    inventory = h1.inventory(**source.settings())
    plan = kubeinstall("plan", "-i", inventory, "--only", "packages")
    assert plan.code == 2, plan.text
    changed = h1.changed("packages", **source.settings())
    assert FETCH in changed
    assert NAME in changed
    assert key_on_host(h1).fingerprints == {fingerprint}


def test_a_key_that_ends_soon_is_no_change_until_the_source_has_renewed_it(
    h1: Lone, source: Source
) -> None:
    assert h1.changed("packages", **source.settings()) == []
    source.ends_in(400)
    assert h1.changed("packages", **source.settings()) == [FETCH]
    assert h1.changed("packages", **source.settings()) == []
    h1.sh("apt-get update -q 2>&1 | grep -E '^(W|E):' && exit 1 || true")


def test_a_source_that_another_file_names_is_refused_with_the_command_that_helps(
    h1: Lone, source: Source
) -> None:
    url = f"{source.url}/first/core:/stable:/v1.36/deb"
    folder = "/etc/apt/sources.list.d"
    deb822 = f"Types: deb\\nURIs: {url}\\nSuites: /\\nSigned-By: /root/other.asc\\n"
    h1.sh(
        f"printf '# mine\\ndeb {url} /\\n' > {folder}/a.list;printf '{deb822}' > {folder}/b.sources"
    )
    h1.sh(f"rm {folder}/kubernetes.list")
    for file in ("a.list, line 2", "b.sources, line 1"):
        ran, changed = h1.up("packages", **source.settings())
        assert (ran.code, changed) == (12, []), ran.text
        assert f"{folder}/{file}, also configures the package source of Kubernetes" in ran.text
        (then,) = re.findall(r"next: on h1: (sed -i .*)", ran.text)
        h1.sh(then)
    assert h1.changed("packages", **source.settings()) == [NAME]
    assert h1.changed("packages", **source.settings()) == []
    h1.sh(f"apt-get indextargets >/dev/null && rm {folder}/a.list {folder}/b.sources")


def test_a_source_is_switched_and_no_package_is_touched(h1: Lone, source: Source) -> None:
    before = h1.sh("stat -c %Y.%s /var/lib/dpkg/status")
    assert h1.changed("packages", **source.settings("second")) == [NAME]
    assert "/second/core:/stable:/v1.36/deb/" in h1.sh("cat /etc/apt/sources.list.d/*.list")
    assert h1.changed("packages", **source.settings("second")) == []
    assert h1.sh("stat -c %Y.%s /var/lib/dpkg/status") == before
    assert h1.changed("packages", **source.settings()) == [NAME]


def test_a_key_that_changed_is_told_and_not_taken(h1: Lone, source: Source) -> None:
    old = key_on_host(h1).fingerprints
    (source.folder / "Release.key").unlink()
    sign(source.folder, source.top.parent / "other")
    new = source.ends_in(400, "other")
    h1.sh("apt-mark unhold kubectl; dpkg --purge kubectl")
    ran, _ = h1.up("packages", **source.settings())
    assert ran.code == 13, ran.text
    assert "Traceback" not in ran.text
    assert f"is {new}, not {min(old)}" in ran.text
    assert "cluster.packages.key_fingerprints" in ran.text
    assert key_on_host(h1).fingerprints == old
    assert "kubectl" not in h1.sh("dpkg-query -W -f '${Package} ${db:Status-Status}\\n' 'kube*'")
    named = source.settings(key_fingerprints=[new])
    assert FETCH in h1.changed("packages", **named)
    assert key_on_host(h1).fingerprints == {new}
    assert h1.changed("packages", **named) == []


def test_a_key_that_is_not_there_is_told(h1: Lone, source: Source) -> None:
    h1.sh(f"rm {KEYRING}")
    ran, _ = h1.up("packages", **source.settings("nowhere"))
    assert ran.code == 13, ran.text
    assert "the signing key could not be downloaded from" in ran.text
    assert "404" in ran.text


def test_reset_takes_the_source_away_too(h1: Lone, source: Source) -> None:
    h1.changed("packages", **source.settings())
    kubeinstall("reset", "-y", "--packages", "-i", h1.inventory(**source.settings())).ok()
    assert h1.sh(f"ls {KEYRING} /etc/apt/sources.list.d/kubernetes.list 2>/dev/null || true") == ""
    assert (
        h1.sh("dpkg-query -W -f '${db:Status-Status}\\n' 'kube*' | grep -c ^ins || true") == "0\n"
    )


ARCHIVES = "/var/lib/kubeinstall/packages"
UNPACK = "Unpack the archive of packages"


@pytest.fixture(scope="module")
def archive(source: Source) -> Path:
    """A tar with a folder of packages."""
    path = source.top / "kubernetes.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for deb in source.folder.glob("*.deb"):
            tar.add(deb, f"kubernetes-1.36.2/{deb.name}")
    return path


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def from_archive(**archive: str) -> dict[str, Any]:
    return {"kubernetes": "1.36.2", "packages": {"archive": archive}}


def test_packages_come_from_an_archive(h1: Lone, archive: Path) -> None:
    """The last test's reset has left none of them on the host."""
    settings = from_archive(file=str(archive), sha256=checksum(archive))
    changed = h1.changed("packages", **settings)
    assert changed[:2] == [UNPACK, NAME]
    assert h1.changed("packages", **settings) == []
    assert h1.sh("dpkg-query -W -f '${db:Status-Want} ${Version}' kubelet") == "hold 1.36.2-1.1"
    assert h1.sh("apt-get update -q 2>&1 | grep -E '^(W|E):' || true") == ""
    kubeinstall("reset", "-y", "--packages", "-i", h1.inventory(**settings)).ok()
    assert h1.sh(f"ls -A {ARCHIVES} 2>/dev/null || true") == ""


def test_an_archive_that_hosts_fetch(h1: Lone, source: Source, archive: Path) -> None:
    url = f"{source.url}/{archive.name}"
    h1.changed("packages", **from_archive(url=url, sha256=checksum(archive)))
    assert h1.sh(f"ls {ARCHIVES}").split() == [checksum(archive)[:16]]


@pytest.mark.parametrize("where", ["file", "url"])
def test_an_archive_with_another_checksum_is_not_used(
    h1: Lone, source: Source, archive: Path, where: str
) -> None:
    before = h1.sh(f"ls -l {ARCHIVES}; cat /etc/apt/sources.list.d/kubernetes.list")
    at = str(archive) if where == "file" else f"{source.url}/{archive.name}"
    ran, _ = h1.up("packages", **from_archive(**{where: at, "sha256": "0" * 64}))
    assert ran.code == 13, ran.text
    assert f"SHA-256 is {checksum(archive)}, not {'0' * 64}" in ran.text
    assert "Traceback" not in ran.text
    assert h1.sh(f"ls -l {ARCHIVES}; cat /etc/apt/sources.list.d/kubernetes.list") == before
