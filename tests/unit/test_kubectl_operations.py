"""What kubectl is told for an addon, in this machine's sh with a kubectl that plays along."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kubeinstall.operations.commands import Command
from kubeinstall.operations.kubectl import Removal, Work, addon, applied, removed
from tests.unit.operating import with_programs

pytestmark = pytest.mark.unit

FAKE = """#!/bin/sh
echo "$*" >> "$HERE/calls"
case " $* " in *' -f - '*) cat >> "$HERE/input"; echo >> "$HERE/input" ;; esac
number=$(cat "$HERE/number" 2>/dev/null || echo 0)
echo $((number + 1)) > "$HERE/number"
case " $* " in
*' apply '*) [ "$number" -ge "$FAILS" ] || { echo "Error from server: $SAYS" >&2; exit 1; }
  echo "configmap/a serverside-applied" ;;
*' get crd'*) ;;
*' get '*) printf '%s' "$LEFT" ;;
esac
"""


class Shell:
    """Runs commands with a kubectl of our own.

    Args:
        fails: how many applies fail, and what they say.
        left: what ``kubectl get`` finds.
    """

    def __init__(self, top: Path, fails: int = 0, says: str = "", left: str = "") -> None:
        self._top = top
        (top / "kubectl").write_text(FAKE)
        (top / "kubectl").chmod(0o755)
        (top / "sleep").write_text("#!/bin/sh\n")
        (top / "sleep").chmod(0o755)
        self._env = {
            **os.environ,
            "PATH": f"{top}:{os.environ['PATH']}",
            "HERE": str(top),
            "FAILS": str(fails),
            "SAYS": says,
            "LEFT": left,
        }

    def run(self, *commands: Command) -> subprocess.CompletedProcess[str]:
        """Each in its turn; the last one's end."""
        done = subprocess.CompletedProcess("", 0, "", "")
        for command in commands:
            done = subprocess.run(
                ["sh", "-c", with_programs(command.get_raw_value(), self._top)],
                input=f"{command.stdin or ''}\n",
                env=self._env,
                capture_output=True,
                text=True,
                timeout=60,
            )
        return done

    @property
    def calls(self) -> list[str]:
        """What kubectl was told, without how it reaches the cluster."""
        lines = (self._top / "calls").read_text().splitlines()
        return [line.partition("--request-timeout=60s ")[2] for line in lines]

    @property
    def inputs(self) -> list[Any]:
        return [json.loads(line) for line in (self._top / "input").read_text().split("\n") if line]


def document(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **more}}


def commands(work: Work) -> list[Command]:
    operation: Any = addon
    return list(operation._inner(work=work))


def first_words(found: Sequence[Command]) -> list[str]:
    return [c.get_raw_value().split("\n")[0] for c in found]


def test_nothing_to_do_is_no_command() -> None:
    assert commands(Work(diff="not counted")) == []


def test_the_order_survives_being_killed_anywhere() -> None:
    """Old and new kinds are noted first, the ConfigMap tells the end of it last."""
    work = Work(
        before=(document("ConfigMap", "parent"),),
        replaced=(document("Job", "once", namespace="a"),),
        stages=(
            (document("Namespace", "a"), document("CustomResourceDefinition", "x.y")),
            (document("ConfigMap", "b"),),
        ),
        secrets=(document("Secret", "c"),),
        removal=Removal(((document("Service", "d"),),), ("old.y",), ("old",)),
        after=(document("ConfigMap", "parent"),),
        diff="shown once",
    )
    found = commands(work)
    assert first_words(found) == [
        "# apply 1 object",
        "# delete 1 object",
        "# apply 2 objects",
        "# wait for 1 CRDs",
        "# create 1 object",
        "# apply 1 object",
        "# delete 1 object",
        "# delete CRDs that no longer have objects",
        "# delete namespaces without objects of others",
        "# apply 1 object",
    ]
    assert [command.diff for command in found] == ["shown once", *[""] * 9]


def test_documents_travel_on_standard_input_alone(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    secret = {**document("Secret", "c"), "data": {"password": "c2VjcmV0"}}
    command = applied([secret], 10)
    assert "c2VjcmV0" not in command.get_raw_value()
    assert "c2VjcmV0" not in str(command)
    assert shell.run(command).returncode == 0
    assert shell.calls == ["apply --server-side --force-conflicts --field-manager=kubeinstall -f -"]
    assert shell.inputs[0]["items"] == [secret]


@pytest.mark.parametrize(
    ("says", "calls"),
    [('failed calling webhook "x": connection refused', 3), ("Deployment is invalid", 1)],
)
def test_only_what_may_come_about_is_tried_again(tmp_path: Path, says: str, calls: int) -> None:
    shell = Shell(tmp_path, fails=2, says=says)
    done = shell.run(applied([document("ConfigMap", "a")], 30))
    assert len(shell.calls) == calls
    assert done.returncode == (0 if calls == 3 else 1)
    if calls == 1:
        assert done.stderr == f"Error from server: {says}\n"


def test_a_webhook_that_never_comes_is_told_in_the_end(tmp_path: Path) -> None:
    shell = Shell(tmp_path, fails=99, says="failed calling webhook")
    done = shell.run(applied([document("ConfigMap", "a")], 0))
    assert (done.returncode, done.stderr) == (1, "Error from server: failed calling webhook\n")


def kept_by(command: Command, shell: Shell) -> list[tuple[str, ...]]:
    """Kind, name and what it holds of each object that a command leaves to the user."""
    assert command.kept
    found = command.kept(shell.run(command).stdout)
    return [(one["kind"], one["name"], one["holds"]) for one in found]


def test_what_holds_things_of_others_stays(tmp_path: Path) -> None:
    shell = Shell(tmp_path, left="Deployment/mine ")
    (command,) = removed(Removal(namespaces=("shop",)))
    assert kept_by(command, shell) == [("Namespace", "shop", "Deployment/mine")]
    assert shell.calls[-1] == "label namespace shop applyset.kubernetes.io/part-of-"


def test_an_empty_namespace_goes(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert shell.run(*removed(Removal(namespaces=("shop",)))).stdout == ""
    assert shell.calls[-1].endswith("delete namespace shop --ignore-not-found --timeout=120s")


def test_a_crd_goes_with_the_last_of_its_objects(tmp_path: Path) -> None:
    shell = Shell(tmp_path, left="thing/mine\n")
    (command,) = removed(Removal(crds=("things.x.y",)))
    assert kept_by(command, shell) == [("CustomResourceDefinition", "things.x.y", "thing/mine")]
    other = tmp_path / "empty"
    other.mkdir()
    shell = Shell(other)
    shell.run(*removed(Removal(crds=("things.x.y",))))
    assert shell.calls[-1] == "delete crd things.x.y --ignore-not-found --timeout=60s"


def test_deleting_names_objects_and_nothing_else_of_them(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    live = {**document("Secret", "c", namespace="a", uid="1"), "data": {"x": "eA=="}}
    shell.run(*removed(Removal(((live,),))))
    assert shell.inputs[0]["items"] == [document("Secret", "c", namespace="a")]


def test_values_of_secrets_are_hidden_if_kubectl_repeats_them() -> None:
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    values = {"password": b"correct-horse", "user": b"admin", "raw": b"\xff" * 20}
    data = {key: base64.b64encode(value).decode() for key, value in values.items()}
    (create,) = commands(Work(secrets=({**made, "data": data},)))
    assert create.secrets == ("correct-horse",)
    config = {**made, "kind": "ConfigMap", "data": data}
    assert applied([config, {**made, "data": {"broken": "%%%"}}], 1).secrets == ()
