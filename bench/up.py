"""``kubeinstall up`` of one control plane and two workers against the same commands by hand.

Both start from fresh lab hosts and a warm mirror, and end when every node is Ready and every pod of
kube-system runs. The commands by hand are what a careful administrator types, without looking
before: installed on all hosts at once, over ssh connections that are kept.

    python -m bench.up [-i inventories/lab.yaml] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path

from bench.results import BY_HAND, FIRST, OURS, SECOND, Row, add_options, collect, save
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.files import network as network_files
from kubeinstall.inventory.load import load
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.lab import lab
from kubeinstall.lab.plan import plan

_KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


class ByHand:
    """The commands, over ssh connections that are kept."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def run(self, host: Host, script: str, stdin: str = "") -> str:
        """Run a script as root on a host.

        Raises:
            RuntimeError: it failed.
        """
        ssh = [
            "ssh",
            "-F/dev/null",
            f"-i{host.ssh.key}",
            f"-oUserKnownHostsFile={host.ssh.known_hosts}",
            "-oControlMaster=auto",
            "-oControlPersist=60",
            "-oControlPath=/run/kubeinstall-bench-%C",
            f"root@{host.address}",
        ]
        done = subprocess.run(
            [*ssh, f"sh -ec {shlex.quote(script)}"], input=stdin, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{host.name}: {script[:80]}: {done.stderr[-800:]}")
        return done.stdout

    def everywhere(self, script: str) -> None:
        """Run a script on all hosts at once."""
        with ThreadPoolExecutor(len(self.cluster.hosts)) as pool:
            list(pool.map(lambda host: self.run(host, script), self.cluster.hosts))

    def up(self) -> None:
        """Make the cluster."""
        cluster, first = self.cluster, self.cluster.first
        self._prepare()
        config = kubeadm_files.init_config(cluster)
        skip = ",".join(cluster.spec.kubeadm.skip_phases)
        self.run(
            first,
            f"cat >/root/k.yaml; kubeadm init --config /root/k.yaml --skip-phases={skip}",
            config,
        )
        join = self.run(first, "kubeadm token create --print-join-command").splitlines()[-1]
        ignore = ",".join(cluster.spec.kubeadm.ignore_preflight_errors)
        with ThreadPoolExecutor(len(cluster.workers)) as pool:
            list(
                pool.map(
                    lambda host: self.run(
                        host, f"{join} --node-name {host.name} --ignore-preflight-errors={ignore}"
                    ),
                    cluster.workers,
                )
            )
        self._network()
        self.run(
            first,
            f"{_KUBECTL} wait --for=condition=Ready node --all --timeout=300s && "
            f"{_KUBECTL} -n kube-system wait --for=condition=Ready pod --all --timeout=300s",
        )

    def _prepare(self) -> None:
        cluster = self.cluster
        names = "".join(f"{host.node_ip} {host.name}\\n" for host in cluster.hosts)
        daemon = json.dumps(
            {
                "exec-opts": ["native.cgroupdriver=systemd"],
                "insecure-registries": [cluster.image_repository],
                **cluster.spec.runtime.config,
            }
        )
        source = f"{cluster.spec.packages.url}/core:/stable:/v{cluster.version.minor_name}/deb/"
        version = f"{cluster.version}-*"
        key = cluster.spec.packages.key.read_text() if cluster.spec.packages.key else ""
        self.everywhere(f"""
export DEBIAN_FRONTEND=noninteractive
printf '{names}' >>/etc/hosts
printf 'net.ipv4.ip_forward=1\\nnet.bridge.bridge-nf-call-iptables=1\\n' >/etc/sysctl.d/k.conf
sysctl -q --system
apt-get update -q
apt-get install -y -q --no-install-recommends chrony docker.io
echo {shlex.quote(daemon)} >/etc/docker/daemon.json
systemctl restart docker
cat >/etc/apt/k.asc <<'KEY'
{key}
KEY
echo 'deb [signed-by=/etc/apt/k.asc] {source} /' >/etc/apt/sources.list.d/k.list
apt-get update -q
apt-get install -y -q --no-install-recommends kubelet={version} kubeadm={version} kubectl={version}
apt-mark hold kubelet kubeadm kubectl
""")

    def _network(self) -> None:
        cluster = self.cluster
        asked = '{range .items[*]}{.metadata.name} {.spec.podCIDR}{"\\n"}{end}'
        answer = self.run(cluster.first, f"{_KUBECTL} get nodes -o jsonpath='{asked}'")
        words = [line.split() for line in answer.splitlines()]
        shares = {name: IPv4Network(share) for name, share in words}
        addresses = {host.name: host.node_ip for host in cluster.hosts}
        for host in cluster.hosts:
            self.run(
                host, f"cat >{network_files.CONFLIST}", network_files.conflist(shares[host.name])
            )
            routes = network_files.routes(host.name, shares, addresses)
            self.run(host, "sh -e", network_files.script(cluster, routes))


def fresh(cluster: Cluster) -> None:
    """New hosts."""
    found = plan(cluster)
    lab.down(found, lambda _: None)
    lab.up(found, lambda _: None)


def main() -> int:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-i", "--inventory", type=Path, default=Path("inventories/lab.yaml"))
    add_options(parser)
    given = parser.parse_args()
    inventory = given.inventory
    cluster = load(inventory, files_must_exist=False)

    fresh(cluster)
    began = time.monotonic()
    ByHand(load(inventory)).up()
    by_hand = time.monotonic() - began

    fresh(cluster)
    ours = [sys.executable, "-m", "kubeinstall", "up", "-y", "-i", str(inventory)]
    began = time.monotonic()
    subprocess.run([*ours, "--until", "ready"], check=True, stdout=subprocess.DEVNULL)
    first = time.monotonic() - began
    began = time.monotonic()
    subprocess.run(ours, check=True, stdout=subprocess.DEVNULL)
    again = time.monotonic() - began
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)

    print(f"by hand           {by_hand:7.1f} s")
    print(f"kubeinstall up    {first:7.1f} s   {first / by_hand:.2f} times by hand")
    print(f"the second up     {again:7.1f} s")
    print(f"kubeinstall: peak memory {usage.ru_maxrss // 1024} MiB")
    lab.down(plan(cluster), lambda _: None)
    if given.json:
        measured = ((BY_HAND, FIRST, by_hand), (OURS, FIRST, first), (OURS, SECOND, again))
        rows = [
            Row(tool=tool, run=run, hosts=len(cluster.hosts), seconds=round(seconds, 1))
            for tool, run, seconds in measured
        ]
        save(given.json, collect("up", rows, OURS, note=given.note))
    return 0


if __name__ == "__main__":
    sys.exit(main())
