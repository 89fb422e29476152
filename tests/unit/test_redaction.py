"""Secrets in every form that programs print them in, whole, cut, wrapped, and line by line."""

from __future__ import annotations

import base64
import json
import re
import shlex
import string
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubeinstall.engine.redact import MASK, Redactor

pytestmark = pytest.mark.unit

TOKEN = "abcdef.0123456789abcdef"
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl-_x"
PEM = (
    ec.generate_private_key(ec.SECP521R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
BODY = PEM.splitlines()[1:-1]
CODED = base64.b64encode(PEM.encode()).decode()
fast = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize("after", ["", ".", "-", ",", '"', "'", ")", "\n", ":", "\\n"])
@pytest.mark.parametrize("before", ["", ".", "-", "=", '"', "(", "token "])
@pytest.mark.parametrize("token", [TOKEN, JWT])
def test_a_token_is_one_whatever_stands_beside_it(token: str, before: str, after: str) -> None:
    shown = Redactor()(f"x {before}{token}{after} y")
    assert token not in shown
    assert MASK in shown
    assert shown.endswith(f"{after} y") or token == JWT


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"user":{"token":"ab1cdefgh"}}', '{"user":{"token":"%s"}}'),
        (r"{\"token\":\"ab1cdefgh\"}", r"{\"token\":\"%s\"}"),
        ("    token: ab1cdefgh", "    token: %s"),
        ("    client-key-data: QUJD", "    client-key-data: %s"),
        ('"client-key-data":"QUJD"', '"client-key-data":"%s"'),
        ('"certificateKey":"' + "a1" * 32, '"certificateKey":"%s'),
        ("--certificate-key=" + "a1" * 32, "--certificate-key=%s"),
        ("--client-token hunter", "--client-token %s"),
        ("Authorization: Basic YTpi", "Authorization: Basic %s"),
        ("    password: hunter", "    password: %s"),
        ('{"password": "hun ter"}', '{"password": "%s"}'),
        ("proxy http://me:pw@p.lab:3128 refused", "proxy http://%s@p.lab:3128 refused"),
        ("token-secret: MDEyMzQ1", "token-secret: %s"),
    ],
)
def test_fields_that_hold_secrets(text: str, left: str) -> None:
    assert Redactor()(text) == left.replace("%s", MASK)


