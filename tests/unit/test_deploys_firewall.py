"""Firewalls: what has to be open, and what each kind is told."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from kubeinstall.facts.files import Exists
from kubeinstall.facts.firewall import Firewalls, FirewallState, InPlace
from kubeinstall.facts.services import Unit, UnitState
from kubeinstall.files import firewall as firewall_files
from kubeinstall.inventory.model import Cluster, Role
from kubeinstall.operations import firewall
from kubeinstall.operations.firewall import Opening
from tests.unit.clusters import cluster, host
from tests.unit.operating import commands, run, texts

pytestmark = pytest.mark.unit


def two_control_planes() -> Cluster:
    made = cluster(workers=1)
    second = host("cp2", Role.CONTROL_PLANE, 20)
    return made.model_copy(update={"hosts": (*made.hosts, second)})


def test_a_worker_opens_little() -> None:
    made = cluster(workers=2)
    openings = firewall_files.openings(made, made.host("w1"))
    everywhere = {opening.ports for opening in openings if opening.source is None}
    assert everywhere == {"10256", "30000:32767"}
    assert {(o.ports, o.source) for o in openings if o.source} == {
        ("10250", "10.0.0.10"),
        ("10250", "10.0.0.12"),
    }


def test_a_control_plane_opens_the_api_to_all_and_etcd_to_its_like() -> None:
    made = two_control_planes()
    openings = firewall_files.openings(made, made.host("cp1"))
    assert Opening("6443") in openings
    assert Opening("2379:2380", source="10.0.0.20") in openings
    assert {o.source for o in openings if o.ports == "2379:2380"} == {"10.0.0.20"}


def test_the_endpoints_port_is_open_too() -> None:
    made = cluster(endpoint={"host": "api.example.org", "port": 8443})
    ports = {o.ports for o in firewall_files.openings(made, made.first) if o.source is None}
    assert ports >= {"6443", "8443"}


VXLAN, IPIP, BGP = ("8472", "udp"), ("", "4"), ("179", "tcp")


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({"plugin": "bridge"}, set()),
        ({"plugin": "none"}, set()),
        ({"plugin": "flannel"}, {VXLAN}),
        ({"plugin": "flannel", "flannel": {"port": 8473}}, {("8473", "udp")}),
        ({"plugin": "flannel", "flannel": {"backend": "host-gw"}}, set()),
        ({"plugin": "flannel", "flannel": {"backend": "udp"}}, {("8285", "udp")}),
        ({"plugin": "flannel", "flannel": {"backend": "wireguard"}}, {("51820", "udp")}),
        ({"plugin": "canal"}, {VXLAN}),
        ({"plugin": "canal", "canal": {"backend": "wireguard"}}, {("51820", "udp")}),
        ({"plugin": "calico"}, {BGP, IPIP}),
        ({"plugin": "calico", "calico": {"encapsulation": "none"}}, {BGP}),
        ({"plugin": "calico", "calico": {"encapsulation": "vxlan"}}, {("4789", "udp")}),
        (
            {"plugin": "calico", "calico": {"encapsulation": "vxlan-cross-subnet", "bgp": True}},
            {BGP, ("4789", "udp")},
        ),
        (
            {"plugin": "calico", "calico": {"install": "operator", "wireguard": True}},
            {BGP, IPIP, ("5473", "tcp"), ("51820", "udp")},
        ),
    ],
)
def test_what_a_plugin_needs_is_open_to_peers(
    network: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    made = cluster(workers=1, network=network)
    openings = firewall_files.openings(made, made.host("w1"))
    between = {(o.ports, o.protocol) for o in openings if o.source == "10.0.0.10"}
    assert between == {("10250", "tcp"), *expected}


def test_a_protocol_without_ports() -> None:
    made = cluster(workers=1, network={"plugin": "calico"})
    script = firewall_files.script(made, made.first)
    assert "\nip saddr { 10.0.0.11 } ip protocol 4 accept\n" in script
    assert "iptables -w -A KUBEINSTALL-INPUT -s 10.0.0.11 -p 4 -j ACCEPT\n" in script
    policy = ET.fromstring(firewall_files.policy(made, made.first))
    protocols = [p.get("value") for rule in policy for p in rule.findall("protocol")]
    assert protocols == ["4"]
    assert Opening("", "4", "10.0.0.11").ufw == "allow from 10.0.0.11"


def test_ports_that_addons_take() -> None:
    def opened(**values: Any) -> set[tuple[str, str | None]]:
        addons = {"ingress-nginx": {"values": values}, "traefik": {}}
        made = cluster(workers=1, version="1.35.2", addons=addons)
        found = firewall_files.openings(made, made.host("w1"))
        return {(o.ports, o.source) for o in found} - plain

    without = cluster(workers=1)
    plain = {(o.ports, o.source) for o in firewall_files.openings(without, without.host("w1"))}
    web: set[tuple[str, str | None]] = {("80", None), ("443", None)}
    assert opened() == set()
    assert opened(exposure="LoadBalancer") == set()
    # The API server asks its webhook, which is on the host's network as well.
    assert opened(exposure="hostNetwork") == {*web, ("8443", "10.0.0.10")}
    assert opened(exposure="hostNetwork", webhook=False) == web


def test_metallbs_speakers_reach_each_other() -> None:
    pools = [{"name": "main", "addresses": ["192.0.2.0/28"]}]
    made = cluster(workers=1, addons={"metallb": {"values": {"pools": pools}}})
    openings = firewall_files.openings(made, made.host("w1"))
    agreed = {(o.protocol, o.source) for o in openings if o.ports == "7946"}
    assert agreed == {("tcp", "10.0.0.10"), ("udp", "10.0.0.10")}


def test_rules_that_say_the_same_are_one() -> None:
    made = two_control_planes()
    script = firewall_files.script(made, made.first)
    assert "ip saddr { 10.0.0.11, 10.0.0.20 } tcp dport { 10250 } accept" not in script
    assert (
        "\nip saddr { 10.0.0.20 } tcp dport { 10250, 2379-2380, 10257, 10259 } accept\n" in script
    )
    assert "\nip saddr { 10.0.0.11 } tcp dport { 10250 } accept\n" in script
    assert "-s 10.0.0.20 -p tcp -m multiport --dports 10250,2379:2380,10257,10259 " in script
    worker = firewall_files.script(made, made.host("w1"))
    assert "\nip saddr { 10.0.0.10, 10.0.0.20 } tcp dport { 10250 } accept\n" in worker


def test_firewallds_files_are_xml() -> None:
    made = two_control_planes()
    for text in (firewall_files.zone(made), firewall_files.pods_policy()):
        assert ET.fromstring(text).get("target") == "ACCEPT"
    policy = ET.fromstring(firewall_files.policy(made, made.first))
    assert {zone.get("name") for zone in policy if zone.tag.endswith("zone")} == {"ANY", "HOST"}
    assert "30000-32767" in {port.get("port") for port in policy.findall("port")}
    rules = {
        (rule.find("source").get("address"), rule.find("port").get("port"))  # type: ignore[union-attr]
        for rule in policy.findall("rule")
    }
    assert ("10.0.0.20", "2379-2380") in rules
    assert ("10.0.0.11", "2379-2380") not in rules


LISTED = """\
table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
	chain output {
		type filter hook output priority filter; policy accept;
	}
	chain mine {
	}
}
# Warning: table ip filter is managed by iptables-nft, do not touch!
table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy accept;
	}
}
table ip kube-proxy {
	chain filter-input {
		type filter hook input priority filter; policy accept;
	}
}
table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
	}
}
table ip nat {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
	}
}
table ip own {
	chain late {
		type filter hook input priority 10; policy drop;
	}
}
"""


def test_the_users_chains_are_found() -> None:
    script = f"nft() {{ cat <<'END'\n{LISTED}END\n}}\n{firewall.CHAINS}\nchains"
    assert run(script).splitlines() == [
        "inet filter input input",
        "inet filter forward forward",
        "ip own late input",
    ]


OPENINGS = (Opening("6443"), Opening("2379:2380", source="10.0.0.20"))
PODS = ("10.244.0.0/16",)


def test_ufw(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [
        "at-work",
        "ufw allow 22/tcp",
        "ufw allow 6443/tcp comment 'kubeinstall'",
        "ufw route allow to 10.244.0.0/16",
    ]
    old = [
        "ufw allow from 10.0.0.99 to any port 10250 proto tcp comment 'kubeinstall'",
        "ufw route allow from 10.9.0.0/16 comment 'kubeinstall'",
        "ufw allow 9999 comment 'not kubeinstall'",
    ]
    facts = {Firewalls: Firewalls().process([*shown, *old])}
    operation = firewall.ufw_open
    lines = texts(commands(monkeypatch, operation, facts, openings=OPENINGS, trusted=PODS))
    assert lines == [
        "ufw allow from 10.0.0.20 to any port 2379:2380 proto tcp comment kubeinstall",
        "ufw allow from 10.244.0.0/16 comment kubeinstall",
        "ufw route allow from 10.244.0.0/16 comment kubeinstall",
        "ufw delete allow from 10.0.0.99 to any port 10250 proto tcp",
        "ufw route delete allow from 10.9.0.0/16",
    ]
    full = [*shown, *(line.replace(" comment kubeinstall", "") for line in lines[:3])]
    facts = {Firewalls: Firewalls().process(full)}
    assert commands(monkeypatch, operation, facts, openings=OPENINGS, trusted=PODS) == []


UNITS = """\
unit Id=firewalld.service
unit ActiveState={firewalld}
unit UnitFileState=enabled
unit\x20
unit Id=nftables.service
unit ActiveState={nftables}
unit UnitFileState={enabled}
unit\x20
unit Id=netfilter-persistent.service
unit ActiveState=inactive
unit UnitFileState=
"""


@pytest.mark.parametrize(
    ("units", "firewalld", "nftables"),
    [
        (("active", "inactive", "disabled"), True, False),
        (("inactive", "active", "disabled"), False, True),
        (("inactive", "inactive", "enabled"), False, True),
        (("inactive", "active", "disabled", "off nftables"), False, False),
        (("inactive", "active", "enabled", "off nftables"), False, True),
    ],
)
def test_who_is_at_work(units: tuple[str, ...], firewalld: bool, nftables: bool) -> None:
    names = ("firewalld", "nftables", "enabled")
    shown = UNITS.format(**dict(zip(names, units, strict=False))).splitlines()
    state = Firewalls().process([*shown, *units[3:]])
    assert (state.firewalld, state.nftables) == (firewalld, nftables)
    assert not state.iptables
    assert not state.ufw


def test_chains_are_opened_again_when_they_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {"unit": "u", "script": "/s", "files": ("/s", "/u")}
    good = UnitState(load="loaded", active="active", enabled="enabled")
    same = commands(monkeypatch, firewall.chains_open, {Unit: good, InPlace: True}, **arguments)
    assert same == []
    flushed = commands(monkeypatch, firewall.chains_open, {Unit: good, InPlace: False}, **arguments)
    assert texts(flushed)[-1] == "systemctl restart u"
    stale = UnitState(load="loaded", active="active", enabled="enabled", started=1, configured=2)
    assert commands(monkeypatch, firewall.chains_open, {Unit: stale, InPlace: True}, **arguments)


def test_no_firewall_at_work_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {Firewalls: FirewallState()}
    assert commands(monkeypatch, firewall.firewall_off, facts) == []
    assert commands(monkeypatch, firewall.firewall_back, facts) == []


def test_firewall_off(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {Firewalls: FirewallState(ufw=True, firewalld=True, nftables=True)}
    ufw, firewalld, nftables = texts(commands(monkeypatch, firewall.firewall_off, facts))
    assert ufw.endswith("&& ufw --force disable")
    assert firewalld.endswith("&& systemctl disable --now --quiet firewalld")
    assert "systemctl disable --quiet nftables" in nftables
    assert "stop" not in nftables
    saved = {Firewalls: FirewallState(iptables=True)}
    (refusal,) = texts(commands(monkeypatch, firewall.firewall_off, saved))
    assert refusal.endswith("exit 1")


def test_what_was_turned_off_is_on_again(monkeypatch: pytest.MonkeyPatch) -> None:
    off = frozenset({"ufw", "firewalld", "nftables"})
    lines = texts(
        commands(monkeypatch, firewall.firewall_back, {Firewalls: FirewallState(off=off)})
    )
    assert lines == [
        "ufw --force enable",
        "systemctl enable --now --quiet firewalld",
        "systemctl enable --quiet nftables && nft -f /var/lib/kubeinstall/firewall-off.nft",
        "rm -f /var/lib/kubeinstall/firewall-off /var/lib/kubeinstall/firewall-off.nft",
    ]


def test_none_of_ours_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {"script": "/s", "unit_file": "/etc/u.service", "firewalld_files": ("/z", "/p")}
    state = FirewallState(firewalld=True, ufw_ours=frozenset({"allow 6443/tcp"}))
    facts = {Firewalls: state, Exists: True}
    lines = texts(commands(monkeypatch, firewall.firewall_gone, facts, **arguments))
    assert lines[:3] == ["ufw delete allow 6443/tcp", "rm -f /z /p", "firewall-cmd -q --reload"]
    assert "systemctl disable -q --now u.service" in lines[3]
    assert lines[4].startswith("rm -f /etc/u.service /s")
    facts = {Firewalls: FirewallState(), Exists: False}
    assert commands(monkeypatch, firewall.firewall_gone, facts, **arguments) == []
