"""The model of ``addon.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from kubeinstall.inventory.formats import DNS_NAME, IMAGE, PACKAGE, SHA256, SYSCTL
from kubeinstall.inventory.model.base import DnsLabel, Strict, Text
from kubeinstall.releases import Version

Minor = Annotated[str, StringConstraints(pattern=r"^1\.[0-9]+$")]
"""A Kubernetes minor version as text, e.g. ``1.36`` (as a number, YAML would read 1.30 as 1.3)."""
Image = Annotated[str, StringConstraints(pattern=IMAGE)]
Sha256 = Annotated[str, StringConstraints(pattern=SHA256)]
_PART = r"[A-Za-z0-9_][-A-Za-z0-9_.]*"
Relative = Annotated[str, StringConstraints(pattern=rf"^{_PART}(/{_PART})*/?$")]
"""A path inside the addon's folder: without ``..``, as no part can begin with a dot."""
Family = Literal["debian", "redhat", "fedora", "openeuler"]


class Stage(StrEnum):
    """When an addon is applied: pod networks before nodes can be Ready, others afterwards."""

    NETWORK = "network"
    ADDONS = "addons"


class Range(Strict):
    """A range of Kubernetes minor versions, including both ends."""

    since: Minor | None = None
    until: Minor | None = None

    def holds(self, version: Version) -> bool:
        """Whether a Kubernetes version is in it."""
        minor = (version.major, version.minor)
        low, high = _minor(self.since), _minor(self.until)
        return (low is None or low <= minor) and (high is None or minor <= high)

    def __str__(self) -> str:
        if self.since and self.until:
            return f"{self.since} to {self.until}"
        if self.since:
            return f"{self.since} or later"
        return f"up to {self.until}" if self.until else "any"


