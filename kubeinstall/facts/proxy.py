"""The proxies that the control plane's pods were given."""

from __future__ import annotations

from pyinfra.api.facts import FactBase

SERVICES_ENV = "/etc/kubeinstall/proxy.env"
"""The variables of the proxy that kubeinstall has set up, where it has."""
THROUGH_PROXY = f"if [ -r {SERVICES_ENV} ]; then set -a; . {SERVICES_ENV}; set +a; fi"
"""Shell after which curl goes through that proxy."""


def redirected(url: str) -> str:
    """What curl may be sent to from an address, for ``--proto-redir``: never from https to less."""
    return "=https" if url.lower().startswith("https:") else "=http,https"


class PodProxies(FactBase[tuple[str, ...]]):
    """For each manifest of the control plane, the SHA-256 of its proxy variables.

    They may hold a login, so they stay on the host. Digested are the lines ``NAME=value``, sorted.
    """

    @staticmethod
    def default() -> tuple[str, ...]:
        return ()

    def command(self) -> str:
        variable = r"^ *- name: [A-Za-z]*_\(PROXY\|proxy\)$"
        pairs = rf"/{variable}/{{s/^ *- name: //;h;n;s/^ *value: //;H;x;s/\n/=/;p}}"
        return rf"""
for name in kube-apiserver kube-controller-manager kube-scheduler; do
  file=/etc/kubernetes/manifests/$name.yaml
  [ -e $file ] || continue
  sed -n '{pairs}' $file | tr -d "\"'" | LC_ALL=C sort | sha256sum | cut -d' ' -f1
done
true"""

    def process(self, output: list[str]) -> tuple[str, ...]:
        return tuple(line.strip() for line in output if line.strip())
