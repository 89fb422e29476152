"""Keep secrets out of everything that is shown or written."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "********"

_PATTERNS = (
    # Bootstrap tokens (kubeadm reference): 6 and 16 characters.
    re.compile(r"(?<![a-z0-9.-])[a-z0-9]{6}\.[a-z0-9]{16}(?![a-z0-9.-])"),
    # Certificate keys: 32 bytes as hex, where they are named as such.
    re.compile(r"(?i)(?<=certificate-key[ =])[0-9a-f]{64}"),
    re.compile(r"(?i)(?<=certificateKey: )[0-9a-f]{64}"),
    re.compile(r"(?i)(?<=certificate key:\n)[0-9a-f]{64}"),
    re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    re.compile(r"(?<=client-key-data: )\S+"),
    re.compile(r"(?i)(?<=authorization: bearer )\S+"),
)
# A base64 line of a key, when lines are shown one by one as they come.
_KEY_LINE = re.compile(r"(?m)^[A-Za-z0-9+/]{64}$|^MII[A-Za-z0-9+/=]{40,}$")
_SHORT = 8


class Redactor:
    """Knows the run's secrets and takes them out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: dict[str, re.Pattern[str]] = {}
        for secret in secrets:
            self.hide(secret)

    def hide(self, secret: str) -> None:
        """From now on take this string out, whole or line by line."""
        for part in {secret.strip(), *map(str.strip, secret.splitlines())}:
            # One or two characters would blot out half of the text, and so tell what they are.
            if len(part) >= 3 and part not in self._secrets:
                self._secrets[part] = _pattern(part)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = self._secrets[secret].sub(MASK, text)
        for pattern in _PATTERNS:
            text = pattern.sub(MASK, text)
        return text if "\n" in text else _KEY_LINE.sub(MASK, text)


def _pattern(secret: str) -> re.Pattern[str]:
    # A short one may be part of a common word.
    edge = (r"(?<!\w)", r"(?!\w)") if len(secret) < _SHORT else ("", "")
    return re.compile(f"{edge[0]}{re.escape(secret)}{edge[1]}")
