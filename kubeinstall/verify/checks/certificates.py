"""The certificates' dates on every host."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from testinfra.host import Host

from kubeinstall.certificates import load_pem
from kubeinstall.inventory.model import Cluster
from kubeinstall.inventory.model import Host as Node
from kubeinstall.verify.check import expect

_SOON = timedelta(days=7)

SCRIPT = r"""
pem() { sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p'; }
for f in /etc/kubernetes/pki/*.crt /etc/kubernetes/pki/etcd/*.crt \
         /var/lib/kubelet/pki/kubelet-client-current.pem; do
  [ -e "$f" ] && echo "file $f" && pem < "$f"
done
for f in /etc/kubernetes/*.conf; do
  [ -e "$f" ] || continue
  data=$(sed -n 's/^ *client-certificate-data: //p' "$f")
  [ -z "$data" ] || { echo "file $f"; echo "$data" | base64 -d | pem; }
done
exit 0
"""
"""Prints certificates only: what else is in these files (private keys) stays on the host."""


def certificates_last_a_week(host: Host, _node: Node, _cluster: Cluster) -> None:
    """Every certificate is valid now and for 7 days to come."""
    now = datetime.now(UTC)
    found = list(expiries(host.check_output(SCRIPT)))
    expect(found, "there are no certificates")
    ends = [f"{path} ends {end:%Y-%m-%d}" for path, _, end in found if end < now + _SOON]
    expect(not ends, "; ".join(ends), "kubeadm certs renew all")
    early = [f"{path} begins {begin:%Y-%m-%d %H:%M}" for path, begin, _ in found if begin > now]
    expect(not early, "; ".join(early), "compare the clocks: timedatectl")


def expiries(answer: str) -> Iterator[tuple[str, datetime, datetime]]:
    """Path, begin and end of each certificate in the script's answer."""
    for part in f"\n{answer}".split("\nfile ")[1:]:
        path, _, pem = part.partition("\n")
        for certificate in load_pem(pem) if pem.strip() else ():
            yield path, certificate.not_valid_before_utc, certificate.not_valid_after_utc


CHECKS = (certificates_last_a_week,)
