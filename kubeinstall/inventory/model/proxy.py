"""The way out of the hosts' network, where it goes through a proxy."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from kubeinstall.inventory.formats import NO_PROXY, real_networks
from kubeinstall.inventory.model.base import Strict


class Proxy(Strict):
    """HTTP proxies for packages, images and kubeadm; the cluster's own traffic goes past them."""

    http: SecretStr | None = Field(
        None,
        description="URL, e.g. http://proxy.example.org:3128; it may hold a login: then the "
        "control plane's pods, which others can read, do without.",
    )
    https: SecretStr | None = Field(None, description="Default: the same as http.")
    no_proxy: list[
        Annotated[str, StringConstraints(pattern=NO_PROXY), AfterValidator(real_networks)]
    ] = Field(
        default_factory=list,
        description="What is reached without it, beside the cluster's own addresses and names: "
        "registries and package sources inside your network, or a network as 192.0.2.0/24.",
    )

    @property
    def urls(self) -> dict[str, str]:
        """The proxy's URL for ``http`` and ``https``, a login included: secrets."""
        given = {"http": self.http, "https": self.https or self.http}
        return {scheme: url.get_secret_value() for scheme, url in given.items() if url}

    @property
    def secret(self) -> bool:
        """Whether a URL holds a login."""
        return any("@" in url for url in self.urls.values())
