"""Values that hosts and objects name, parsed before anything is done with them.

A host may be in other hands, and what it answers ends up in the scripts and files of other hosts.
So nothing of it is used as text: each function here takes what was said and returns a value that
has the form it should have, or raises ``ValueError``. None of them is longer than ``LONGEST``.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    NetmaskValueError,
    ip_address,
)
from typing import Any

LONGEST = 253
"""Characters; the longest name of DNS."""
MOST_UNPACKED = 64 << 20
"""Bytes. All CRDs of the addons there are come to a tenth of that."""

_PARTS = ("metadata", "spec", "status")
_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_WORD = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._+~:@]*")
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5,19}")
_MODE = re.compile(r"[0-7]{1,4}")
_DIGITS = re.compile(r"[0-9]{1,18}")
_SECONDS = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")


def ipv4(text: object) -> IPv4Address:
    """An IPv4 address.

    Raises:
        ValueError: it is none.
    """
    try:
        return IPv4Address(_text(text))
    except AddressValueError:
        raise _no("an IPv4 address", text) from None


def ip(text: object) -> IPv4Address | IPv6Address:
    """An address, e.g. of a name server.

    Raises:
        ValueError: it is none, or it names an interface that has no plain name (``fe80::1%eth0``).
    """
    bare, percent, zone = _text(text).partition("%")
    if percent:
        word(zone)
    try:
        address = ip_address(bare)
    except ValueError:
        raise _no("an address", text) from None
    return IPv6Address(f"{address}%{zone}") if percent else address


def ipv4_network(text: object) -> IPv4Network:
    """An IPv4 network, e.g. ``10.244.1.0/24``.

    Raises:
        ValueError: it is none, or an address inside one.
    """
    try:
        return IPv4Network(_text(text))
    except (AddressValueError, NetmaskValueError, ValueError):
        raise _no("an IPv4 network", text) from None


def dns_name(text: object) -> str:
    """The name of a node, pod or other object: a DNS subdomain (RFC 1123).

    Raises:
        ValueError: it is none.
    """
    return _matching(_NAME, text, "a name")


def word(text: object) -> str:
    """One word without anything that a shell or a file's format reads: an id, version or codename.

    Raises:
        ValueError: it is none.
    """
    return _matching(_WORD, text, "a plain word")


def mac(text: object) -> str:
    """An interface's hardware address, in lower case.

    Raises:
        ValueError: it is none.
    """
    return _matching(_MAC, _text(text).lower(), "a MAC address")


def line(text: object) -> str:
    """Text for people on one line, without control characters: it is shown and nothing else.

    Raises:
        ValueError: it is not printable, or longer than ``LONGEST``.
    """
    found = _text(text)
    if not found.isprintable():
        raise _no("printable text", text)
    return found


def mode(text: object) -> str:
    """A file's mode in octal digits, as chmod takes it.

    Raises:
        ValueError: it is none.
    """
    return _matching(_MODE, text, "a file's mode")


def number(text: object) -> int:
    """A whole number of at most 18 digits.

    Raises:
        ValueError: it is none.
    """
    return int(_matching(_DIGITS, text, "a number"))


def seconds(text: object) -> float:
    """A time in seconds, e.g. since 1970.

    Raises:
        ValueError: it is none.
    """
    return float(_matching(_SECONDS, text, "a time in seconds"))


def port(text: object) -> int:
    """A port: 1 to 65535.

    Raises:
        ValueError: it is none.
    """
    found = number(text)
    if not 1 <= found <= 65535:
        raise _no("a port", text)
    return found


def document(text: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise _no("a JSON object", type(found).__name__)
    return found


def beginning(text: str) -> object:
    """The JSON value that a text begins with, whatever comes after it.

    Raises:
        ValueError: there is none, or it is nested too deeply.
    """
    try:
        return json.JSONDecoder(parse_constant=_no_constant).raw_decode(text)[0]
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def unpacked(text: str) -> str:
    """What was compressed by gzip and written in Base64, as far as ``MOST_UNPACKED`` goes.

    Raises:
        ValueError: it is neither, it was cut off, or it grows beyond that.
    """
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        found = reader.decompress(base64.b64decode(text), MOST_UNPACKED)
    except (zlib.error, binascii.Error) as error:
        raise ValueError(str(error)) from None
    if not reader.eof:
        raise ValueError("it was cut off, or is too large")
    return found.decode()


def listed(text: str) -> list[dict[str, Any]]:
    """The objects of a list as ``kubectl get -o json`` prints it, each with its usual parts.

    Raises:
        ValueError: it is no such list.
    """
    items = document(text).get("items")
    if not isinstance(items, list):
        raise _no("a list of objects", type(items).__name__)
    return [
        item
        for item in items
        if isinstance(item, dict)
        and all(isinstance(item.setdefault(part, {}), dict) for part in _PARTS)
        and isinstance(item["metadata"].get("name"), str)
    ]


def shown(text: object) -> str:
    """Something that was refused, as a message may have it: printable and short."""
    said = ascii(text)
    return said if len(said) <= 80 else f"{said[:76]}...{said[0]}"


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _matching(form: re.Pattern[str], text: object, what: str) -> str:
    found = _text(text)
    if not form.fullmatch(found):
        raise _no(what, text)
    return found


def _text(value: object) -> str:
    """The value if it is text of a length that any of these may have."""
    if type(value) is int and 0 <= value < 10**18:
        return str(value)
    if not isinstance(value, str) or len(value) > LONGEST:
        raise _no("text", value)
    return value


def _no(what: str, text: object) -> ValueError:
    return ValueError(f"{shown(text)} is not {what}")
