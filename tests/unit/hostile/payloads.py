"""What a hostile host, node or tenant may say in the place of a value."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

FUZZ = settings(max_examples=40, deadline=None, database=None)
"""Other examples in each run; a failing one is printed with what makes it again."""
CANARY = "CANARY7"
"""A command that nobody has: where a shell would run it, something got through unquoted."""

WORDS = (
    f"$({CANARY})",
    f"`{CANARY}`",
    f";{CANARY};",
    f"&{CANARY}&",
    f"|{CANARY}",
    f"\n{CANARY}\n",
    f"\r{CANARY}",
    f"'{CANARY}",
    f"';{CANARY};'",
    f'"{CANARY}',
    f'";{CANARY};"',
    f'"$({CANARY})"',
    f"'$({CANARY})'",
    f">{CANARY}",
    f"\\\n{CANARY}",
    f"#{CANARY}",
    f"${{x:-$({CANARY})}}",
    f"EOF\n{CANARY}\n",
    f"END\n{CANARY}\n",
    f"a b;{CANARY}",
    f"--{CANARY}",
    f"../../{CANARY}",
    f"x\0;{CANARY}",
    f"\x1b]52;c;{CANARY}\x07",
    f"é;{CANARY}",
    f"\udc80;{CANARY}",
    f"10.0.0.99;{CANARY}",
    f"10.0.0.99\n{CANARY}",
    f"10.0.0.99 {CANARY}",
    f"$({CANARY}).example.org",
    "x" * 70_000 + f";{CANARY}",
)
"""Each of them does harm where one of the usual ways to quote is missing."""

NOT_ADDRESSES = (
    *WORDS,
    "10.0.0",
    "10.0.0.256",
    "010.0.0.1",
    "10.0.0.1/24",
    "167772161",
    "0x0a000001",
    "1\u0660.0.0.1",
    "fe80::1",
    "localhost",
)

INTERFACES: tuple[tuple[str, str], ...] = (
    ("127.0.0.1", "a loopback address"),
    ("127.1.2.3", "a loopback address"),
    ("0.0.0.0", "a reserved address"),
    ("0.1.2.3", "a reserved address"),
    ("224.0.0.1", "a multicast address"),
    ("255.255.255.255", "a reserved address"),
    ("240.0.0.1", "a reserved address"),
    ("169.254.169.254", "a link-local address"),
    ("10.244.3.7", "an address of the pod network 10.244.0.0/16"),
    ("10.96.0.1", "an address of the service network 10.96.0.0/16"),
    ("10.0.0.10", "which is cp1's in the inventory"),
    ("10.0.0.12", "which is w2's in the inventory"),
    ("10.0.0.100", "the cluster's endpoint"),
    ("172.16.0.1", "which cp1 has"),
)
"""Addresses that are well-formed and cannot be w1's own, and why."""

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(WORDS),
)
JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                (
                    "items",
                    "metadata",
                    "name",
                    "spec",
                    "status",
                    "podCIDR",
                    "addresses",
                    "type",
                    "address",
                    "labels",
                    "annotations",
                    "kind",
                    "taints",
                    "key",
                    "nodeInfo",
                    "conditions",
                    "request",
                    "usages",
                    "username",
                    "podIP",
                    "nodeName",
                )
            ),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=20,
)
"""Documents with the right keys and the wrong things in them."""
DEEP = "[" * 20_000
DEEP_OBJECT = '{"items":' * 20_000
