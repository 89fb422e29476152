"""kubeadm's documents in the form of each version."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubeinstall.files import kubeadm as kubeadm_files
from tests.unit.clusters import cluster

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("version", "form"),
    [
        ("1.20.2", {"a": "1", "b": "true", "c": "x=y"}),
        ("1.30.0", {"a": "1", "b": "true", "c": "x=y"}),
        (
            "1.31.0",
            [
                {"name": "a", "value": "1"},
                {"name": "b", "value": "true"},
                {"name": "c", "value": "x=y"},
            ],
        ),
    ],
)
def test_extra_args_in_the_form_of_the_version(version: str, form: Any) -> None:
    made = cluster(version=version)
    assert kubeadm_files.extra_args(made, {"a": 1, "b": True, "c": "x=y"}) == form


@pytest.mark.parametrize("version", ["1.20.2", "1.30.0", "1.36.2"])
def test_a_join_skips_only_phases_that_it_has(version: str) -> None:
    skipped = ["addon/coredns", "preflight", "wait-control-plane"]
    made = cluster(version=version, kubeadm={"skip_phases": skipped})
    text = kubeadm_files.join_config(made, made.workers[0], "t", "h")
    in_file = ["preflight"] if version != "1.20.2" else None
    assert yaml.safe_load(text).get("skipPhases") == in_file
    assert kubeadm_files.join_skip_phases(made) == ["preflight"]
    assert kubeadm_files.init_skip_phases(made) == skipped
