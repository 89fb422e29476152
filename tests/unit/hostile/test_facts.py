"""Every fact, for a host that answers anything: it is read or refused, soon, and nothing else."""

from __future__ import annotations

import base64
import gzip
import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyinfra.api.facts import FactBase

from kubeinstall.cluster.joining import authority, token
from kubeinstall.cluster.kubelets_on_disk import OwnWords
from kubeinstall.cluster.node_settings import Owned
from kubeinstall.engine.batch import Answer, FactError, answers
from kubeinstall.engine.requests import Request
from kubeinstall.engine.types import Output
from kubeinstall.facts import addons, docker, serving_certificates, values
from kubeinstall.facts.swap import Swap
from kubeinstall.files import kubelet as kubelet_files
from kubeinstall.preflight.probe import Probe
from tests.unit.hostile.answering import ANSWERS, daemon, packed, texts
from tests.unit.hostile.payloads import CANARY, DEEP, DEEP_OBJECT, FUZZ, JSON, WORDS

pytestmark = pytest.mark.unit

Fact = type[FactBase[Any]]
FACTS = sorted(ANSWERS, key=lambda fact: fact.name)
NUMBERS = ("9" * 5000, "-1", "1e999", "nan", "inf", "\u0663", "\u00b2", "0x10", "1_0", "")
LINES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from(WORDS[:-1]),
        st.sampled_from(NUMBERS),
        st.builds("{} {}".format, st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)),
        st.builds("{}={}".format, st.sampled_from(WORDS[:-1]), st.sampled_from(NUMBERS)),
    ),
    max_size=9,
)


def read(fact: Fact, lines: list[str]) -> Any:
    """The fact as the engine reads it; None where it is refused.

    Raises:
        Exception: what the engine does not expect, and a user would get as an error of ours.
    """
    made = fact()
    request = Request((fact,), fact, (), {}, {})
    vars(request)["asked"] = (made, None)
    began = time.thread_time()  # of the processor: other tests may keep it busy
    try:
        return request.value(Answer(0, tuple(lines)))
    except FactError as error:
        assert CANARY not in str(error) or len(str(error)) < 100_000
        return None
    finally:
        assert time.thread_time() - began < 5


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_answers_with_anything_in_their_values(fact: Fact) -> None:
    for word in (*WORDS, *NUMBERS):
        for text in texts(fact, word):
            read(fact, text.split("\n"))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
