"""containerd: which one there is, or would be."""

from __future__ import annotations

import re
import shlex

from pyinfra.api.facts import FactBase


class Major(FactBase[int | None]):
    """The major version of containerd; None where neither it nor its package is known.

    Args:
        package: looked at for what would be installed, where nothing is yet; empty: none is.
    """

    def command(self, package: str) -> str:
        # Where sudo's path leaves out /usr/local, an archive's containerd would not be found.
        installed = "PATH=/usr/local/bin:$PATH containerd --version"
        if not package:
            return f"{installed} 2>/dev/null || true"
        name = shlex.quote(package)
        form = "'containerd %{version}\\n'"
        return (
            f"{{ {installed} || if command -v apt-cache >/dev/null;"
            f" then apt-cache show --no-all-versions {name} | sed -n 's/^Version: /containerd /p';"
            f" else dnf -q -C repoquery --latest-limit 1 --queryformat {form} {name}; fi; }}"
            " 2>/dev/null || true"
        )

    def process(self, output: list[str]) -> int | None:
        # `containerd github.com/containerd/containerd 1.6.20~ds1 ...`, `containerd ... v2.1.9 ...`
        match = re.search(r"\sv?(?:\d+:)?(\d+)\.\d+\.\d+", "".join(output[:1]))
        return int(match[1]) if match else None


class Registries(FactBase[dict[str, tuple[str, ...]]]):
    """The registries that containerd was told of by us, each with the names of those files.

    Args:
        folder: that containerd has a folder for each registry in.
        marker: what our files have in them.
    """

    @staticmethod
    def default() -> dict[str, tuple[str, ...]]:
        return {}

    def command(self, folder: str, marker: str) -> str:
        at = shlex.quote(folder)
        return f"cd {at} 2>/dev/null && grep -lsF {shlex.quote(marker)} -- */* || true"

    def process(self, output: list[str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for line in output:
            name, slash, file = line.strip().partition("/")
            if slash and file:
                found[name] = (*found.get(name, ()), file)
        return found
