"""Results as text, JSON and JUnit."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from itertools import groupby

from kubeinstall.engine import exits
from kubeinstall.verify.check import Result


def as_text(results: Sequence[Result]) -> str:
    """One line a check, and a last line of counts."""
    lines = []
    for host, group in groupby(results, key=lambda result: result.host):
        lines.append(host)
        for result in group:
            lines.append(f"  {_word(result):6}  {exits.line(result.title)}")
            if not result.good:
                lines.append(f"          why:  {exits.line(result.message)}")
            if result.failed and result.next:
                lines.append(f"          next: {exits.line(result.next)}")
    lines.append(f"{len(results)} checks: {counts(results)}")
    return "\n".join(lines) + "\n"


def _word(result: Result) -> str:
    if not result.tried:
        return "?"
    return "FAILED" if result.failed else "ok"


def counts(results: Sequence[Result]) -> str:
    """``73 ok, 0 failed``, and how many were not tried if there are any."""
    failed, untried = sum(r.failed for r in results), sum(not r.tried for r in results)
    text = f"{sum(r.good for r in results)} ok, {failed} failed"
    return f"{text}, {untried} not run" if untried else text


def as_json(results: Sequence[Result]) -> str:
    """``{"version": 1, "checks": [...]}``."""
    record = {"version": 1, "checks": [result.as_dict() for result in results]}
    return json.dumps(exits.record(record), indent=2) + "\n"


def as_junit(results: Sequence[Result]) -> str:
    """One test suite a host, one test case a check."""
    root = ET.Element("testsuites", name="kubeinstall verify")
    for host, group in groupby(results, key=lambda result: result.host):
        cases = list(group)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=host,
            tests=str(len(cases)),
            failures=str(sum(case.failed for case in cases)),
            skipped=str(sum(not case.tried for case in cases)),
            time=f"{sum(case.seconds for case in cases):.3f}",
        )
        for case in cases:
            classname = f"{host}.{case.name.partition('.')[0]}"
            element = ET.SubElement(
                suite,
                "testcase",
                name=_printable(case.title),
                classname=classname,
                time=f"{case.seconds:.3f}",
            )
            if case.failed:
                failure = ET.SubElement(element, "failure", message=_printable(case.message))
                failure.text = _printable(case.next)
            if not case.tried:
                ET.SubElement(element, "skipped", message=_printable(case.message))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """The text as XML can hold it."""
    return "".join(c for c in exits.said(text) if c.isprintable() or c in "\n\t")


FORMATS: dict[str, Callable[[Sequence[Result]], str]] = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
}
