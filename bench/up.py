"""``kubeinstall up`` of one control plane and two workers against the same commands by hand.

Both start from fresh lab hosts and a warm mirror, and end when every node is Ready and every pod of
kube-system runs. The commands by hand are what a careful administrator types, without looking
before: installed on all hosts at once, over ssh connections that are kept.

    python -m bench.up [-i inventories/lab.yaml] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path

from bench import timeline
from bench.results import BY_HAND, FIRST, OURS, SECOND, Bar, Row, add_options, collect, save
from kubeinstall.files import kubeadm as kubeadm_files
from kubeinstall.files import network as network_files
from kubeinstall.inventory.load import load
from kubeinstall.inventory.model import Cluster, Host
from kubeinstall.lab import cgroups, lab
from kubeinstall.lab.plan import plan

_KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


class ByHand:
    """The commands, over ssh connections that are kept.

    Args:
        bars: what has run on which host when.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.bars: list[Bar] = []
        self._began = time.monotonic()

    def run(self, host: Host, phase: str | None, script: str, stdin: str = "") -> str:
        """Run a script as root on a host.

        Args:
            phase: the phase of kubeinstall that does the same; None if it only waits.

        Raises:
            RuntimeError: it failed.
        """
        began = time.monotonic()
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
        if phase:
            begin, seconds = began - self._began, time.monotonic() - began
            self.bars.append(
                Bar(
                    tool=BY_HAND,
                    run=FIRST,
                    host=host.name,
                    phase=phase,
                    begin=round(begin, 2),
                    seconds=round(seconds, 2),
                )
            )
        return done.stdout

    def everywhere(self, scripts: Mapping[str, str]) -> None:
        """Run scripts, by phase, one after another on each host, on all hosts at once."""

        def each(host: Host) -> None:
            for phase, script in scripts.items():
                self.run(host, phase, script)

        with ThreadPoolExecutor(len(self.cluster.hosts)) as pool:
            list(pool.map(each, self.cluster.hosts))

    def up(self) -> None:
        """Make the cluster."""
        cluster, first = self.cluster, self.cluster.first
        self.everywhere(self._preparation())
        config = kubeadm_files.init_config(cluster)
        skip = ",".join(cluster.spec.kubeadm.skip_phases)
        self.run(
            first,
            "control-plane",
            f"cat >/root/k.yaml; kubeadm init --config /root/k.yaml --skip-phases={skip}",
            config,
        )
        create = "kubeadm token create --print-join-command"
        join = self.run(first, "workers", create).splitlines()[-1]
        ignore = ",".join(cluster.spec.kubeadm.ignore_preflight_errors)
        with ThreadPoolExecutor(len(cluster.workers)) as pool:
            list(
                pool.map(
                    lambda host: self.run(
                        host,
                        "workers",
                        f"{join} --node-name {host.name} --ignore-preflight-errors={ignore}",
                    ),
                    cluster.workers,
                )
            )
        self._network()
        self.run(
            first,
            None,
            f"{_KUBECTL} wait --for=condition=Ready node --all --timeout=300s && "
            f"{_KUBECTL} -n kube-system wait --for=condition=Ready pod --all --timeout=300s",
        )

    def _preparation(self) -> dict[str, str]:
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
        quiet = "export DEBIAN_FRONTEND=noninteractive"
        install = "apt-get install -y -q --no-install-recommends"
        return {
            "hosts": f"""
printf '{names}' >>/etc/hosts
printf 'net.ipv4.ip_forward=1\\nnet.bridge.bridge-nf-call-iptables=1\\n' >/etc/sysctl.d/k.conf
sysctl -q --system
""",
            "runtime": f"""
{quiet}
apt-get update -q
{install} chrony docker.io
echo {shlex.quote(daemon)} >/etc/docker/daemon.json
systemctl restart docker
""",
            "packages": f"""
{quiet}
cat >/etc/apt/k.asc <<'KEY'
{key}
KEY
echo 'deb [signed-by=/etc/apt/k.asc] {source} /' >/etc/apt/sources.list.d/k.list
apt-get update -q
{install} kubelet={version} kubeadm={version} kubectl={version}
apt-mark hold kubelet kubeadm kubectl
""",
        }

    def _network(self) -> None:
        cluster = self.cluster
        asked = '{range .items[*]}{.metadata.name} {.spec.podCIDR}{"\\n"}{end}'
        answer = self.run(cluster.first, "network", f"{_KUBECTL} get nodes -o jsonpath='{asked}'")
        words = [line.split() for line in answer.splitlines()]
        shares = {name: IPv4Network(share) for name, share in words}
        addresses = {host.name: host.node_ip for host in cluster.hosts}
        for host in cluster.hosts:
            conflist = network_files.conflist(shares[host.name])
            self.run(host, "network", f"cat >{network_files.CONFLIST}", conflist)
            routes = network_files.routes(host.name, shares, addresses)
            self.run(host, "network", "sh -e", network_files.script(cluster, routes))


