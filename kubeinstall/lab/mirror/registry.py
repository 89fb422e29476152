"""An image registry run for a while, to fill its storage the way its own clients would."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.shell import run, tail

_LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
_PATIENCE = 20.0


@contextmanager
def serving(program: Path, storage: Path, scratch: Path) -> Iterator[str]:
    """Serve a storage folder on a loopback port of the kernel's choice; yields ``host:port``."""
    storage.mkdir(parents=True, exist_ok=True)
    settings = scratch / "registry.yml"
    settings.write_text(configuration(storage), encoding="utf-8")
    log = scratch / "registry.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, "serve", settings], stdout=out, stderr=out, stdin=subprocess.DEVNULL
        )
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            process.wait()


def configuration(storage: Path) -> str:
    """docker-registry's configuration for a storage folder."""
    return (
        "version: 0.1\n"
        "log: {level: info, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: '{storage}'}}}}\n"
        "http: {addr: '127.0.0.1:0'}\n"
    )


def push(archive: str, registry: str, name: str) -> None:
    """Push one image, ``docker-archive:file[:reference]``, under a name."""
    run(
        [
            *("skopeo", "--insecure-policy", "copy", "--quiet"),
            *("--dest-tls-verify=false", archive, f"docker://{registry}/{name}"),
        ]
    )


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        if match := _LISTENING.search(log.read_text(errors="replace")):
            return match[1]
        time.sleep(0.1)
    raise MirrorError("docker-registry does not start", why=tail(log.read_text(errors="replace")))