@FUZZ
@given(LINES)
def test_answers_of_any_lines(fact: Fact, lines: list[str]) -> None:
    read(fact, lines)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_answers_that_would_take_long(fact: Fact) -> None:
    for piece in (
        "a-",
        "1.",
        " ",
        "\t",
        "=",
        "-1",
        "1 ",
        "a=b ",
        "|",
        '"',
        "#",
        "a" * 7,
        "\\",
        "[",
        "- ",
    ):
        read(fact, [piece * (60_000 // len(piece))])
        read(fact, [piece] * 5_000)


@FUZZ
@given(JSON)
def test_documents_of_any_shape(document: object) -> None:
    text = json.dumps(document)
    for inner in (document, {"items": document}, {"items": [document]}):
        read(addons.Addons, (packed(inner) + "--\n" + packed(inner)).split("\n"))
        read(addons.Objects, packed(inner).split("\n"))
        read(serving_certificates.ServingRequests, [json.dumps(inner)])
        Owned.parse(json.dumps(inner))
    read(docker.Daemon, daemon(text).split("\n"))


@pytest.mark.parametrize("text", [DEEP, DEEP_OBJECT, "{" * 20_000, "- " * 10_000, "[a: " * 5_000])
def test_documents_that_are_nested_too_deeply(text: str) -> None:
    zipped = base64.b64encode(gzip.compress(text.encode())).decode()
    read(addons.Addons, [zipped, "--", zipped])
    read(addons.Objects, [zipped])
    read(serving_certificates.ServingRequests, [text])
    assert read(docker.Daemon, daemon(text).split("\n")).settings == {}
    assert Owned.parse(text) == Owned()
    assert kubelet_files.document(text) == {}
    assert OwnWords.parse(f"\036{text}").node_ip is None


def test_an_answer_that_grows_when_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MOST_UNPACKED", 1_000_000)
    bomb = base64.b64encode(gzip.compress(b" " * 20_000_000)).decode()
    tracemalloc.start()
    try:
        assert read(addons.Objects, [bomb]) == ()
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("cut", [b"", b"\x1f\x8b", b"\x1f\x8b\x08" + b"\0" * 9, b"junk"])
def test_an_answer_that_is_packed_wrongly(cut: bytes) -> None:
    whole = gzip.compress(b'{"kind": "List", "items": []}')
    for data in (cut, whole[:-4], whole[:12] + b"\xff\xff\xff" + whole[15:], whole + b"x"):
        read(addons.Addons, [base64.b64encode(data).decode(), "--", "!!"])


@FUZZ
@given(
    st.lists(st.tuples(st.sampled_from(sorted(Probe().__dict__)), st.text(max_size=30)), max_size=9)
)
def test_a_probe_of_any_values(pairs: list[tuple[str, str]]) -> None:
    Probe.parse("\n".join(f"{name}\t{value}" for name, value in pairs))


@pytest.mark.parametrize("word", [*WORDS, *NUMBERS])
def test_what_a_probe_says_is_what_it_should_be(word: str) -> None:
    names = (
        *("os", "os_version", "os_like", "os_codename", "arch", "kernel", "cpus", "memory_kb"),
        *("machine_id", "container", "time", "synced", "cgroup", "disk_mb", "node", "address"),
        *("source", "mac", "nameserver", "port", "hop", "room", "product_uuid", "cni", "proxy"),
    )
    found = Probe.parse("\n".join(f"{name}\t{word}" for name in names))
    kept = {
        k: v for k, v in vars(found).items() if k not in ("refused", "cni", "product_uuid", "reach")
    }
    for sign in "$`;|&><'\"\n\r\x1b\\\0":
        assert sign not in "".join(map(str, _leaves(kept)))
    assert all(said.isprintable() and len(said) < 100 for said in found.refused.values())


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for pair in value.items() for leaf in _leaves(list(pair))]
    if isinstance(value, list | tuple | set | frozenset):
        return [leaf for item in value for leaf in _leaves(item)]
    if hasattr(value, "__dataclass_fields__"):
        return _leaves(vars(value))
    return [value]


@FUZZ
@given(st.text(max_size=80))
def test_an_answers_marks_are_not_a_hosts_to_set(text: str) -> None:
    """Only what has the mark, which nobody knows before, ends an answer."""
    found = answers(Output(0, f"{text}\nKIabc 0\n", ""), "KIabc")
    assert len(found) == 1
    assert "\n".join(found[0].lines) in (text, text.removesuffix("\n"))


@pytest.mark.parametrize(
    "word", [*WORDS, *(f"abcdef.{w[:16]:<16.16}" for w in WORDS[:-1]), "a" * 22 + "."]
)
def test_a_token_is_one(word: str) -> None:
    with pytest.raises(ValueError, match="no token"):
        token(word)


@pytest.mark.parametrize(
    "word", [*WORDS, "-----BEGIN CERTIFICATE-----\n@@\n-----END CERTIFICATE-----"]
)
def test_an_authority_is_one(word: str) -> None:
    with pytest.raises(ValueError):
        authority(word)


def test_names_of_files_stay_in_their_folder() -> None:
    lines = ["zram zram-generator.conf", "zram zram-generator.conf.d/a.conf"]
    found = Swap().process([*lines, "zram ../passwd", "zram /etc/passwd", "zram a;b"])
    assert found.zram == ("zram-generator.conf", "zram-generator.conf.d/a.conf")
