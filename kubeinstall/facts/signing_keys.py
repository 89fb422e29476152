"""OpenPGP keys that package sources are signed with: on the host, and as the source has them."""

from __future__ import annotations

import base64
import binascii
import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from kubeinstall.facts.proxy import THROUGH_PROXY, redirected
from kubeinstall.openpgp import public_keys
from kubeinstall.resources import script


@dataclass(frozen=True)
class SigningKeys:
    """The keys in a file.

    Args:
        text: the file.
        fingerprints: of the primary keys, in upper case hex.
        expires: when the first of them expires, seconds since 1970; None: none does.
    """

    text: str
    fingerprints: frozenset[str]
    expires: float | None = None

    @classmethod
    def read(cls, text: str) -> SigningKeys:
        """Read ASCII-armored OpenPGP public keys.

        Raises:
            ValueError: it holds none.
        """
        certs = public_keys(text)
        ends = [cert.expiration.timestamp() for cert in certs if cert.expiration]
        fingerprints = frozenset(cert.fingerprint.upper() for cert in certs)
        return cls(text, fingerprints, min(ends, default=None))


class KeyFile(FactBase[SigningKeys | None]):
    """The signing keys in the file at ``path``; None where there are none."""

    def command(self, path: str) -> str:
        file = shlex.quote(path)
        return f"if [ -f {file} ]; then base64 -w0 {file}; echo; fi || true"

    def process(self, output: list[str]) -> SigningKeys | None:
        try:
            return SigningKeys.read(_decoded(output[0]))
        except (ValueError, IndexError):
            return None


@dataclass(frozen=True)
class Offered:
    """What a source has as its signing keys.

    Args:
        keys: None: they could not be fetched.
        why: why not.
    """

    keys: SigningKeys | None = None
    why: str = ""


class SourceKeys(FactBase[Offered]):
    """The signing keys at ``url``, fetched by the host, through its package manager's proxy."""

    costly = True
    """Asked only where what its operation asks before does not make it superfluous."""

    @staticmethod
    def default() -> Offered:
        return Offered(why="it was not asked for yet")

    def command(self, url: str) -> str:
        fetch = script("packages/key", url=url, redirects=redirected(url))
        return f"{THROUGH_PROXY}\n{fetch}"

    def process(self, output: list[str]) -> Offered:
        found = dict(line.split("=", 1) for line in output if "=" in line)
        if "key" not in found:
            return Offered(why=found.get("why", "") or "nothing was fetched")
        try:
            return Offered(SigningKeys.read(_decoded(found["key"])))
        except ValueError as error:
            return Offered(why=str(error))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("it is no ASCII-armored OpenPGP public key") from error
