"""The signed apt repository: an index over packages, and the key that vouches for it."""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.shell import run

OWNER = "kubeinstall lab mirror"
_LIFE = "2y"
_RENEW_BEFORE = 60 * 24 * 3600


@dataclass(frozen=True)
class Key:
    """A signing key in a GNUPGHOME of its own.

    Args:
        home: that folder.
    """

    home: Path

    def ensure(self) -> str:
        """The fingerprint of a key that is good for a while, made now if there is none."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home.chmod(0o700)
        listed = self._gpg("--with-colons", "--list-secret-keys")
        if found := valid_key(listed, time.time() + _RENEW_BEFORE):
            return found
        self._gpg("--passphrase", "", "--quick-generate-key", OWNER, "rsa3072", "sign", _LIFE)
        listed = self._gpg("--with-colons", "--list-secret-keys")
        if found := valid_key(listed, time.time()):
            return found
        raise MirrorError(
            "the signing key could not be created", next=f"remove {self.home} and try again"
        )

    def public(self, fingerprint: str) -> str:
        """The public half, ascii-armoured."""
        return self._gpg("--armor", "--export", fingerprint)

    def sign(self, fingerprint: str, release: Path) -> None:
        """Write ``InRelease`` and ``Release.gpg`` beside a ``Release`` file."""
        for name, how in {"InRelease": "--clearsign", "Release.gpg": "--detach-sign"}.items():
            out = release.with_name(name)
            out.unlink(missing_ok=True)
            self._gpg("--armor", "--local-user", fingerprint, "--output", out, how, release)

    def close(self) -> None:
        """End the agent that gpg left behind for this key's folder."""
        run(["gpgconf", "--homedir", self.home, "--kill", "gpg-agent"])

    def _gpg(self, *words: str | Path) -> str:
        fixed = ("gpg", "--homedir", self.home, "--batch", "--yes", "--no-tty", "--quiet")
        return run([*fixed, "--pinentry-mode", "loopback", *words])


def valid_key(listed: str, until: float) -> str:
    """The newest key in ``gpg --with-colons`` that is good until a time, or nothing."""
    found = ""
    good = False
    for fields in (line.split(":") for line in listed.splitlines()):
        if fields[0] == "sec":
            expires = fields[6]
            usable = fields[1] not in ("e", "r", "i")
            good = usable and (not expires or float(expires) > until)
        elif fields[0] == "fpr" and good:
            found, good = fields[9], False
    return found


def write_index(folder: Path, minor: str, architecture: str) -> None:
    """Write ``Packages``, ``Packages.gz`` and ``Release`` over a folder of packages."""
    packages = run(["apt-ftparchive", "packages", "."], cwd=folder)
    (folder / "Packages").write_text(packages, encoding="utf-8")
    (folder / "Packages.gz").write_bytes(gzip.compress(packages.encode(), mtime=0))
    fields = {
        "Origin": OWNER,
        "Label": f"isv:kubernetes:core:stable:v{minor}",
        "Suite": "deb",
        "Codename": "deb",
        "Architectures": architecture,
    }
    settings = (f"APT::FTPArchive::Release::{name}={value}" for name, value in fields.items())
    options = [word for setting in settings for word in ("-o", setting)]
    (folder / "Release").unlink(missing_ok=True)
    release = run(["apt-ftparchive", *options, "release", "."], cwd=folder)
    (folder / "Release").write_text(release, encoding="utf-8")


def sign(folder: Path, home: Path) -> None:
    """Sign an index with this machine's key, unless that key has signed it already."""
    key = Key(home)
    try:
        fingerprint = key.ensure()
        public = key.public(fingerprint)
        published = folder / "Release.key"
        if published.is_file() and published.read_text() == public:
            return
        key.sign(fingerprint, folder / "Release")
        # Last: a key that is there says that all before it is there too.
        published.write_text(public)
    finally:
        key.close()
