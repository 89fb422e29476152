"""A folder of programs: what is refused before anything is built."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from kubeinstall.lab.mirror import from_binaries
from kubeinstall.lab.mirror.elf import is_program, is_static
from kubeinstall.lab.mirror.errors import MirrorError
from kubeinstall.lab.mirror.programs import REQUIRED, Programs, hash_files

pytestmark = pytest.mark.unit


def elf_file(path: Path, *header_kinds: int) -> Path:
    head = bytearray(64)
    head[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<HH", head, 54, 56, len(header_kinds))
    headers = b"".join(struct.pack("<I", kind).ljust(56, b"\0") for kind in header_kinds)
    path.write_bytes(bytes(head) + headers)
    return path


def test_a_program_with_an_interpreter_is_not_static(tmp_path: Path) -> None:
    assert is_static(elf_file(tmp_path / "static", 1, 1, 4))
    assert not is_static(elf_file(tmp_path / "dynamic", 6, 3, 1))


def test_a_script_is_no_program(tmp_path: Path) -> None:
    script = tmp_path / "kubeadm"
    script.write_text("#!/bin/sh\n")
    assert not is_program(script)
    with pytest.raises(ValueError, match="not a 64-bit program"):
        is_static(script)


def test_all_missing_programs_are_named_at_once(tmp_path: Path) -> None:
    elf_file(tmp_path / "kubeadm")
    with pytest.raises(MirrorError) as caught:
        Programs(tmp_path, "1.36.2").check()
    assert "kubelet, kubectl, kube-apiserver" in caught.value.what
    assert "lacks kubeadm" not in caught.value.what


def test_a_script_among_the_programs_is_refused(tmp_path: Path) -> None:
    for name in REQUIRED:
        (tmp_path / name).write_text("#!/bin/sh\n")
    with pytest.raises(MirrorError, match="not a Linux program"):
        Programs(tmp_path, "1.36.2").check()


def test_a_program_that_may_not_be_run_is_refused(tmp_path: Path) -> None:
    for name in REQUIRED:
        elf_file(tmp_path / name).chmod(0o644)
    with pytest.raises(MirrorError, match="not executable") as caught:
        Programs(tmp_path, "1.36.2").check()
    assert caught.value.next.startswith("chmod +x")


def test_a_version_has_to_be_exact(tmp_path: Path) -> None:
    with pytest.raises(MirrorError, match=r"1\.36.*not an exact version"):
        from_binaries(tmp_path, "1.36", print)


def test_the_hash_follows_names_and_contents(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    two.write_text("a")
    before = hash_files([one])
    assert before == hash_files([one])
    assert before != hash_files([two])
    one.write_text("b")
    assert before != hash_files([one])
