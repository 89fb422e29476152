"""A whole run, as scripts/test does it: two labs at a time, nothing skipped, what took how long.

Loaded with ``-p tests.whole``. Tests on one lab are a group; pytest-xdist gives a group to one of
its workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ORDER = (
    "host/test_hosts_deploys",
    "host/test_docker",
    "host/test_hosts_firewall",
    "host/test_lab",
    "cluster/docker",
    "cluster/test_containerd",
    "cluster/test_addons",
    "cluster/test_molecule",
)
"""The groups that begin first; the others follow in the order of their names.

Some that need no mirror, as it may still be being built, then the longest."""
LONG = 2.0
"""Seconds from which on a test is listed."""
MAY_BE_SKIPPED = ("this machine has no cgroup v1",)
"""Reasons that a machine may have."""


def group(test: str) -> str:
    """The group of a test: those that share a lab are one.

    Args:
        test: its node id, ``tests/host/test_lab.py::test_up``.

    Returns:
        the group's name, ``host/test_lab``; empty for a test that needs no lab.
    """
    path = PurePath(test.partition("::")[0]).with_suffix("")
    if not path.is_relative_to("tests/host") and not path.is_relative_to("tests/cluster"):
        return ""
    if path.parent.name == "docker":
        return "cluster/docker"
    if path.name.startswith("test_engine_"):
        return "host/engine"
    return str(path.relative_to("tests"))


def rank(name: str) -> tuple[int, str]:
    """When a group begins, to sort by; tests without one come first."""
    return (ORDER.index(name) if name in ORDER else len(ORDER) if name else -1, name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the groups in their order."""
    items.sort(key=lambda item: rank(group(item.nodeid)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByLab | None:
    """What gives the groups to the workers, with ``--dist loadgroup``."""
    return ByLab(config, log) if config.getoption("dist") == "loadgroup" else None


class ByLab(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """A worker has all tests of a group."""

    def _split_scope(self, nodeid: str) -> str:
        # A test without a lab is a group of its own.
        return group(nodeid) or nodeid


@dataclass(frozen=True)
class Took:
    """What a part of a test took: its setup, its call or its teardown.

    Args:
        test: its node id.
        start: when it began, in seconds.
        seconds: how long it took.
    """

    test: str
    start: float
    seconds: float


def table(parts: Iterable[Took]) -> Iterator[str]:
    """The groups in the order in which they began, each with its long tests, as lines."""
    groups: dict[str, list[Took]] = {}
    for part in sorted(parts, key=lambda part: part.start):
        groups.setdefault(group(part.test), []).append(part)
    if not groups:
        return
    zero = min(part.start for found in groups.values() for part in found)
    for name, found in groups.items():
        began = found[0].start - zero
        ended = max(part.start + part.seconds for part in found) - zero
        total = sum(part.seconds for part in found)
        yield f"{total:7.1f} s  {name or 'without a lab'}, from {clock(began)} to {clock(ended)}"
        tests: dict[str, float] = {}
        for part in found:
            tests[part.test] = tests.get(part.test, 0.0) + part.seconds
        for test, seconds in tests.items():
            if seconds >= LONG:
                yield f"{seconds:9.1f} s  {test}"


def clock(seconds: float) -> str:
    """``95`` as ``1:35``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seconds-to", type=Path, help="A file for what took how long.")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what took how long, and keep it in a file if there is to be one."""
    reports = [r for found in terminalreporter.stats.values() for r in found]
    parts = [
        Took(r.nodeid, r.start, r.duration) for r in reports if isinstance(r, pytest.TestReport)
    ]
    lines = list(table(parts))
    terminalreporter.section("what took how long")
    for line in lines:
        terminalreporter.write_line(line)
    if file := config.getoption("seconds_to"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in lines))
        terminalreporter.write_line(f"kept in {file}")


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """End as failed if tests were skipped."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a worker
        return
    skipped = [r for r in reporter.stats.get("skipped", ()) if not allowed(str(r.longrepr))]
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"skipped, so not all is tested: {len(skipped)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def allowed(why: str) -> bool:
    """Whether a test may be skipped for a reason."""
    return any(reason in why for reason in MAY_BE_SKIPPED)
