"""One run of the measured operations with kubeinstall's engine.

python -m bench.ours KEY KNOWN_HOSTS PORT...
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.hosts import USER
from kubeinstall.engine.session import Session
from kubeinstall.engine.types import Step
from kubeinstall.inventory.model import Cluster, ClusterSpec, Host, Kubelet, Role, Ssh


def cluster(key: Path, known_hosts: Path, ports: list[int]) -> Cluster:
    """The hosts as an inventory would have them."""
    hosts = tuple(
        Host(
            name=f"h{number}",
            role=Role.WORKER if number else Role.CONTROL_PLANE,
            address="127.0.0.1",
            node_ip="127.0.0.1",
            hostname=f"h{number}",
            ssh=Ssh(user=USER, port=port, key=key, known_hosts=known_hosts),
            labels={},
            taints=None,
            kubelet=Kubelet(),
        )
        for number, port in enumerate(ports)
    )
    return Cluster(spec=ClusterSpec(kubernetes="1.36.2"), hosts=hosts)


def _settle(inputs: None) -> None:
    # Imports pyinfra, which connecting does not need.
    from bench.deploy import settle

    del inputs
    settle()


def main(key: str, known_hosts: str, *ports: str) -> int:
    """Connect, take the lock, run the round; prints how much changed."""
    with Session(cluster(Path(key), Path(known_hosts), [int(p) for p in ports])) as session:
        session.connect()
        session.lock()
        results = session.round("bench", {name: [Step(_settle, None)] for name in session.alive})
        for finding in session.failures.values():
            print(finding, file=sys.stderr)
        print(f"changed={sum(len(r.changed) for r in results.values())}")
        return 1 if session.failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
