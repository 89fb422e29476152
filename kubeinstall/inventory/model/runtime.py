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
"""containerd's shim for runc and compatible runtimes, such as crun and youki."""


class RuntimeName(StrEnum):
    DOCKER = "docker"
    CONTAINERD = "containerd"


class Registry(Strict):
    """How the runtime reaches one registry."""

    mirrors: list[Url] = Field(
        default_factory=list, description="URLs to try before the registry itself."
    )
    insecure: bool = Field(False, description="Allow plain HTTP and unverified certificates.")
    username: str | None = Field(
        None, pattern=REGISTRY_USER, description="Login for pulling images."
    )
    password: SecretStr | None = Field(None, description="Password or token of the login.")
    ca: Path | None = Field(None, description="PEM file with the CA for its certificate.")

    @property
    def auth(self) -> str | None:
        """``username:password`` in Base64, as in HTTP basic authentication; a secret."""
        if self.username is None or self.password is None:
            return None
        plain = f"{self.username}:{self.password.get_secret_value()}"
        return base64.b64encode(plain.encode()).decode()


class CriDockerd(Strict):
    """cri-dockerd, through which the kubelet uses Docker since Kubernetes 1.24."""

    version: str = Field(
        cri_dockerd.DEFAULT,
        pattern=RELEASE,
        description="Release to install from GitHub, e.g. 0.3.26.",
    )
    url: str | None = Field(
        None, pattern=ARCHIVE_URL, description="URL of an archive or package to download instead."
    )
    file: Path | None = Field(
        None, description="Archive or package on this machine, for hosts without internet access."
    )
    sha256: str | None = Field(
        None, pattern=SHA256, description="Checksum of that file; known for some releases."
    )


class VerifiedFile(Strict):
    """A file to install from."""

    file: Path | None = Field(None, description="File on this machine, copied to the hosts.")
    url: Url | None = Field(None, description="Or a URL that the hosts download it from.")
    sha256: str = Field(
        pattern=SHA256, description="SHA-256 of the file; it is not verified in any other way."
    )


class ContainerdArchive(VerifiedFile):
    """containerd's release archive, e.g. containerd-2.1.4-linux-amd64.tar.gz."""

    runc: VerifiedFile | None = Field(
        None, description="runc binary of a release; default: the distribution's package."
    )


class RuntimeClass(Strict):
    """A runtime class, for pods that set it in ``runtimeClassName``."""

    type: str = Field(
        RUNC_TYPE,
        pattern=RUNTIME_TYPE,
        description="containerd shim, e.g. io.containerd.runsc.v1 for gVisor.",
    )
    package: str | None = Field(
        None,
        pattern=PACKAGE,
        description="Package to install; default: none, it is already installed.",
    )
    binary: str | None = Field(
        None,
        pattern=ABSOLUTE_PATH,
        description="Program to use instead of runc, e.g. /usr/bin/crun.",
    )
    options: Document = Field(
        default_factory=dict, description="Additional options of the shim, e.g. ConfigPath."
    )


class RuntimeRepository(Strict):
    """Package repository for docker-ce and containerd.io, which distributions do not have."""

    url: Url | None = Field(
        None,
        description=(
            "Base URL in the layout of download.docker.com/linux (URL/debian/...); "
            "default: that of cluster.source."
        ),
    )
    key: Path | None = Field(None, description="Signing key file; default: the repository's key.")


class Runtime(Strict):
    """The container runtime."""

    name: RuntimeName = RuntimeName.CONTAINERD
    package: str | None = Field(
        None,
        pattern=PACKAGE,
        description=(
            "Package to install, e.g. docker-ce or containerd.io from Docker's repository; "
            "default: the distribution's package."
        ),
    )
    repository: RuntimeRepository = Field(
        default_factory=RuntimeRepository, description="For docker-ce and containerd.io."
    )
    version: str | None = Field(
        None, pattern=PACKAGE_VERSION, description="Exact package version; default: the newest."
    )
    archive: ContainerdArchive | None = Field(
        None, description="Install containerd from its release archive instead of a package."
    )
    accelerators: list[Accelerator] = Field(
        default_factory=list,
        description="Mirrors of Docker Hub, tried in order: names of public ones, or URLs.",
    )
    registries: dict[Annotated[str, StringConstraints(pattern=REGISTRY)], Registry] = Field(
        default_factory=dict, description="Settings by registry, e.g. docker.io or mirror.lab:5000."
    )
    classes: dict[DnsLabel, RuntimeClass] = Field(
        default_factory=dict, description="Runtime classes by name, e.g. crun; containerd only."
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
        5,
        ge=1,
        description="Number of log files to keep for each container; containerd: at least 2.",
    )
    config: Document = Field(
        default_factory=dict,
        description="Merged into daemon.json (docker) or config.toml (containerd).",
    )

    def mirrors(self, registry: str) -> Sequence[str]:
        """The URLs to try before a registry, in order, each once.

        Args:
            registry: its name; the accelerators are Docker Hub's, after its own mirrors.
        """
        settings = self.registries.get(registry)
        urls = list(settings.mirrors) if settings else []
        if registry == DOCKER_HUB:
            urls += map(accelerator_url, self.accelerators)
        return list(dict.fromkeys(urls))

    def registry_names(self) -> Sequence[str]:
        """Every registry with settings for the runtime."""
        hub = [DOCKER_HUB] if self.accelerators else []
        return list(dict.fromkeys([*self.registries, *hub]))
