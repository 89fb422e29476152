"""The registries and mirrors that the runtime pulls from."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from kubeinstall.inventory.model import InventoryFile, RuntimeName
from kubeinstall.inventory.positions import Issue, Loc, dotted
from kubeinstall.releases.accelerators import ACCELERATORS, accelerator_url


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


def mirrors(inventory: InventoryFile) -> Iterator[Issue]:
    """Mirrors are addresses that the runtime takes."""
    runtime = inventory.cluster.runtime
    named: list[tuple[Loc, str]] = [
        (("cluster", "runtime", "registries", name, "mirrors", index), url)
        for name, registry in runtime.registries.items()
        for index, url in enumerate(registry.mirrors)
    ]
    named += [
        (("cluster", "runtime", "accelerators", index), accelerator_url(name))
        for index, name in enumerate(runtime.accelerators)
    ]
    for loc, text in named:
        url = urlsplit(text)
        if "@" in url.netloc:
            yield Issue(
                loc,
                f"{dotted(loc)}: the URL of a mirror contains a login",
                why="no runtime reads it there",
                next="write the URL without it, and set username and password of "
                f"{url.netloc.rpartition('@')[2]} in cluster.runtime.registries",
            )
        elif url.query or url.fragment:
            yield Issue(
                loc,
                f"{dotted(loc)}: {text} ends in a query",
                why="the runtime appends the path of the image to it",
                next="remove everything after the path",
            )
        elif url.path and runtime.name is RuntimeName.DOCKER:
            yield Issue(
                loc,
                f"{dotted(loc)}: {text} has a path, which Docker refuses in a mirror",
                why='dockerd does not start: "path, query, or fragment at end of the URI"',
                next=f"use {url.scheme}://{url.netloc} if it mirrors Docker Hub there, or use "
                "containerd, which accepts a path",
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
