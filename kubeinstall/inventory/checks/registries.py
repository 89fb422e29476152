"""The registries and mirrors that the runtime pulls from."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinstall.inventory.model import InventoryFile
from kubeinstall.inventory.source import Issue, dotted
from kubeinstall.releases.accelerators import ACCELERATORS


def accelerators(inventory: InventoryFile) -> Iterator[Issue]:
    """What is known against the public mirrors that are named."""
    for index, name in enumerate(inventory.cluster.runtime.accelerators):
        known = ACCELERATORS.get(name)
        if known:
            loc = ("cluster", "runtime", "accelerators", index)
            advice = "take it out: every pull would first wait for it"
            yield Issue(
                loc,
                f"{dotted(loc)}: {name} ({known.url}): {known.known}",
                why="the runtime goes on to the next one, and to Docker Hub itself",
                next=advice if known.dead else "better is a mirror of your own, by its URL",
                severity="warning",
            )


def logins(inventory: InventoryFile) -> Iterator[Issue]:
    """A login has both its halves, and does not travel in the clear."""
    for name, registry in inventory.cluster.runtime.registries.items():
        loc = ("cluster", "runtime", "registries", name)
        if (registry.username is None) != (registry.password is None):
            given, missing = "username", "password"
            if registry.username is None:
                given, missing = missing, given
            yield Issue(
                (*loc, given),
                f"{dotted(loc)}: {given} without {missing}",
                next=f"write {missing} as well",
                at_key=True,
            )
        elif registry.insecure and registry.username is not None:
            yield Issue(
                (*loc, "insecure"),
                f"{dotted(loc)}: a login for a registry whose certificate is not checked",
                why="whoever is on the way can have the password",
                next="name the CA of its certificate: `ca: PATH`, without `insecure`",
                severity="warning",
            )


def cas(inventory: InventoryFile) -> Iterator[Issue]:
    """A certificate is either checked or not."""
    for name, registry in inventory.cluster.runtime.registries.items():
        if registry.ca and registry.insecure:
            loc = ("cluster", "runtime", "registries", name)
            yield Issue(
                (*loc, "insecure"),
                f"{dotted(loc)}: ca and insecure exclude each other",
                next="with a CA the certificate is checked: leave out insecure",
                at_key=True,
            )
