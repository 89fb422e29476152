"""The container runtime and the registries it pulls from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from kubeinstall.inventory.forms import PACKAGE, PACKAGE_VERSION, REGISTRY, SIZE, URL
from kubeinstall.inventory.model.base import Document, Strict


class RuntimeName(StrEnum):
    DOCKER = "docker"
    CONTAINERD = "containerd"


class Registry(Strict):
    """How the runtime reaches one registry."""

    mirrors: list[Annotated[str, StringConstraints(pattern=URL)]] = Field(
        default_factory=list, description="URLs tried before it."
    )
    insecure: bool = Field(False, description="Plain HTTP or an unchecked certificate.")


class Runtime(Strict):
    """The container runtime."""

    name: RuntimeName = RuntimeName.CONTAINERD
    package: str | None = Field(
        None, pattern=PACKAGE, description="Package to install; default docker.io or containerd."
    )
    version: str | None = Field(
        None, pattern=PACKAGE_VERSION, description="Exact package version; default: the newest."
    )
    registries: dict[Annotated[str, StringConstraints(pattern=REGISTRY)], Registry] = Field(
        default_factory=dict, description="By registry, e.g. docker.io or mirror.lab:5000."
    )
    log_max_size: str = Field("10m", pattern=SIZE)
    log_max_files: Annotated[int, Field(ge=1)] = 5
    config: Document = Field(
        default_factory=dict,
        description="Merged into daemon.json (docker) or config.toml (containerd).",
    )
