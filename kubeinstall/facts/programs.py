"""Programs that came out of a verified file."""

from __future__ import annotations

import shlex

from pyinfra.api.facts import FactBase


class InstalledFrom(FactBase[str]):
    """SHA-256 of the file that programs were installed from; empty where one is not as it was.

    Args:
        record: path of a file with that checksum, and a line ``PATH SIZE MTIME`` for each program.
    """

    @staticmethod
    def default() -> str:
        return ""

    def command(self, record: str) -> str:
        # Size and time: reading a hundred megabytes on every run would be dear.
        return f"""
record={shlex.quote(record)}
[ -e "$record" ] || exit 0
listed=$(sed 1d "$record")
found=$(printf '%s\\n' "$listed" | cut -d' ' -f1 | xargs -r stat -c '%n %s %Y' 2>/dev/null)
[ "$listed" != "$found" ] || head -n 1 "$record"
true"""

    def process(self, output: list[str]) -> str:
        return output[0].strip() if output else ""
