"""The scripts of the checkout."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.running import REPO

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("linked", [False, True])
def test_paths_begin_in_the_folder_where_kubeinstall_is_called(
    tmp_path: Path, linked: bool
) -> None:
    scripts, here = tmp_path / "checkout" / "scripts", tmp_path / "a b"
    for folder in (scripts, here):
        folder.mkdir(parents=True)
    program = Path(shutil.copy(REPO / "scripts" / "kubeinstall", scripts))
    # As env.sh does, without making an environment.
    change = 'cd "$(dirname "${BASH_SOURCE[0]}")/.."'
    (scripts / "env.sh").write_text(f'{change}\nkubeinstall() {{ pwd; printf "%s|" "$@"; }}\n')
    assert change in (REPO / "scripts" / "env.sh").read_text()
    if linked:
        link = tmp_path / "bin"
        link.symlink_to(program)
        program = link
    ran = subprocess.run(
        [program, "validate", "-i", "my file.yaml"],
        cwd=here,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == f"{here}\nvalidate|-i|my file.yaml|"
