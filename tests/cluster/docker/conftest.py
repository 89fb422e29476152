"""The lab of one control plane and two workers with docker, one for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.docker.lab import LAB
from tests.labs import fresh
from tests.running import on_host

# A worker that drops what it is not told to let through.
FIREWALL = """\
flush ruleset
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    tcp dport 22 accept
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
  }
}
"""
SHUT = f"""
apt-get update -q >/dev/null
DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends nftables >/dev/null
cat > /etc/nftables.conf <<'END'
{FIREWALL}END
systemctl enable --now -q nftables
"""


@pytest.fixture(scope="package", autouse=True)
def lab() -> Iterator[None]:
    with fresh(LAB):
        on_host(LAB, "w2", SHUT)
        yield