@pytest.mark.parametrize(
    "text",
    [
        "error: invalid token: not found",
        "sudo: a password is required",
        "Permission denied, password: try again please",
        "https://registry.k8s.io:443/v2/ and https://user@host/ answer",
        "sha256:" + "a1" * 32,
        "\n".join(("a1" * 32, "b2" * 32)),
        "kube-proxy.v1234567890abcdefg",
        "basic authentication is off",
        "-----BEGIN CERTIFICATE-----",
        "[init] Using Kubernetes version: v1.36.2\n[certs] Generating key",
        "unable to use --token-file /etc/tokens.csv",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor(["hunter2"])(text) == text


@fast
@given(st.integers(0, len(PEM)), st.integers(0, len(PEM)))
@example(0, 40)
@example(40, len(PEM) - 20)
def test_a_key_that_was_cut_anywhere(start: int, end: int) -> None:
    """Of at least two lines of it, nothing is left but an end shorter than a line."""
    piece = PEM[min(start, end) : max(start, end)]
    shown = Redactor()(f"some words\n{piece}" if start else piece)
    left = [line for line in BODY if line in shown]
    cut = len([line for line in BODY if line in piece])
    assert not left or cut < 2, shown


@pytest.mark.parametrize("line_break", ["\n", "\\n", "\\\\n", "\r\n", "\n    "])
@pytest.mark.parametrize("part", ["whole", "no end", "no beginning"])
def test_a_key_in_any_spelling(line_break: str, part: str) -> None:
    lines = PEM.splitlines()
    given = {"whole": lines, "no end": lines[:-1], "no beginning": lines[1:]}[part]
    shown = Redactor()(f'before "{line_break.join(given)}" after')
    assert not any(line in shown for line in BODY)
    assert shown.startswith('before "')
    assert part == "no end" or shown.endswith("after")


@pytest.mark.parametrize("skip", range(4))
def test_a_key_in_base64_inside_anything(skip: int) -> None:
    coded = base64.b64encode(b"x" * skip + PEM.encode()).decode()
    assert coded[20:60] not in Redactor()(f"data: {coded} and so on")


def test_a_key_line_by_line() -> None:
    for lines in (PEM.splitlines(), PEM.splitlines()[1:], BODY):
        told: list[str] = []
        stream = Redactor().stream(told.append)
        for line in ["hello", *lines]:
            stream(line)
        stream.close()
        assert told[0] == "hello"
        assert len(told) == len(lines) + 1
        assert not any(line in told for line in BODY)


SECRETS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs"))
    | st.sampled_from("\"'\\/+&<>%@: $"),
    min_size=8,
    max_size=40,
).filter(lambda s: s == s.strip() and len(s.splitlines()) == 1 and not set(s) <= {"*"})
AROUND = st.text(string.ascii_letters + string.digits + " ,;\n", max_size=12)

FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda s: s,
    "JSON": lambda s: json.dumps(s)[1:-1],
    "JSON, not ASCII": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda s: json.dumps(json.dumps(s)[1:-1])[1:-1],
    "Go's JSON": lambda s: re.sub("[<>&]", lambda m: f"\\u{ord(m[0]):04x}", json.dumps(s)[1:-1]),
    "URL": lambda s: quote(s, safe=""),
    "URL with slashes": quote,
    "form": quote_plus,
    "URL in lower case": lambda s: re.sub("%..", lambda m: m[0].lower(), quote(s, safe="")),
    "shell": lambda s: shlex.quote(s).strip("'"),
    "YAML": lambda s: s.replace("'", "''"),
    "Python": lambda s: repr(s)[1:-1],
    "Base64": lambda s: base64.b64encode(s.encode()).decode(),
    "Base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("form", FORMS)
@fast
@given(SECRETS, AROUND, AROUND)
def test_a_known_secret_in_every_form(form: str, secret: str, before: str, after: str) -> None:
    said = FORMS[form](secret)
    shown = Redactor([secret])(f"{before} {said} {after}")
    assert said not in shown
    assert MASK in shown


@fast
@given(SECRETS, st.binary(max_size=7), st.binary(max_size=7))
def test_a_known_secret_inside_other_base64(secret: str, before: bytes, after: bytes) -> None:
    data = secret.encode()
    shown = Redactor([secret])(base64.b64encode(before + data + after).decode())
    # What is left on either side decodes to a byte of the secret at most.
    left = [part.rstrip("=") for part in shown.split(MASK)]
    assert len(left) == 2
    assert len(left[0]) * 6 // 8 <= len(before) + 1
    assert len(left[1]) * 6 // 8 <= len(after) + 1


@fast
@given(SECRETS, st.data(), st.sampled_from(["\n", "\n  ", "\n+", "\r\n"]))
def test_a_known_secret_that_a_line_break_goes_through(
    secret: str, data: st.DataObject, line_break: str
) -> None:
    at = data.draw(st.integers(1, len(secret) - 1))
    head, tail = secret[:at], secret[at:]
    if head != head.rstrip() or tail != tail.lstrip(" +->|"):
        return
    shown = Redactor([secret])(f"say: {head}{line_break}{tail} end")
    assert shown == f"say: {MASK} end"


@fast
@given(SECRETS, st.data())
def test_a_known_secret_that_comes_in_two_lines(secret: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(secret) - 1))
    head, tail = secret[:at], secret[at:]
    if head != head.rstrip() or tail != tail.lstrip():
        return
    told: list[str] = []
    stream = Redactor([secret]).stream(told.append)
    for line in ("first", f"say: {head}", f"{tail} end", "last"):
        stream(line)
    stream.close()
    assert told[0] == "first"
    assert told[-1] == "last"
    assert told[2] == f"{MASK} end"
    # Up to four characters go at once: to hold them would hold back every second line.
    assert told[1] == f"say: {MASK}" or len(head) < 5


def test_lines_are_told_as_they_come() -> None:
    told: list[str] = []
    stream = Redactor(["correct-horse"]).stream(told.append)
    stream("one")
    stream("two ends with corre")
    assert told == ["one"]
    stream("three")
    assert told == ["one", "two ends with corre", "three"]


@pytest.mark.parametrize("secret", ["", "a", "ab", "**", "********", " ", "e\n"])
def test_a_secret_too_short_to_hide_hides_nothing_else(secret: str) -> None:
    text = "a table and ab, e: all of it stays readable ** ********"
    assert Redactor([secret])(text) == text


@pytest.mark.parametrize("secret", ["root", "cp1", "node", "yes1"])
def test_a_short_secret_is_not_looked_for_inside_words(secret: str) -> None:
    text = f"chroot{secret}x {secret}s nodes"
    assert Redactor([secret])(text) == text
    assert Redactor([secret])(f"as {secret}: x") == f"as {MASK}: x"


def test_many_secrets_and_hostile_texts_take_no_time() -> None:
    redact = Redactor(f"secret-number-{n}" for n in range(40))
    hostile = [
        "\\" * 50_000,
        "eyJ" * 20_000,
        "token:" * 10_000,
        "--" * 30_000,
        "-----BEGIN " + "PRIVATE KEY" * 5_000,
        "-----END PRIVATE KEY-----" * 1_000,
        "A" * 60_000,
        '"password":"' * 5_000,
        "://a:" * 10_000,
        " " * 50_000 + "\n" * 1_000,
    ]
    for text in hostile:
        began = time.process_time()
        redact(text)
        assert time.process_time() - began < 5, text[:20]
