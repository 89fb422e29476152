"""Where else a host could get packages and images from, when its source cannot be reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from kubeinstall.inventory.model import Cluster
from kubeinstall.preflight.probe import Probe, package_url, reach_script, sources
from kubeinstall.releases.package_sources import SINCE, SOURCES

Target = tuple[str, int]
"""Host and port."""


def variants(cluster: Cluster, lost: Iterable[Target]) -> dict[str, Cluster]:
    """What could be written instead: advice, to the cluster that would come of it.

    Args:
        lost: what a host cannot reach.
    """
    addresses = {address for address, _ in lost}
    spec = cluster.spec
    packages = urlsplit(package_url(cluster)).hostname in addresses
    images = cluster.image_repository.partition("/")[0].partition(":")[0] in addresses
    if not packages and not images:
        return {}
    changes: dict[str, object] = {}
    without: list[str] = []
    own = [key for key in ("url", "archive") if getattr(spec.packages, key)]
    if packages and own:
        own += ["key"] if spec.packages.key else []
        changes["packages"] = spec.packages.model_copy(update=dict.fromkeys(own))
        without += [f"packages.{key}" for key in own]
    if images and spec.image_repository:
        changes |= {"image_repository": None, "image_layout": None}
        without.append("image_repository")
    left_out = f", and remove cluster.{' and cluster.'.join(without)}" if without else ""
    known = (cluster.version.major, cluster.version.minor) >= SINCE
    keeps_packages = own and not packages
    return {
        f"set cluster.source: {name.value}{left_out}": cluster.replaced(
            spec=spec.model_copy(update={**changes, "source": name})
        )
        for name in SOURCES
        if (known or keeps_packages) and (name != spec.source or without)
    }


def lost(cluster: Cluster, probe: Probe) -> list[Target]:
    """What a host should reach of its sources and cannot."""
    if probe.proxy:
        return []
    return [
        (address, port)
        for address, port in sources(cluster)
        if probe.reach.get(f"{address}:{port}", "ok") != "ok"
    ]


def question(cluster: Cluster, missing: Iterable[Target]) -> str:
    """The script that tries everything that could be used instead.

    Args:
        missing: what the host cannot reach.
    """
    others = variants(cluster, missing).values()
    return reach_script(dict.fromkeys(target for other in others for target in sources(other)))


def advice(cluster: Cluster, missing: Iterable[Target], reach: Mapping[str, str]) -> str:
    """What to change so that the host reaches everything; empty: nothing that is known helps.

    Args:
        missing: what the host cannot reach.
        reach: the answer to ``question``: ``address:port`` to ``ok`` or why not.
    """
    for text, other in variants(cluster, missing).items():
        if all(reach.get(f"{address}:{port}") == "ok" for address, port in sources(other)):
            return text
    return ""
