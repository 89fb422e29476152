"""What a program on a host prints: bytes within a bound, told apart by a mark of our own."""

from __future__ import annotations

from collections.abc import Callable

LineSink = Callable[[str], None]

_LINE = 16 << 10
"""Bytes of one line that are told while it comes; the rest of it is only kept."""
_WORDS = 512


class ConnectionLost(Exception):
    """The connection went away; what was running there may still run."""


class TooMuchOutput(ConnectionLost):
    """A program printed more than it may: it was ended, and its connection closed.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: int) -> None:
        size = f"{limit >> 20} MiB" if limit >> 20 else f"{limit >> 10} KiB"
        super().__init__(
            f"it printed more than {size}; it was stopped and the connection to the host was closed"
        )


class Budget:
    """How much both streams of one program may bring.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit

    def spend(self, size: int) -> None:
        """Take note of bytes that came.

        Raises:
            TooMuchOutput: they are too many.
        """
        self._left -= size
        if self._left < 0:
            raise TooMuchOutput(self._limit)


class Stream:
    """One stream: what a program prints, and between that lines of ours, which begin with a mark.

    Nobody but the host knows the mark, which is new for each program. It is printed after a
    newline of its own, so what it ends keeps the end of its last line as it is.

    Args:
        heard: given the words after each mark; may call ``clear``, ``tell`` and ``end``.
    """

    def __init__(self, mark: str, budget: Budget, heard: Callable[[Stream, str], None]) -> None:
        self._needle = f"\n{mark} ".encode()
        self._budget = budget
        self._heard = heard
        self._kept = bytearray()
        self._seen = 0
        self._told = 0
        self._on_line: LineSink | None = None
        self.ended = False

    @property
    def text(self) -> str:
        """What was printed since the last ``clear``."""
        return self._kept.decode(errors="replace")

    def add(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            TooMuchOutput: it is one too many.
            ConnectionLost: it cannot be understood.
        """
        self._budget.spend(len(data))
        if self.ended:
            return
        self._kept += data
        while not self.ended and (at := self._kept.find(self._needle, self._seen)) >= 0:
            begin = at + len(self._needle)
            end = self._kept.find(b"\n", begin, begin + _WORDS)
            if end < 0:
                if len(self._kept) - begin >= _WORDS:
                    raise ConnectionLost("the host's answer cannot be parsed")
                self._seen = at
                self._tell(at)
                return
            words = self._kept[begin:end].decode(errors="replace")
            self._tell(at, last=True)
            rest = self._kept[end + 1 :]
            del self._kept[at:]
            self._seen = at
            self._heard(self, words)
            if not self.ended:
                self._kept += rest
        if not self.ended:
            self._seen = max(self._seen, len(self._kept) - len(self._needle) + 1)
            self._tell(len(self._kept))

    def clear(self) -> None:
        """What was printed so far is no answer."""
        self._kept.clear()
        self._seen = self._told = 0

    def tell(self, on_line: LineSink | None) -> None:
        """From here on tell each line as it comes."""
        self._on_line = on_line

    def end(self) -> None:
        """Nothing more is of interest."""
        self.ended = True

    def _tell(self, until: int, *, last: bool = False) -> None:
        """Tell the complete lines before ``until``, and the last one though it has no end."""
        if self._on_line is None:
            return
        while self._told < until:
            if not last and self._may_be_mark(until):
                return
            end = self._kept.find(b"\n", self._told, until)
            if end < 0:
                if not last:
                    return
                end = until
            line = self._kept[self._told : min(end, self._told + _LINE)]
            self._told = end + 1
            self._on_line(line.decode(errors="replace").rstrip("\r"))

    def _may_be_mark(self, until: int) -> bool:
        """Whether what is left may yet become a mark: an empty line may be the mark's own."""
        short = until - self._told < len(self._needle)
        return short and self._needle.startswith(self._kept[self._told : until])
