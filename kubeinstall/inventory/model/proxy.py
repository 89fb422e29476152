"""HTTP proxies between the hosts and the internet."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from kubeinstall.inventory.formats import NO_PROXY, real_networks
from kubeinstall.inventory.model.base import Strict


class Proxy(Strict):
    """HTTP proxies for packages, images and kubeadm; traffic within the cluster bypasses them."""

    http: SecretStr | None = Field(
        None,
        description="URL, e.g. http://proxy.example.org:3128. If it contains a login, it is not "
        "set for the control plane's pods, as others can read those.",
    )
    https: SecretStr | None = Field(None, description="Default: the same as http.")
    no_proxy: list[
        Annotated[str, StringConstraints(pattern=NO_PROXY), AfterValidator(real_networks)]
    ] = Field(
        default_factory=list,
        description="Names, addresses and networks (192.0.2.0/24) to reach without the proxy, such "
        "as internal registries and package sources. The cluster's addresses and names are "
        "always included.",
    )

    @property
    def urls(self) -> dict[str, str]:
        """The proxy URLs for ``http`` and ``https``, including logins: secrets."""
        given = {"http": self.http, "https": self.https or self.http}
        return {scheme: url.get_secret_value() for scheme, url in given.items() if url}

    @property
    def secret(self) -> bool:
        """Whether a URL contains a login."""
        return any("@" in url for url in self.urls.values())
