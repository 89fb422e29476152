"""What was asked for over https is not fetched over http, wherever the server sends us."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubeinstall.addons.downloads import Downloads
from kubeinstall.facts.proxy import redirected
from kubeinstall.facts.signing_keys import SourceKeys
from kubeinstall.findings import KubeinstallError
from kubeinstall.operations.downloads import Download, brought
from tests.web import Page, Web, serving

pytestmark = pytest.mark.unit

SCHEMES = ["https", "http"]


@pytest.fixture
def webs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Web, Web]]:
    """An https server that is trusted, and an http one."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *(
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=test",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
            ),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificate))
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    safe = Web()
    safe.socket = context.wrap_socket(safe.socket, server_side=True)
    safe.url = safe.url.replace("http:", "https:")
    with serving(safe), serving(Web()) as plain:
        plain.pages["/file"] = safe.pages["/file"] = b"what was asked for"
        for web in (safe, plain):
            web.pages["/to-http"] = Page(status=302, headers={"Location": f"{plain.url}/file"})
            web.pages["/to-https"] = Page(status=302, headers={"Location": f"{safe.url}/file"})
            # Over two hops: the second is what counts.
            web.pages["/twice"] = Page(status=302, headers={"Location": f"{safe.url}/to-http"})
        yield safe, plain


def of(webs: tuple[Web, Web], scheme: str) -> str:
    return webs[SCHEMES.index(scheme)].url


GOOD = [("https", "to-https"), ("http", "to-http"), ("http", "to-https")]
BAD = [("https", "to-http"), ("https", "twice")]


@pytest.mark.parametrize(("scheme", "page"), GOOD)
def test_other_redirects_are_followed(
    webs: tuple[Web, Web], tmp_path: Path, scheme: str, page: str
) -> None:
    url = f"{of(webs, scheme)}/{page}"
    assert Downloads().read(url) == b"what was asked for"
    code, _ = fetched_by_a_host(url, tmp_path / "part")
    assert code == 0
    assert (tmp_path / "part").read_bytes() == b"what was asked for"
    assert asked_as_dnf_hosts_do(url) == "it is not an OpenPGP public key"  # but it was fetched


@pytest.mark.parametrize(("scheme", "page"), BAD)
def test_nothing_is_fetched_over_http_instead_of_https(
    webs: tuple[Web, Web], tmp_path: Path, scheme: str, page: str
) -> None:
    url = f"{of(webs, scheme)}/{page}"
    with pytest.raises(KubeinstallError) as caught:
        Downloads().read(url)
    assert "redirects from https to http" in caught.value.findings[0].why
    code, said = fetched_by_a_host(url, tmp_path / "part")
    assert code == 1
    assert "could not be downloaded" in said
    assert "curl: (1)" in asked_as_dnf_hosts_do(url)
    assert webs[1].asked == []


def fetched_by_a_host(url: str, part: Path) -> tuple[int, str]:
    *_, command = brought(Download("0" * 64, url), str(part), "the file")
    script = command.get_raw_value().replace("--retry 2", "--retry 0")  # type: ignore[attr-defined]
    ran = subprocess.run(
        ["sh", "-c", script],
        input=f'url = "{url}"\n',
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stderr


def asked_as_dnf_hosts_do(url: str) -> str:
    """Why there is no key."""
    command = SourceKeys().command(url=url).replace("/usr/lib/apt/apt-helper", "/none")
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    return SourceKeys().process(ran.stdout.splitlines()).why


def test_what_curl_may_be_sent_to() -> None:
    assert redirected("HTTPS://x.example.org/key") == "=https"
    assert redirected("http://x.example.org/key") == "=http,https"
