"""Source packages from the machine's own mirrors, without touching its configuration."""

from __future__ import annotations

import pytest

from kubeinstall.lab.mirror.sources import with_sources_deb822, with_sources_list

pytestmark = pytest.mark.unit

DEB822 = """\
Types: deb
# a comment
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://mirror.example.org/debian-security
Suites: bookworm-security
Components: main
"""


def test_a_binary_stanza_gets_sources_too_and_keeps_the_rest() -> None:
    first, second = with_sources_deb822(DEB822).split("\n\n")
    assert first.startswith("Types: deb deb-src\n")
    assert "Suites: bookworm bookworm-updates\n" in first
    assert "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" in first
    assert second.startswith("Types: deb-src\n")


def test_a_one_line_list_gets_a_source_line_for_each() -> None:
    text = (
        "# Debian\n"
        "deb [signed-by=/k.gpg] http://mirror.example.org/debian bookworm main # all\n"
        "deb-src http://mirror.example.org/debian bookworm main\n"
        "\n"
    )
    assert with_sources_list(text).splitlines() == [
        "deb [signed-by=/k.gpg] http://mirror.example.org/debian bookworm main",
        "deb-src [signed-by=/k.gpg] http://mirror.example.org/debian bookworm main",
    ]


def test_nothing_in_nothing_out() -> None:
    assert with_sources_list("") == ""
    assert with_sources_deb822("").strip() == ""
