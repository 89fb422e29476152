"""What a program prints: told apart by marks, in pieces of any size, and never without bounds."""

from __future__ import annotations

import pytest

from kubeinstall.ssh.streams import Budget, ConnectionLost, Stream, TooMuchOutput

pytestmark = pytest.mark.unit


class Heard:
    """A stream that begins and ends by words, as an agent's."""

    def __init__(self, limit: int = 1 << 20) -> None:
        self.words: list[str] = []
        self.lines: list[str] = []
        self.stream = Stream("KI1", Budget(limit), self._hear)

    def _hear(self, stream: Stream, words: str) -> None:
        self.words.append(words)
        if words == "begin":
            stream.clear()
            stream.tell(self.lines.append)
        elif words.isdigit():
            stream.end()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("\n", [""]),
        ("a\n\n\nb\r\n", ["a", "", "", "b"]),
        ("\n\nKI2 0\nKI1x\n KI1 0", ["", "", "KI2 0", "KI1x", " KI1 0"]),
        ("é" * 9, ["é" * 9]),
    ],
)
def test_the_answer_is_what_stands_between_the_marks(
    body: str, lines: list[str], size: int
) -> None:
    heard = Heard()
    data = f"Welcome to h1!\nKI1\n\nKI1 wait\n?\nKI1 begin\n{body}\nKI1 3\nlate".encode()
    for at in range(0, len(data), size):
        heard.stream.add(data[at : at + size])
    assert heard.words == ["wait", "begin", "3"]
    assert heard.stream.text == body
    assert heard.lines == lines


def test_a_line_is_told_as_soon_as_it_has_come() -> None:
    heard = Heard()
    heard.stream.add(b"\nKI1 begin\none\ntw")
    assert heard.lines == ["one"]
    heard.stream.add(b"o\n\n")
    assert heard.lines == ["one", "two"]


def test_a_line_without_an_end_is_told_in_a_length_for_people() -> None:
    heard = Heard()
    heard.stream.add(b"\nKI1 begin\n" + b"x" * 500_000)
    heard.stream.add(b"\nKI1 0\n")
    assert heard.lines == ["x" * (16 << 10)]
    assert len(heard.stream.text) == 500_000


@pytest.mark.parametrize("piece", [b"x" * 1000, b"\n" * 1000, b"\nKI1 wait\n" * 100], ids=len)
def test_it_never_takes_more_than_its_budget(piece: bytes) -> None:
    """Lines, one endless line, and words of the host's own."""
    heard = Heard(limit=10_000)
    for _ in range(10):
        heard.stream.add(piece)
    with pytest.raises(TooMuchOutput, match="more than 9 KiB; it was stopped and the connection"):
        heard.stream.add(piece)


def test_two_streams_share_one_budget() -> None:
    budget = Budget(100)
    streams = [Stream("KI1", budget, lambda _stream, _words: None) for _ in range(2)]
    streams[0].add(b"x" * 60)
    with pytest.raises(TooMuchOutput):
        streams[1].add(b"x" * 60)


def test_a_mark_with_endless_words_is_no_answer() -> None:
    with pytest.raises(ConnectionLost, match="cannot be parsed"):
        Heard().stream.add(b"\nKI1 " + b"9" * 600)
