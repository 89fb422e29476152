"""A Helm chart in a registry.

Sources: the OCI distribution specification (manifests and blobs), distribution's token
authentication, helm.sh/docs/topics/registries (media types).
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

from kubeinstall.addons.downloads import Answer, Downloads, refused
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.catalogue.model import Chart

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_PLAIN = re.compile(r"(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?")


def chart(chart: Chart, downloads: Downloads) -> bytes:
    """The archive of a chart in a registry that needs no login.

    Raises:
        KubeinstallError: the registry cannot be read, has no such chart or has another one.
    """
    host, _, path = chart.repository.removeprefix("oci://").strip("/").partition("/")
    # What is on this machine only is read without TLS, as docker and containerd do it.
    scheme = "http" if _PLAIN.fullmatch(host) else "https"
    base = f"{scheme}://{host}/v2/" + "/".join(filter(None, (path, chart.name)))
    # A tag has no "+": helm push writes "_" for it.
    url = f"{base}/manifests/{chart.version.replace('+', '_')}"
    digest = _digest(url, _get(url, downloads).body)
    if digest != f"sha256:{chart.digest}":
        raise KubeinstallError(
            Finding(
                Kind.LOCAL,
                f"{chart.repository}/{chart.name}:{chart.version} is not the chart that is pinned",
                why=f"its digest is {digest.removeprefix('sha256:')}, but {chart.digest} is pinned",
                next="check what changed upstream; only if you trust it, update the digest "
                "in addon.yaml",
            )
        )
    return _get(f"{base}/blobs/{digest}", downloads).body


def _digest(url: str, manifest: bytes) -> str:
    """The digest of the chart's layer."""
    try:
        layers: list[dict[str, Any]] = json.loads(manifest)["layers"]
        return str(next(layer["digest"] for layer in layers if layer["mediaType"] == _CHART))
    except (ValueError, LookupError, TypeError, StopIteration):
        why = "it is not a Helm chart"
        raise KubeinstallError(Finding(Kind.LOCAL, f"{url} cannot be used", why=why)) from None


def _get(url: str, downloads: Downloads) -> Answer:
    """An answer of the registry, with the token for everyone where it wants one."""
    headers = {"Accept": _MANIFEST}
    answer = downloads.ask(url, headers)
    if answer.status == 401 and (token := _token(answer, downloads)):
        answer = downloads.ask(url, {**headers, "Authorization": f"Bearer {token}"})
    if answer.status != 200:
        raise refused(url, answer)
    return answer


def _token(answer: Answer, downloads: Downloads) -> str | None:
    """A token as the registry says where to get one; None: it gives none without a login."""
    challenge = str(answer.headers.get("WWW-Authenticate", ""))
    asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = asked.pop("realm", "")
    if not challenge.lower().startswith("bearer") or not realm.startswith(("https://", "http://")):
        return None
    given = downloads.ask(f"{realm}?{urlencode(asked)}")
    try:
        found = json.loads(given.body)
        return str(found.get("token") or found["access_token"])
    except (ValueError, LookupError, AttributeError):
        return None
