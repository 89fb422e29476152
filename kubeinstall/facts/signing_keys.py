"""OpenPGP keys that package sources are signed with: on the host, and as the source has them."""

from __future__ import annotations

import base64
import binascii
import shlex
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from kubeinstall.facts.proxy import THROUGH_PROXY, redirected
from kubeinstall.openpgp import public_keys


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
        keys: None: they could not be had.
        why: why not.
    """

    keys: SigningKeys | None = None
    why: str = ""


class SourceKeys(FactBase[Offered]):
    """The signing keys at ``url``, fetched by the host, through its package manager's proxy."""

    @staticmethod
    def default() -> Offered:
        return Offered(why="it was not asked for yet")

    def command(self, url: str) -> str:
        link = shlex.quote(url)
        # apt refuses by itself to be sent from https to http.
        redirects = redirected(url)
        return f"""
part=$(mktemp -d) || exit 0
{THROUGH_PROXY}
if [ -x /usr/lib/apt/apt-helper ]; then
  chown _apt "$part"
  said=$(/usr/lib/apt/apt-helper -o Acquire::Retries=1 -o Acquire::https::Timeout=15 \\
    download-file {link} "$part/key" 2>&1)
else
  # Ours is in the environment; its login must not become an argument.
  proxy=
  [ "$HTTPS_PROXY" ] || proxy=$(sed -n 's/^proxy *= *//p' /etc/dnf/dnf.conf 2>/dev/null)
  said=$(curl -fsSL --proto-redir {redirects} --retry 1 --max-time 30 \\
    ${{proxy:+-x "$proxy"}} -o "$part/key" {link} 2>&1)
fi
if [ -s "$part/key" ]; then echo "key=$(base64 -w0 "$part/key")"
else
  # apt has the reason in the line after "Err:1 URL", curl in its last one.
  why=$(printf '%s\\n' "$said" | sed -n '/^Err:/{{n;s/^ *//p;q}}')
  echo "why=${{why:-$(printf '%s\\n' "$said" | grep . | tail -n 1)}}"
fi
rm -rf "$part"
true"""

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
