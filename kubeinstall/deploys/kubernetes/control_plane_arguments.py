"""The arguments of the control plane's components, on a cluster that runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy

import yaml
from pyinfra.api.deploy import deploy
from pyinfra.context import host

from kubeinstall.deploys.inputs import Inputs
from kubeinstall.facts.control_plane import ControlPlane
from kubeinstall.facts.files import File
from kubeinstall.facts.static_pods import StaticPods, StaticPodsState
from kubeinstall.files import (
    kubeadm as kubeadm_files,
)
from kubeinstall.files import (
    kubelet as kubelet_files,
)
from kubeinstall.files import (
    proxy as proxy_files,
)
from kubeinstall.files.control_plane import question
from kubeinstall.inventory.model import Document
from kubeinstall.operations.static_pods import Change, arguments_changed

_KIND = "ClusterConfiguration"
# Component, its phase of kubeadm init, where ClusterConfiguration has it; the API server last.
_COMPONENTS = (
    ("etcd", "etcd local", ("etcd", "local")),
    ("kube-scheduler", "control-plane scheduler", ("scheduler",)),
    ("kube-controller-manager", "control-plane controller-manager", ("controllerManager",)),
    ("kube-apiserver", "control-plane apiserver", ("apiServer",)),
)
# In YAML these need no quotes, so a manifest has them as they are.
_PLAIN = re.compile(r"[\w./,@+-]*[\w/]")


@deploy("arguments of the control plane")
def keep(inputs: Inputs | None = None) -> None:
    """The components have the inventory's arguments; kubeadm's own and others' stay."""
    inputs = inputs or Inputs.plain()
    cluster = inputs.cluster
    state = host.get_fact(StaticPods)
    noted = host.get_fact(File, path=kubeadm_files.CONFIG)
    live = kubelet_files.document(host.get_fact(ControlPlane, **question(cluster)).configuration)
    if not live:
        return
    documents = kubelet_files.documents(noted.text or "" if noted else "") or [live]
    ours = kubeadm_files.cluster_configuration(cluster)
    last = next((each for each in documents if each.get("kind") == _KIND), {})
    found = changes(live, last, ours, state)
    wanted = with_arguments(live, last, ours)
    note = [with_arguments(d, last, ours) if d.get("kind") == _KIND else d for d in documents]
    init = kubeadm_files.init_configuration(cluster)
    names = " and ".join(change.component for change in found)
    arguments_changed(
        changes=found,
        node=inputs.host.hostname,
        config=yaml.safe_dump_all((init, wanted), sort_keys=False),
        note="" if note == documents else kubeadm_files.HEADER + yaml.safe_dump_all(note),
        path=kubeadm_files.CONFIG,
        environment=proxy_files.kubeadm_environment_file(cluster),
        name=f"Apply the arguments of {names}" if names else "Record the control plane's arguments",
    )


def changes(
    live: Document, last: Document, ours: Document, state: StaticPodsState
) -> tuple[Change, ...]:
    """What has to change, by component.

    Args:
        live: the ClusterConfiguration that the cluster has.
        last: the one that kubeinstall gave it last: what is in there and no longer wanted goes.
        ours: the one that the inventory makes.
    """
    found = []
    for component, phase, path in _COMPONENTS:
        has, wanted = _arguments(live, path), _arguments(ours, path)
        gone = _gone(live, last, ours, path)
        manifest = state.arguments.get(component, ())
        plain = {key: value for key, value in wanted.items() if _PLAIN.fullmatch(value)}
        lost = [key for key, value in plain.items() if f"--{key}={value}" not in manifest]
        new = {key: wanted[key] for key in wanted if has.get(key) != wanted[key] or key in lost}
        if not (new or gone):
            continue
        old = {key: has[key] for key in new if key in has and has[key] != new[key]}
        lines = [*(f"-{line}" for line in _lines({**gone, **old})), *(f"+{x}" for x in _lines(new))]
        diff = "\n".join([f"--- {component}", f"+++ {component}", *lines, ""])
        found.append(Change(component, phase, _lines(wanted), _lines({**gone, **old}), diff))
    return tuple(found)


def with_arguments(document: Document, last: Document, ours: Document) -> Document:
    """A ClusterConfiguration with our arguments in it, and without those of ours that go."""
    result = deepcopy(document)
    listed = str(document.get("apiVersion", "")).endswith("v1beta4")
    for _, _, path in _COMPONENTS:
        gone = _gone(document, last, ours, path)
        kept = {k: v for k, v in _arguments(document, path).items() if k not in gone}
        merged = {**kept, **_arguments(ours, path)}
        if merged == _arguments(document, path):
            continue
        section = result
        for key in path:
            section[key] = section.get(key) or {}
            section = section[key]
        if listed:
            section["extraArgs"] = [{"name": k, "value": v} for k, v in merged.items()]
        else:
            section["extraArgs"] = merged
    return result


def _gone(
    document: Document, last: Document, ours: Document, path: tuple[str, ...]
) -> Mapping[str, str]:
    wanted, has = _arguments(ours, path), _arguments(document, path)
    was = _arguments(last, path)
    return {key: value for key, value in was.items() if key not in wanted and has.get(key) == value}


def _arguments(document: Document, path: tuple[str, ...]) -> Mapping[str, str]:
    """The extra arguments of a component, from a map or, from v1beta4 on, a list."""
    section: object = document
    for key in (*path, "extraArgs"):
        section = section.get(key) if isinstance(section, dict) else None
    if isinstance(section, list):
        pairs = [each for each in section if isinstance(each, dict)]
        return {str(each.get("name")): str(each.get("value")) for each in pairs}
    return {str(k): str(v) for k, v in section.items()} if isinstance(section, dict) else {}


def _lines(arguments: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"--{name}={value}" for name, value in arguments.items())
