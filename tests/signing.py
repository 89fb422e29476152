"""OpenPGP keys for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pysequoia import Tsk


class Signer:
    """A signing key whose end can be moved."""

    def __init__(self) -> None:
        self._key = Tsk.generate("packages@example.org")

    @property
    def fingerprint(self) -> str:
        return self._key.extract_certificate().fingerprint.upper()

    def public(self, days: float) -> str:
        """The armored public key, with its end in so many days."""
        end = datetime.now(UTC) + timedelta(days=days)
        public = self._key.extract_certificate()
        return str(public.set_expiration(end, self._key.certifier()))