def fresh(cluster: Cluster) -> None:
    """New hosts."""
    found = plan(cluster)
    lab.down(found, lambda _: None)
    lab.up(found, lambda _: None)


def processor_time(cluster: Cluster) -> float:
    """Seconds of processor time that the hosts have used; without the mirror."""
    names, found = {host.name for host in cluster.hosts}, cgroups.layout()
    return sum(
        cgroups.processor_time(cgroups.folders(found, host.cgroup))
        for host in plan(cluster).hosts
        if host.name in names
    )


def main() -> int:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-i", "--inventory", type=Path, default=Path("inventories/lab.yaml"))
    add_options(parser)
    given = parser.parse_args()
    inventory = given.inventory
    cluster = load(inventory, files_must_exist=False)

    fresh(cluster)
    began, used = time.monotonic(), processor_time(cluster)
    admin = ByHand(load(inventory))
    admin.up()
    by_hand, used_by_hand = time.monotonic() - began, processor_time(cluster) - used

    fresh(cluster)
    ours = [sys.executable, "-m", "kubeinstall", "up", "-y", "-i", str(inventory)]
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / "events.jsonl"
        until = ["--until", "ready", "--events", str(events)]
        began, started, used = time.monotonic(), time.time(), processor_time(cluster)
        subprocess.run([*ours, *until], check=True, stdout=subprocess.DEVNULL)
        first, used_by_ours = time.monotonic() - began, processor_time(cluster) - used
        bars = [*admin.bars, *timeline.bars(timeline.read(events), started)]
    began = time.monotonic()
    subprocess.run(ours, check=True, stdout=subprocess.DEVNULL)
    again = time.monotonic() - began
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)

    print(f"by hand           {by_hand:7.1f} s")
    print(f"kubeinstall up    {first:7.1f} s   {first / by_hand:.2f} times by hand")
    print(f"the second up     {again:7.1f} s")
    print(f"kubeinstall: peak memory {usage.ru_maxrss // 1024} MiB")
    cores, ratio = len(os.sched_getaffinity(0)), used_by_ours / used_by_hand
    print("processor time of the hosts:")
    print(f"  by hand         {used_by_hand:7.1f} s")
    print(f"  kubeinstall up  {used_by_ours:7.1f} s   {ratio:.2f} times by hand")
    print(f"  on {cores} cores      {used_by_ours / cores:7.1f} s   at least")
    lab.down(plan(cluster), lambda _: None)
    if given.json:
        measured = ((BY_HAND, FIRST, by_hand), (OURS, FIRST, first), (OURS, SECOND, again))
        rows = [
            Row(tool=tool, run=run, hosts=len(cluster.hosts), seconds=round(seconds, 1))
            for tool, run, seconds in measured
        ]
        save(given.json, collect("up", rows, OURS, note=given.note, bars=bars))
    return 0


if __name__ == "__main__":
    sys.exit(main())