class Upstream(Strict):
    """A manifest that upstream publishes."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
    sha256: Sha256


class Chart(Strict):
    """A Helm chart, which is rendered and then applied like other manifests."""

    repository: Annotated[str, StringConstraints(pattern=r"^(https?|oci)://\S+$")] = Field(
        description="URL of a repository with index.yaml, of a registry (oci://) without the "
        "chart's name, or of the archive (.tgz)."
    )
    name: Text
    version: Text
    digest: Sha256 = Field(description="SHA-256 of the chart's archive.")
    values: Relative | None = Field(None, description="A template for the chart's values.")


CHART_VALUES: dict[str, Any] = {
    "chart": {
        "type": "object",
        "default": {},
        "description": "Values of the Helm chart, merged over those of the addon.",
    }
}
"""A value of every addon with a chart, unless its ``addon.yaml`` defines it."""


class AddonRelease(Strict):
    """A version of an addon, and the Kubernetes versions that it supports."""

    version: Text
    kubernetes: Range = Field(default_factory=Range)
    images: dict[str, Image] = Field(default_factory=dict)
    upstream: list[Upstream] = Field(default_factory=list)
    chart: Chart | None = None


When = Annotated[dict[str, Any], Field(min_length=1)]
"""Values of the addon; the entry applies if the addon has all of them."""


class Related(Strict):
    """Another addon that matters only with certain values."""

    addon: DnsLabel
    when: When


class ClusterFeature(StrEnum):
    """A feature of a cluster that an addon can require."""

    COREDNS = "coredns"
    KUBELET_CERTIFICATES = "kubelet-certificates"
    STRICT_ARP = "strict-arp"


class ClusterNeed(Strict):
    """A feature that the cluster must have."""

    has: ClusterFeature = Field(
        description="coredns: the CoreDNS that kubeadm installs; kubelet-certificates: kubelets "
        "have serving certificates from the cluster's CA (serverTLSBootstrap); strict-arp: nodes "
        "do not answer ARP requests for Services, as they do with kube-proxy in mode ipvs."
    )
    when: When | None = None


class HostPort(Strict):
    """A port of the hosts that an addon uses."""

    port: Annotated[int, Field(ge=1, le=65535)]
    protocol: Literal["tcp", "udp"] = "tcp"
    only_hosts: bool = Field(False, description="Only the cluster's hosts connect to it.")
    when: When | None = None


class HostNeeds(Strict):
    """Requirements on every host."""

    packages: dict[Family, list[Annotated[str, StringConstraints(pattern=PACKAGE)]]] = Field(
        default_factory=dict
    )
    modules: list[Text] = Field(default_factory=list)
    sysctls: dict[Annotated[str, StringConstraints(pattern=SYSCTL)], str | int] = Field(
        default_factory=dict
    )
    services: list[Text] = Field(default_factory=list, description="systemd units that must run.")
    kernel: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+$")] | None = Field(
        None, description="Minimum kernel version, e.g. 5.10."
    )
    ports: list[HostPort] = Field(
        default_factory=list, description="Ports that its pods use; the firewall opens them."
    )


class Certificate(Strict):
    """A self-signed certificate."""

    dns: list[Annotated[str, StringConstraints(pattern=DNS_NAME)]] = Field(min_length=1)


class GeneratedSecret(Strict):
    """A Secret that is generated if the cluster has none: random values or a certificate."""

    name: Annotated[str, StringConstraints(pattern=DNS_NAME)]
    keys: dict[str, Annotated[int, Field(ge=8, le=256)]] = Field(
        default_factory=dict, description="Keys, with the length of their values."
    )
    certificate: Certificate | None = None


class Check(Strict):
    """A request that ``verify`` sends to the API server."""

    name: Text
    get: Annotated[str, StringConstraints(pattern=r"^(/|\{)")] = Field(
        description="An API path; a template."
    )
    contains: Text = Field(
        description="A regular expression that the response must match; a template."
    )


class Condition(Strict):
    """A condition of an object that must be True."""

    kind: Annotated[str, StringConstraints(pattern=r"^[A-Z]\w*\.\w+\.[\w.-]*$")] = Field(
        description="Kind.version.group"
    )
    name: Text
    namespace: str | None = None
    condition: Text


class AddonFile(Strict):
    """addon.yaml."""

    name: DnsLabel
    title: Text
    home: str = ""
    stage: Stage = Stage.ADDONS
    releases: list[AddonRelease] = Field(min_length=1, description="Newest first.")
    namespace: DnsLabel = "default"
    pod_security: Literal["privileged", "baseline", "restricted"] = "baseline"
    needs: list[DnsLabel | Related] = Field(default_factory=list)
    provides: list[DnsLabel] = Field(default_factory=list)
    excludes: list[DnsLabel | Related] = Field(default_factory=list)
    makes_default: dict[Literal["IngressClass", "StorageClass"], str] = Field(
        default_factory=dict,
        description="Kinds with one default, and the value that makes the addon's the default.",
    )
    retired: str | None = None
    provisioners: list[Annotated[str, StringConstraints(pattern=DNS_NAME)]] = Field(
        default_factory=list,
        description="Provisioners that create and delete volumes, in addition to the CSIDrivers "
        "and StorageClasses among its objects: those that its programs register.",
    )
    notices: list[Text] = Field(default_factory=list)
    values: dict[str, dict[str, Any]] = Field(default_factory=dict)
    cluster: list[ClusterNeed] = Field(default_factory=list)
    hosts: HostNeeds = Field(default_factory=HostNeeds)
    generated_secrets: list[GeneratedSecret] = Field(default_factory=list)
    checks: list[Check] = Field(default_factory=list)
    ready: list[Condition] = Field(default_factory=list)
    manifests: list[Relative] | None = None
    kustomization: Relative | None = None
    patches: Relative | None = None

    @model_validator(mode="before")
    @classmethod
    def _chart_takes_values(cls, given: Any) -> Any:
        releases = given.get("releases") if isinstance(given, dict) else None
        values = given.get("values", {}) if isinstance(given, dict) else None
        if not isinstance(releases, list) or not isinstance(values, dict):
            return given
        if any(isinstance(one, dict) and one.get("chart") for one in releases):
            return {**given, "values": {**CHART_VALUES, **values}}
        return given

    @model_validator(mode="after")
    def _patches_are_for_others_objects(self) -> Self:
        outside = any(release.upstream or release.chart for release in self.releases)
        if self.patches and not outside and not self.kustomization:
            raise ValueError("patches: there is no upstream, chart or kustomization to patch")
        return self

    @model_validator(mode="after")
    def _values_are_described(self) -> Self:
        for name, schema in self.values.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"values.{name}: write it in lower case with underscores")
            if not schema.get("description"):
                raise ValueError(f"values.{name} has no description")
        for where, name in self._named_values():
            if name not in self.values:
                raise ValueError(f"{where}: there is no values.{name}")
        return self

    def _named_values(self) -> Iterator[tuple[str, str]]:
        """The values that the file refers to, and where."""
        yield from ((f"makes_default.{kind}", name) for kind, name in self.makes_default.items())
        whens = {
            "needs": [one.when for one in self.needs if isinstance(one, Related)],
            "excludes": [one.when for one in self.excludes if isinstance(one, Related)],
            "cluster": [need.when for need in self.cluster if need.when],
            "hosts.ports": [port.when for port in self.hosts.ports if port.when],
        }
        yield from ((where, name) for where, these in whens.items() for w in these for name in w)


@dataclass(frozen=True)
class Addon:
    """An addon: what its file says, and where it is."""

    file: AddonFile
    folder: Path

    @property
    def name(self) -> str:
        return self.file.name

    def release(self, version: Version) -> AddonRelease | None:
        """The newest release for a Kubernetes version; None: there is none."""
        fitting = (r for r in self.file.releases if r.kubernetes.holds(version))
        return next(fitting, None)

    @property
    def kubernetes(self) -> str:
        """The Kubernetes it is for, in words."""
        ranges = [release.kubernetes for release in self.file.releases]
        sinces, untils = [_minor(r.since) for r in ranges], [_minor(r.until) for r in ranges]
        low = None if None in sinces else min(s for s in sinces if s)
        high = None if None in untils else max(u for u in untils if u)
        return str(Range(since=_text(low), until=_text(high)))

    def provides(self, name: str) -> bool:
        """Whether it is what another addon needs by that name."""
        return name == self.name or name in self.file.provides

    def needs(self, values: Mapping[str, Any]) -> list[str]:
        """What else has to be in the cluster when it has these values."""
        return _related(self.file.needs, values)

    def excludes(self, values: Mapping[str, Any]) -> list[str]:
        """What cannot be in the cluster when it has these values."""
        return _related(self.file.excludes, values)

    def features(self, values: Mapping[str, Any]) -> list[ClusterNeed]:
        """What the cluster has to have when it has these values."""
        return [need for need in self.file.cluster if _holds(need.when, values)]

    def ports(self, values: Mapping[str, Any]) -> list[HostPort]:
        """The ports of the hosts that it takes when it has these values."""
        return [port for port in self.file.hosts.ports if _holds(port.when, values)]


def _related(named: Iterable[str | Related], values: Mapping[str, Any]) -> list[str]:
    return [
        one if isinstance(one, str) else one.addon
        for one in named
        if isinstance(one, str) or _holds(one.when, values)
    ]


def _holds(when: Mapping[str, Any] | None, values: Mapping[str, Any]) -> bool:
    return all(values.get(name) == value for name, value in (when or {}).items())


def _minor(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _text(minor: tuple[int, int] | None) -> str | None:
    return None if minor is None else f"{minor[0]}.{minor[1]}"
