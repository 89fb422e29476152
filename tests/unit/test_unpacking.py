"""Archives of strangers on a host: nothing in them leads out of the folder they are unpacked in."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import tarfile
from pathlib import Path

import pytest

from kubeinstall import operations
from kubeinstall.operations.downloads import unpacked

pytestmark = pytest.mark.unit


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, to: str = "", mode: int = 0o644
) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, to, mode
    return made


def unpack(top: Path, *entries: tarfile.TarInfo) -> subprocess.CompletedProcess[str]:
    """Unpack an archive with such entries; files hold a word."""
    with tarfile.open(top / "part.tar.gz", "w:gz") as tar:
        for one in entries:
            data = b"evil" if one.isreg() else b""
            one.size = len(data)
            tar.addfile(one, io.BytesIO(data))
    (top / "in to").mkdir()
    part, folder = (shlex.quote(str(top / name)) for name in ("part.tar.gz", "in to"))
    script = f"set -e\n{unpacked(part, folder, 'the thing')}\necho done"
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([entry("bin/x", tarfile.SYMTYPE, "/etc/shadow")], "a link that leads outside it: bin/x"),
        ([entry("x", tarfile.SYMTYPE, "../../secret")], "a link that leads outside it: x"),
        ([entry("a/b", tarfile.SYMTYPE, "..")], ""),
        ([entry("a", tarfile.SYMTYPE, "..")], "a link that leads outside it: a"),
        ([entry("a\nb", tarfile.SYMTYPE, "/etc")], "a link that leads outside it"),
        ([entry("fifo", tarfile.FIFOTYPE)], "a device or special file: fifo"),
        ([entry("dev", tarfile.CHRTYPE)], "a device or special file: dev"),
        ([entry("out", tarfile.SYMTYPE, ".."), entry("out/secret")], "out"),
        ([entry("x", tarfile.LNKTYPE, "../secret")], "secret"),
    ],
)
def test_what_leads_out_is_refused(
    tmp_path: Path, entries: list[tarfile.TarInfo], said: str
) -> None:
    (tmp_path / "secret").write_text("mine")
    ended = unpack(tmp_path, *entries)
    assert (tmp_path / "secret").read_text() == "mine"
    if said:
        assert ended.returncode != 0
        assert said in ended.stderr
        assert ended.stdout == ""


def test_names_stay_inside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    unpack(tmp_path, entry("../secret"), entry(f"{tmp_path}/secret"), entry("bin/ok"))
    assert (tmp_path / "secret").read_text() == "mine"


def test_files_and_links_inside_are_unpacked_without_special_modes(tmp_path: Path) -> None:
    ended = unpack(
        tmp_path,
        entry("bin/run", mode=0o4755),
        entry("bin/alias", tarfile.SYMTYPE, "run"),
        entry("share/bin", tarfile.SYMTYPE, "../bin"),
    )
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr
    assert (tmp_path / "in to" / "share" / "bin" / "alias").read_text() == "evil"
    assert (tmp_path / "in to" / "bin" / "run").stat().st_mode & 0o7777 == 0o755


def test_no_archive_is_unpacked_past_it() -> None:
    """One door: nobody else calls tar on a host."""
    root = Path(operations.__file__).parent.parent
    callers = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if re.search(r"\btar -x", path.read_text())
    }
    # The files that a build is made of are this program's own tar.
    assert callers == {"operations/downloads.py", "addons/builder.py"}
