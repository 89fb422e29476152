"""Where the archive of a Helm chart is: a repository with an index, a registry, or an address.

Sources: helm.sh/docs/topics/chart_repository (index.yaml); for registries oci.py.
"""

from __future__ import annotations

import io
import re
import tarfile
from typing import Any
from urllib.parse import urljoin

from kubeinstall.addons import oci
from kubeinstall.addons.documents import NotObjectsError, values
from kubeinstall.addons.downloads import MAX_BYTES, Downloads, keep, kept
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.catalogue.model import Chart
from kubeinstall.inventory.suggestions import did_you_mean

_SHOWN = 5
_MADE_UP = re.compile(
    rb"\b(rand[A-Z]\w+|gen(CA|SelfSignedCert|SignedCert|PrivateKey)\w*|uuidv4|htpasswd|bcrypt|shuffle"
    rb"|encryptAES|now)\b"
)


def archive(chart: Chart, downloads: Downloads) -> bytes:
    """The chart's archive (.tgz), whose SHA-256 is the pinned one.

    Raises:
        KubeinstallError: it cannot be fetched, is another one, or is no such chart.
    """
    data = kept(chart.digest)
    if data is None and chart.repository.startswith("oci://"):
        data = oci.chart(chart, downloads)
        keep(data, chart.digest, f"{chart.repository}/{chart.name}:{chart.version}")
    elif data is None:
        data = downloads.pinned(address(chart, downloads), chart.digest)
    _must_be(chart, data)
    return data


def address(chart: Chart, downloads: Downloads) -> str:
    """The address of a chart's archive.

    Raises:
        KubeinstallError: the repository cannot be read, or has no such chart or version.
    """
    if chart.repository.endswith((".tgz", ".tar.gz")):
        return chart.repository
    base = chart.repository.rstrip("/") + "/"
    entries = _entries(chart, downloads.read(f"{base}index.yaml"))
    named = entries.get(chart.name)
    if not isinstance(named, list) or not named:
        near = did_you_mean(chart.name, list(entries)) or f"it has {_some(entries)}"
        raise _wrong(chart, f"it has no chart {chart.name}", near)
    versions = {str(one.get("version")): one for one in named if isinstance(one, dict)}
    found = versions.get(chart.version) or versions.get(f"v{chart.version.removeprefix('v')}")
    if found is None:
        raise _wrong(chart, f"{chart.name} has no version {chart.version}", _some(versions))
    urls = found.get("urls")
    if not isinstance(urls, list) or not urls:
        raise _wrong(chart, f"its index has no archive of {chart.name} {chart.version}", "")
    return urljoin(base, str(urls[0]))


def makes_up(data: bytes) -> bool:
    """Whether a chart's templates call what gives another result each time (Sprig's functions)."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        files = (
            tar.extractfile(entry)
            for entry in tar
            if "/templates/" in entry.name and entry.isreg() and entry.size <= MAX_BYTES
        )
        return any(file is not None and _MADE_UP.search(file.read()) for file in files)


def _entries(chart: Chart, index: bytes) -> dict[str, Any]:
    try:
        found = next(values(index), None)
    except NotObjectsError as error:
        raise _wrong(chart, f"its index.yaml cannot be read: {error}", "") from None
    entries = found.get("entries") if isinstance(found, dict) else None
    if not isinstance(entries, dict):
        raise _wrong(chart, "its index.yaml is not a chart index: it has no entries", "")
    return entries


def _must_be(chart: Chart, data: bytes) -> None:
    """The archive says itself what it is: so a digest cannot be that of another version."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
            names = [n for n in tar.getnames() if n.count("/") == 1 and n.endswith("/Chart.yaml")]
            entry = tar.getmember(names[0]) if names else None
            plain = entry is not None and entry.isreg() and entry.size <= MAX_BYTES
            file = tar.extractfile(names[0]) if plain else None
            found = next(values(file.read()), None) if file else None
    except (tarfile.TarError, OSError, EOFError, NotObjectsError) as error:
        raise _wrong(chart, f"its archive is not a chart: {error}", "") from None
    if not isinstance(found, dict):
        raise _wrong(chart, "its archive is not a chart: it has no Chart.yaml", "")
    name, version = str(found.get("name")), str(found.get("version"))
    if (name, version.removeprefix("v")) != (chart.name, chart.version.removeprefix("v")):
        what = f"the archive with the pinned digest is {name} {version}"
        raise _wrong(chart, f"{what}, not {chart.name} {chart.version}", "")


def _some(names: dict[str, Any]) -> str:
    shown = list(names)[:_SHOWN]
    return ", ".join(shown) + (" ..." if len(names) > _SHOWN else "")


def _wrong(chart: Chart, why: str, there: str) -> KubeinstallError:
    return KubeinstallError(
        Finding(
            Kind.LOCAL,
            f"the chart {chart.name} {chart.version} is not available from {chart.repository}",
            why=why,
            next=there or "correct the chart's name, version or repository in addon.yaml",
        )
    )
