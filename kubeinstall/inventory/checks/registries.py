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
            advice = "remove it: every pull would first wait for it"
            yield Issue(
                loc,
                f"{dotted(loc)}: {name} ({known.url}): {known.known}",
                why="the runtime then tries the next one, and finally Docker Hub itself",
                next=advice if known.dead else "prefer your own mirror, by its URL",
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
                f"{dotted(loc)}: the URL of a mirror contains credentials",
                why="no runtime reads them there",
                next="write the URL without it, and set username and password of "
                f"{url.netloc.rpartition('@')[2]} in cluster.runtime.registries",
            )
        elif url.query or url.fragment:
            yield Issue(
                loc,
                f"{dotted(loc)}: {text} has a query",
                why="the runtime appends the image's path to it",
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
                f"{dotted(loc)}: {given} requires {missing}",
                next=f"set {missing} as well",
                at_key=True,
            )
        elif registry.insecure and registry.username is not None:
            yield Issue(
                (*loc, "insecure"),
                f"{dotted(loc)}: credentials for a registry whose certificate is not verified",
                why="the password can be intercepted",
                next="set its CA, `ca: PATH`, and remove `insecure`",
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
                next="remove insecure: with a CA, the certificate is verified",
                at_key=True,
            )
