"""kubectl is spelled in one place, with one policy of how long it waits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubeinstall.facts.kubectl import Timeout, kubectl

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
_SPELLED = re.compile(r"request-timeout=(?!0\b)|kubectl\S* --kubeconfig|--kubeconfig /etc")


def test_its_command_line_is_written_in_one_place() -> None:
    files = [*(ROOT / "kubeinstall").rglob("*.py"), *(ROOT / "templates").rglob("*.*")]
    spelled = {
        str(path.relative_to(ROOT))
        for path in files
        if _SPELLED.search(path.read_text(encoding="utf-8"))
    }
    # The command line's own help names the option for the user's kubectl.
    assert spelled == {"kubeinstall/facts/kubectl.py", "kubeinstall/cli/kubeconfig.py"}


def test_its_words() -> None:
    admin = "/usr/bin/kubectl --kubeconfig /etc/kubernetes/admin.conf"
    assert kubectl() == f"{admin} --request-timeout=15s"
    assert kubectl(Timeout.POLL, "/k") == "/usr/bin/kubectl --kubeconfig /k --request-timeout=5s"
