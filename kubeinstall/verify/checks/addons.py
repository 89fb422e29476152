"""The cluster's addons, asked on a control plane that answers."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable
from functools import cache

from testinfra.host import Host

from kubeinstall.addons.objects import Object
from kubeinstall.addons.parents import holding
from kubeinstall.addons.templating import render_text
from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.cluster.pending import Unready
from kubeinstall.cluster.readiness import unready
from kubeinstall.facts.addons import Addons, AddonState, Objects
from kubeinstall.inventory.catalogue.chosen import Chosen, chosen
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify.check import Check, expect, up

_TRIES = 10
_PAUSE = 3.0
"""Seconds: what an addon serves may need a moment after its pods are ready."""


def checks(cluster: Cluster) -> list[Check]:
    """For each addon that it is ready, and what its own file asks for."""

    @cache
    def state(host: Host) -> AddonState:
        return Addons().process(host.run(Addons().command()).stdout.split("\n"))

    found = []
    for one in chosen(cluster):
        found.append(_ready(one, state))
        for number, check in enumerate(one.addon.file.checks):
            name, get, contains = (
                render_text(cluster, one, text) for text in (check.name, check.get, check.contains)
            )
            asked = _asked(get, contains)
            found.append(_named(asked, f"{one.name}_{number}", f"Addon {one.name}: {name}"))
    return found


def unready_in(state: AddonState, addon: str, pods: tuple[Object, ...] = ()) -> list[Unready]:
    """What the cluster has of an addon and is not ready."""
    held = holding(addon, state.parents.get(addon), state.secrets.get(addon))
    if held.broken:
        return [Unready(held.broken.kind, "kube-system", held.broken.name, held.broken.why)]
    mine = filter(held.has, state.objects)
    return [found for o in mine if (found := unready(o, pods))]


def _ready(one: Chosen, state: Callable[[Host], AddonState]) -> Check:
    def check(host: Host, _node: Node, _cluster: Cluster) -> None:
        known = state(host)
        expect(not known.error, known.error, f"{KUBECTL} get nodes")
        expect(one.name in known.parents, "it is not in the cluster", up())
        if not (found := unready_in(known, one.name)):
            return
        spaces = tuple(dict.fromkeys(u.namespace for u in found if u.namespace))
        asked = host.run(Objects().command(refs=(), pods=spaces)).stdout
        told = unready_in(known, one.name, Objects().process(asked.split("\n")))
        expect(False, "; ".join(map(str, told)), f"{KUBECTL} get pods -A -o wide")

    return _named(check, f"{one.name}_is_ready", f"Addon {one.name} is ready")


def _asked(get: str, contains: str) -> Check:
    def check(host: Host, _node: Node, _cluster: Cluster) -> None:
        command = f"{KUBECTL} get --raw {shlex.quote(get)}"
        for left in reversed(range(_TRIES)):
            answer = host.run(command)
            if answer.rc == 0 and re.search(contains, answer.stdout):
                return
            if left:
                time.sleep(_PAUSE)
        said = " ".join((answer.stderr or answer.stdout).split())[:300]
        expect(False, f"{get} does not return {contains}: {said or 'nothing'}", command)

    return check


def _named(check: Check, name: str, title: str) -> Check:
    check.__name__ = name.replace("-", "_")
    check.__doc__ = f"{title}."
    return check
