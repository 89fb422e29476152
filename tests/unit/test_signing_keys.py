"""Signing keys of package sources: read, kept fresh, and never swapped for others."""

from __future__ import annotations

import base64
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from kubeinstall.diagnose.causes import find_cause
from kubeinstall.facts.packages import Packages, PackageState
from kubeinstall.facts.signing_keys import KeyFile, Offered, SigningKeys, SourceKeys
from kubeinstall.operations.signing_keys import signing_key_fetched
from tests.signing import Signer
from tests.unit.operating import commands, run, texts

pytestmark = pytest.mark.unit

URL = "https://packages.example.org/Release.key"
WANTED = (("kubelet", "1.36.2-*"),)
INSTALLED = {"kubelet": PackageState("1.36.2-1.1")}
OURS, OTHER = Signer(), Signer()
GOOD = SigningKeys.read(OURS.public(400))
ENDING = SigningKeys.read(OURS.public(20))
ENDED = replace(GOOD, expires=time.time() - 1)


def fetched(
    monkeypatch: pytest.MonkeyPatch,
    old: SigningKeys | None,
    offered: SigningKeys | str | None = None,
    *,
    installed: dict[str, PackageState] = INSTALLED,
    **more: Any,
) -> list[Any]:
    """What the operation does with a key on the host and one, or an error, at the source."""
    facts: dict[Any, Any] = {KeyFile: old, Packages: installed}
    if isinstance(offered, str):
        facts[SourceKeys] = Offered(why=offered)
    elif offered:
        facts[SourceKeys] = Offered(offered)
    given = {"path": "/etc/apt/keyrings/k.asc", "url": URL, "wanted": WANTED, **more}
    return commands(monkeypatch, signing_key_fetched, facts, **given)


def test_what_is_read_of_a_key() -> None:
    assert GOOD.fingerprints == {OURS.fingerprint}
    assert GOOD.expires == pytest.approx(time.time() + 400 * 24 * 3600, abs=24 * 3600)
    both = SigningKeys.read(OURS.public(400) + OTHER.public(20))
    assert both.fingerprints == {OURS.fingerprint, OTHER.fingerprint}
    assert both.expires == pytest.approx(time.time() + 20 * 24 * 3600, abs=24 * 3600)


@pytest.mark.parametrize(
    "text", ["", "<html>404</html>", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n"]
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="not an OpenPGP public key"):
        SigningKeys.read(text)
    coded = base64.b64encode(text.encode()).decode()
    assert KeyFile().process([coded]) is None
    assert SourceKeys().process([f"key={coded}"]).why == "it is not an OpenPGP public key"
    assert SourceKeys().process(["why=Could not resolve host"]).why == "Could not resolve host"


def test_a_key_that_is_good_is_not_even_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetched(monkeypatch, GOOD) == []


def test_a_first_key_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    (write,) = fetched(monkeypatch, None, GOOD)
    assert write.stdin == GOOD.text


def test_a_key_that_ends_soon_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    (write,) = fetched(monkeypatch, ENDING, GOOD)
    assert write.stdin == GOOD.text
    assert write.diff


def test_one_that_is_not_renewed_yet_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetched(monkeypatch, ENDING, ENDING) == []


def test_before_installing_a_good_key_is_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetched(monkeypatch, GOOD, GOOD, installed={}) == []
    with pytest.raises(OperationError):
        fetched(monkeypatch, GOOD, SigningKeys.read(OTHER.public(400)), installed={})


@pytest.mark.parametrize("with_ours", [False, True])
def test_another_key_is_told_with_both_fingerprints(
    monkeypatch: pytest.MonkeyPatch, with_ours: bool
) -> None:
    text = OTHER.public(400) + (OURS.public(400) if with_ours else "")
    with pytest.raises(OperationError) as raised:
        fetched(monkeypatch, ENDING, SigningKeys.read(text))
    found = find_cause(str(raised.value))
    assert found is not None
    assert OURS.fingerprint in found.why
    assert OTHER.fingerprint in found.why
    assert "cluster.packages.key_fingerprints" in found.next


def test_another_key_is_taken_when_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SigningKeys.read(OTHER.public(400))
    named: dict[str, Any] = {"fingerprints": (OTHER.fingerprint.lower(),)}
    (write,) = fetched(monkeypatch, GOOD, other, **named)
    assert write.stdin == other.text
    assert fetched(monkeypatch, other, **named) == []
    with pytest.raises(OperationError, match="as in the inventory"):
        fetched(monkeypatch, None, GOOD, **named)


def test_a_source_out_of_reach_matters_only_without_a_good_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert fetched(monkeypatch, ENDING, "timed out") == []
    for old in (None, ENDED):
        (line,) = texts(fetched(monkeypatch, old, "timed out"))
        assert f"could not be downloaded from {URL}: timed out" in line
        found = find_cause(line)
        assert found is not None
        assert "cluster.source" in found.next


def test_never_over_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="not https"):
        fetched(monkeypatch, None, GOOD, url="http://packages.example.org/Release.key")


def ask_source(folder: Path, program: str, body: str) -> Offered:
    """Run the fact with a stand-in for the program that fetches."""
    stand_in = folder / program
    stand_in.write_text(f"#!/bin/sh\nfor to; do :; done\n{body}\n")
    stand_in.chmod(0o755)
    (folder / "chown").symlink_to("/bin/true")
    helper = stand_in if program == "apt-helper" else folder / "none"
    script = SourceKeys().command(url=URL).replace("/usr/lib/apt/apt-helper", str(helper))
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    return SourceKeys().process(run(script, env=env).splitlines())


def test_a_key_is_fetched_by_apts_helper(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(GOOD.text)
    assert ask_source(tmp_path, "apt-helper", f'cp {tmp_path}/key "$to"').keys == GOOD


def test_a_key_is_fetched_by_curl_where_there_is_no_apt(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(GOOD.text)
    fetch = f'while [ "$1" != -o ]; do shift; done; cp {tmp_path}/key "$2"'
    assert ask_source(tmp_path, "curl", fetch).keys == GOOD


@pytest.mark.parametrize(
    ("program", "said", "why"),
    [
        (
            "apt-helper",
            "Err:1 https://x/Release.key\n  404  Not Found [IP: 192.0.2.1 443]\nE: Download Failed",
            "404  Not Found [IP: 192.0.2.1 443]",
        ),
        ("apt-helper", "E: something else", "E: something else"),
        ("curl", "curl: (6) Could not resolve host: x", "curl: (6) Could not resolve host: x"),
        ("curl", "", "nothing was fetched"),
    ],
)
def test_why_a_key_was_not_fetched(tmp_path: Path, program: str, said: str, why: str) -> None:
    (tmp_path / "said").write_text(said)
    found = ask_source(tmp_path, program, f"cat {tmp_path}/said >&2; exit 1")
    assert found == Offered(why=why)
