"""Hosts that the whole command line can be measured on: bench.hosts with addresses of their own.

Each is an sshd in a root and namespaces of its own, of the network as well, on a bridge of this
machine. There is no service manager: a script stands in for systemctl and remembers what it was
told. So the phases up to `hosts` run as they do elsewhere; kubelets and runtimes do not.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from bench.hosts import WORK, Bench, Place, alone, hosts_at

NETWORK = IPv4Network("10.231.0.0/16")
_BRIDGE = "kibench"
_PORT = 8080
_SOURCE = f"{NETWORK[1]}:{_PORT}"
_SYSTEMCTL = """#!/bin/sh
# Stands in for systemctl: records the state that each unit was set to.
state=/run/played-units
mkdir -p "$state"
verb= units= now= quiet=
for word; do
    case $word in
        --now) now=1 ;;
        -q|--quiet) quiet=1 ;;
        -*) ;;
        *=*) ;;
        *) if [ "$verb" ]; then units="$units $word"; else verb=$word; fi ;;
    esac
done
known() { ls /lib/systemd/system/"$1" /etc/systemd/system/"$1" >/dev/null 2>&1; }
for unit in $units; do
    case $unit in *.*) ;; *) unit=$unit.service ;; esac
    active=inactive enabled=disabled load=loaded
    known "$unit" || { load=not-found enabled=; }
    [ ! -e "$state/$unit.active" ] || active=active
    [ ! -e "$state/$unit.enabled" ] || enabled=enabled
    [ "$(readlink "/etc/systemd/system/$unit")" != /dev/null ] || { load=masked enabled=masked; }
    case $verb in
        start|restart|reload) touch "$state/$unit.active" ;;
        enable) touch "$state/$unit.enabled"; [ ! "$now" ] || touch "$state/$unit.active" ;;
        stop) rm -f "$state/$unit.active" ;;
        disable) rm -f "$state/$unit.enabled"; [ ! "$now" ] || rm -f "$state/$unit.active" ;;
        mask) ln -sf /dev/null "/etc/systemd/system/$unit" ;;
        unmask) rm -f "/etc/systemd/system/$unit" ;;
        is-active) [ "$quiet" ] || echo "$active"; [ $active = active ] || exit 3 ;;
        is-enabled) [ "$quiet" ] || echo "$enabled"; [ "$enabled" = enabled ] || exit 1 ;;
        show)
            printf 'LoadState=%s\\nActiveState=%s\\nUnitFileState=%s\\nNeedDaemonReload=no\\n' \\
                "$load" "$active" "$enabled"
            ;;
    esac
done
exit 0
"""


@contextmanager
def fleet(count: int, layer: Path) -> Iterator[Bench]:
    """That many hosts at addresses of their own, until the block ends; one fleet at a time."""
    WORK.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = [f"h{number}" for number in range(1, count + 1)]
    places = {
        name: Place(str(NETWORK[256 + number]), 22, Path("/run/netns") / f"{_BRIDGE}-{name}")
        for number, name in enumerate(names)
    }
    with alone(WORK / "fleet.lock"), _network(places), _answering(), _played() as played:  # noqa: SIM117 its layer is the next one's
        with hosts_at(places, [played, layer]) as bench:
            yield bench


def inventory(bench: Bench) -> str:
    """An inventory with all hosts of a fleet, the first of which is the control plane."""
    (first, at), *others = bench.places.items()
    listed = "".join(f"      {name}: {{address: {place.address}}}\n" for name, place in others)
    return (
        "cluster:\n"
        "  name: fleet\n"
        "  kubernetes: 1.36.2\n"
        "  time: {manage: false}\n"
        f"  packages: {{url: 'https://{_SOURCE}'}}\n"
        f"  image_repository: {_SOURCE}\n"
        "defaults:\n"
        f"  ssh: {{user: root, key: {bench.key}, known_hosts: {bench.known_hosts}}}\n"
        "groups:\n"
        f"  control_plane:\n    hosts:\n      {first}: {{address: {at.address}}}\n"
        f"  workers:\n    hosts:\n{listed}"
    )


@contextmanager
def _network(places: dict[str, Place]) -> Iterator[None]:
    """A bridge, and for each host a network namespace with an interface on it."""
    spaces = {place.network.name: place for place in places.values() if place.network}
    lines = [
        f"link add {_BRIDGE} type bridge",
        f"address add {NETWORK[1]}/{NETWORK.prefixlen} dev {_BRIDGE}",
        f"link set {_BRIDGE} up",
    ]
    for number, name in enumerate(spaces):
        lines += [
            f"netns add {name}",
            f"link add {_BRIDGE}{number} type veth peer name eth0 netns {name}",
            f"link set {_BRIDGE}{number} master {_BRIDGE} up",
        ]
    try:
        _ip(lines)
        for name, place in spaces.items():
            own = [
                f"address add {place.address}/{NETWORK.prefixlen} dev eth0",
                "link set eth0 up",
                "link set lo up",
                f"route add default via {NETWORK[1]}",
            ]
            _ip(own, "-netns", name)
        yield
    finally:
        gone = [*(f"netns delete {name}" for name in spaces), f"link delete {_BRIDGE}"]
        _ip(gone, "-force", check=False)


def _ip(lines: list[str], *options: str, check: bool = True) -> None:
    text = "".join(f"{line}\n" for line in lines)
    subprocess.run(["ip", *options, "-batch", "-"], input=text, text=True, check=check)


@contextmanager
def _answering() -> Iterator[None]:
    """Something listens where packages and images come from: preflight tries whether it does."""
    with socket.create_server((str(NETWORK[1]), _PORT), backlog=1000):
        yield


@contextmanager
def _played() -> Iterator[Path]:
    """A layer with what stands in for programs that are not there."""
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        programs = Path(folder) / "usr" / "bin"
        programs.mkdir(parents=True)
        for path in (programs.parent.parent, programs.parent, programs):
            path.chmod(0o755)
        (programs / "systemctl").write_text(_SYSTEMCTL)
        (programs / "systemctl").chmod(0o755)
        yield Path(folder)
