"""The container runtime and the registries it pulls from."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, WithJsonSchema

from kubeinstall.inventory.formats import (
    ABSOLUTE_PATH,
    ACCELERATOR,
    ARCHIVE_URL,
    PACKAGE,
    PACKAGE_VERSION,
    REGISTRY,
    REGISTRY_USER,
    RELEASE,
    RUNTIME_TYPE,
    SHA256,
    SIZE,
    number_as_text,
)
from kubeinstall.inventory.model.base import DnsLabel, Document, Strict, Url
from kubeinstall.releases import cri_dockerd
from kubeinstall.releases.accelerators import DOCKER_HUB, accelerator_url

Accelerator = Annotated[
    str,
    StringConstraints(pattern=ACCELERATOR),
    BeforeValidator(number_as_text),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": ACCELERATOR}, {"const": 163}]}),
]


RUNC_TYPE = "io.containerd.runc.v2"
"""containerd's shim for runc, and for what takes its place: crun, youki."""


class RuntimeName(StrEnum):
    DOCKER = "docker"
    CONTAINERD = "containerd"


class Registry(Strict):
    """How the runtime reaches one registry."""

    mirrors: list[Url] = Field(default_factory=list, description="URLs tried before it.")
    insecure: bool = Field(False, description="Plain HTTP or an unchecked certificate.")
    username: str | None = Field(None, pattern=REGISTRY_USER, description="Login, for pulling.")
    password: SecretStr | None = Field(None, description="Password or token of the login.")
    ca: Path | None = Field(None, description="PEM file with the CA of its certificate.")

    @property
    def auth(self) -> str | None:
        """``username:password`` in Base64, as HTTP's basic authentication has it; a secret."""
        if self.username is None or self.password is None:
            return None
        plain = f"{self.username}:{self.password.get_secret_value()}"
        return base64.b64encode(plain.encode()).decode()


class CriDockerd(Strict):
    """What the kubelet speaks to Docker through, from Kubernetes 1.24 on."""

    version: str = Field(
        cri_dockerd.DEFAULT, pattern=RELEASE, description="Release, e.g. 0.3.26; from GitHub."
    )
    url: str | None = Field(
        None, pattern=ARCHIVE_URL, description="Archive or package that the hosts fetch instead."
    )
    file: Path | None = Field(
        None, description="Archive or package on this machine, for hosts without the internet."
    )
    sha256: str | None = Field(
        None, pattern=SHA256, description="Checksum of that file; some releases' are known."
    )


class VerifiedFile(Strict):
    """A file to install from."""

    file: Path | None = Field(None, description="On this machine; it is copied to the hosts.")
    url: Url | None = Field(None, description="Or where the hosts fetch it from.")
    sha256: str = Field(pattern=SHA256, description="Its checksum; nothing else vouches for it.")


class ContainerdArchive(VerifiedFile):
    """containerd's release archive, e.g. containerd-2.1.4-linux-amd64.tar.gz."""

    runc: VerifiedFile | None = Field(
        None, description="The program runc of its release; default: the distribution's package."
    )


class RuntimeClass(Strict):
    """Another way to run containers: for pods whose ``runtimeClassName`` names it."""

    type: str = Field(
        RUNC_TYPE,
        pattern=RUNTIME_TYPE,
        description="containerd's shim for it, e.g. io.containerd.runsc.v1 for gVisor.",
    )
    package: str | None = Field(
        None, pattern=PACKAGE, description="Package that brings it; default: it is there already."
    )
    binary: str | None = Field(
        None, pattern=ABSOLUTE_PATH, description="Program in the place of runc, e.g. /usr/bin/crun."
    )
    options: Document = Field(
        default_factory=dict, description="More options of the shim, e.g. ConfigPath."
    )


class RuntimeRepository(Strict):
    """Where docker-ce and containerd.io come from, which no distribution has."""

    url: Url | None = Field(
        None,
        description=(
            "Base URL in the layout of download.docker.com/linux (URL/debian/...); "
            "default: that of cluster.source."
        ),
    )
    key: Path | None = Field(None, description="Signing key file; default: the repository's own.")


class Runtime(Strict):
    """The container runtime."""

    name: RuntimeName = RuntimeName.CONTAINERD
    package: str | None = Field(
        None,
        pattern=PACKAGE,
        description=(
            "Package to install, e.g. docker-ce or containerd.io, which are Docker's own; "
            "default: the distribution's."
        ),
    )
    repository: RuntimeRepository = Field(
        default_factory=RuntimeRepository, description="For docker-ce and containerd.io."
    )
    version: str | None = Field(
        None, pattern=PACKAGE_VERSION, description="Exact package version; default: the newest."
    )
    archive: ContainerdArchive | None = Field(
        None, description="Instead of a package: containerd out of its release archive."
    )
    accelerators: list[Accelerator] = Field(
        default_factory=list,
        description="Mirrors of Docker Hub, tried in turn: public ones by name, or URLs.",
    )
    registries: dict[Annotated[str, StringConstraints(pattern=REGISTRY)], Registry] = Field(
        default_factory=dict, description="By registry, e.g. docker.io or mirror.lab:5000."
    )
    classes: dict[DnsLabel, RuntimeClass] = Field(
        default_factory=dict, description="Runtime classes by name, e.g. crun; for containerd."
    )
    cri_dockerd: CriDockerd = Field(
        default_factory=CriDockerd, description="For docker with Kubernetes 1.24 and later."
    )
    log_max_size: str = Field(
        "10m",
        pattern=SIZE,
        description="Maximum size of a container's log file before it is rotated.",
    )
    log_max_files: int = Field(
        5, ge=1, description="Number of logs kept for a container; containerd: at least 2."
    )
    config: Document = Field(
        default_factory=dict,
        description="Merged into daemon.json (docker) or config.toml (containerd).",
    )

    def mirrors(self, registry: str) -> Sequence[str]:
        """The URLs that are tried before a registry, in their order, each once.

        Args:
            registry: its name; the accelerators are Docker Hub's, after its own mirrors.
        """
        settings = self.registries.get(registry)
        urls = list(settings.mirrors) if settings else []
        if registry == DOCKER_HUB:
            urls += map(accelerator_url, self.accelerators)
        return list(dict.fromkeys(urls))

    def registry_names(self) -> Sequence[str]:
        """Every registry that the runtime is told something about."""
        hub = [DOCKER_HUB] if self.accelerators else []
        return list(dict.fromkeys([*self.registries, *hub]))
