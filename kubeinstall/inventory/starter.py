"""A commented inventory to start from."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.checks.hosts import unusable
from kubeinstall.inventory.checks.networks import free
from kubeinstall.inventory.formats import HOST_NAME, LOGIN
from kubeinstall.releases import DEFAULT

_TARGET = re.compile(r"(?:(?P<user>.*)@)?(?P<host>[^@:]*)(?::(?P<port>\d+))?")
_EXAMPLES = ("root@192.0.2.11", "root@192.0.2.12", "root@192.0.2.13")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class Target:
    """A host as given on the command line.

    Args:
        name: its name; empty if only its address was given.
    """

    user: str
    address: IPv4Address
    port: int
    name: str = ""


def resolve_name(name: str) -> IPv4Address:
    """The first IPv4 address of a name, as this machine sees it.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    return IPv4Address(found[0][4][0])


def parse_target(
    text: str, resolve: Callable[[str], IPv4Address] = resolve_name, user: str = "root"
) -> Target:
    """Read ``[USER@]HOST[:PORT]``.

    Args:
        resolve: from a host's name to its address.
        user: the user if the text has none.

    Raises:
        KubeinstallError: not of that form, or a name without an IPv4 address.
    """
    match = _TARGET.fullmatch(text)
    port = int(match["port"] or 22) if match else 0
    login = (match["user"] if match and match["user"] is not None else user) or ""
    if not (match and re.match(HOST_NAME, match["host"]) and re.match(LOGIN, login)):
        raise _bad(f"{text!r} is not [USER@]HOST[:PORT]", "write it like root@10.0.0.11")
    if not 1 <= port <= 65535:
        raise _bad(f"{text!r}: {port} is not a port", "use 1 to 65535")
    label, address = _name_and_address(text, match["host"], resolve)
    if unusable(address):
        raise _bad(
            f"{text!r}: {address} is {unusable(address)}; other nodes cannot reach it",
            "use the host's address on the network that the nodes share",
        )
    return Target(login, address, port, label)


def _name_and_address(
    text: str, host: str, resolve: Callable[[str], IPv4Address]
) -> tuple[str, IPv4Address]:
    """The name for a host (empty if it has no usable one) and its address."""
    try:
        return "", IPv4Address(host)
    except AddressValueError:
        pass
    if re.fullmatch(r"[0-9.]+", host):
        raise _bad(f"{text!r}: {host} is not an IPv4 address", "write it like 10.0.0.11")
    try:
        address = resolve(host)
    except OSError:
        raise _bad(
            f"{text!r}: {host} cannot be resolved to an IPv4 address on this machine",
            "use its address instead",
        ) from None
    label = host.split(".")[0].lower()
    return label if _LABEL.fullmatch(label) else "", address


def _bad(what: str, advice: str) -> KubeinstallError:
    return KubeinstallError(Finding(Kind.USAGE, what, next=advice))


def starter(targets: Sequence[Target] = ()) -> str:
    """The text of an inventory with these hosts; the first is the control plane.

    Raises:
        KubeinstallError: a host is given twice.
    """
    chosen = list(targets) or [parse_target(text) for text in _EXAMPLES]
    twice = [
        host for host, count in Counter((t.address, t.port) for t in chosen).items() if count > 1
    ]
    if twice:
        raise _bad(f"{twice[0][0]} is given twice", "give each host once")
    used = [IPv4Network(target.address) for target in chosen]
    pods = free(used, "10.244.0.0/16")
    services = free([*used, pods], "10.96.0.0/16")
    user = Counter(target.user for target in chosen).most_common(1)[0][0]
    port = Counter(target.port for target in chosen).most_common(1)[0][0]
    lines = [_host(name, t, user, port) for name, t in zip(_names(chosen), chosen, strict=True)]
    workers = "\n".join(lines[1:])
    return _TEMPLATE.format(
        version=DEFAULT,
        pods=pods,
        services=services,
        user=user,
        port=port,
        example="" if targets else _EXAMPLE_NOTE,
        control_plane=lines[0],
        taints="" if workers else _ALONE,
        workers=f"    hosts:\n{workers}" if workers else "    hosts: {}",
    )


def _names(targets: Sequence[Target]) -> list[str]:
    """A name for each: its own if it is unique, else cp1, w1, w2, ..."""
    counts = Counter(target.name for target in targets)
    taken = {name for name, count in counts.items() if name and count == 1}
    names: list[str] = []
    for index, target in enumerate(targets):
        made = "cp1" if index == 0 else f"w{index}"
        while made in taken:
            made += "-node"
        names.append(target.name if target.name in taken else made)
    return names


def _host(name: str, target: Target, user: str, port: int) -> str:
    """A host's lines, with settings that differ from the defaults."""
    own = []
    if target.user != user:
        own.append(f"user: {target.user}")
    if target.port != port:
        own.append(f"port: {target.port}")
    lines = [f"      {name}:", f"        address: {target.address}"]
    if own:
        lines.append(f"        ssh: {{{', '.join(own)}}}")
    return "\n".join(lines)


_EXAMPLE_NOTE = "# The addresses below are examples: replace them with your own.\n"
_ALONE = "    taints: [] # the only node, so it runs all pods\n"
_TEMPLATE = """\
# An inventory for `kubeinstall up`. To check it, run `kubeinstall validate`.
# For completion in your editor, run `kubeinstall schema > kubeinstall.schema.json` and start with
#   # yaml-language-server: $schema=./kubeinstall.schema.json
# ${{NAME}} inserts an environment variable in any value; passwords can also be {{file: PATH}}.
{example}
cluster:
  name: kubernetes
  kubernetes: {version}
  runtime:
    name: containerd # or docker
    # registries: # mirrors to try before the registry itself
    #   docker.io: {{mirrors: [https://mirror.example.org]}}
  network:
    plugin: bridge # for hosts on one subnet; or flannel, calico, canal, none
    pods: {pods}
    services: {services}
  # source: aliyun # or tuna, ustc: mirrors of packages and images; default: official
  # packages: # default: those of the source; or another source with its layout and signing key
  #   url: https://packages.example.org
  #   key: packages.asc
  # image_repository: registry.example.org/kubernetes # default: that of the source
  # kubeadm: # flags without dashes
  #   api_server_args: {{event-ttl: 2h}}
  #   cert_sans: [api.example.org]

defaults: # for all hosts; groups and hosts can override them
  ssh:
    user: {user} # other users than root need sudo
    port: {port}
    # key: ~/.ssh/id_ed25519 # default: the agent and the keys in ~/.ssh
    # sudo_password: {{file: sudo-password}}
    # bastion: user@gate.example.org:22
    # host_keys: accept-new # default: strict, the host's key must be in ~/.ssh/known_hosts

groups:
  control_plane: # exactly one host
{taints}    hosts:
{control_plane}
  workers:
    # labels: {{example.org/disk: ssd}}
{workers}
"""
