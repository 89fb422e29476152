"""Keep secrets out of everything that is shown or written."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "********"

_PATTERNS = (
    # Bootstrap tokens (kubeadm reference): 6 and 16 characters.
    re.compile(r"(?<![a-z0-9.-])[a-z0-9]{6}\.[a-z0-9]{16}(?![a-z0-9.-])"),
    # Certificate keys: 32 bytes as hex, where they are named as such.
    re.compile(r"(?<=certificate-key )[0-9a-f]{64}"),
    re.compile(r"(?<=certificateKey: )[0-9a-f]{64}"),
    re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    re.compile(r"(?<=client-key-data: )\S+"),
    re.compile(r"(?i)(?<=authorization: bearer )\S+"),
)


class Redactor:
    """Knows the run's secrets and takes them out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        for secret in secrets:
            self.hide(secret)

    def hide(self, secret: str) -> None:
        """From now on take this string out, whole or line by line."""
        for part in (secret, *secret.splitlines()):
            # A shorter one would blot out half of the text, and tell what it is by doing so.
            if len(part.strip()) >= 3:
                self._secrets.add(part.strip())

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        for pattern in _PATTERNS:
            text = pattern.sub(MASK, text)
        return text
