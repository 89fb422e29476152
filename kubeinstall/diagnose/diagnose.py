"""Put a cause and a next command to a finding."""

from __future__ import annotations

from dataclasses import replace

from kubeinstall.diagnose.cause import Found, Rank
from kubeinstall.diagnose.causes import find_cause, telling
from kubeinstall.diagnose.evidence import Evidence
from kubeinstall.findings import Finding

_MOST = 400


def diagnose(finding: Finding, output: str, evidence: Evidence | None = None) -> Finding:
    """The finding with its likely cause.

    The failed command's own words come first. Where they show no known cause, or only that
    something does not run, what the host tells beside them is asked for what is behind it.

    Args:
        finding: what failed where.
        output: what the failed command printed.
        evidence: gathered on the host, if it could be.
    """
    found = find_cause(f"{output}\n{finding.why}")
    if evidence and (not found or found.symptom):
        behind = _from(evidence)
        if behind and not (found and found.rank <= behind.rank):
            found = behind
    words = evidence.last_words if evidence else ""
    if found and not (found.rank is Rank.WARNING and words):
        why = _short(found.why)
        if found.rank is Rank.EFFECT and words:
            why += _last_words(words)
        return replace(finding, why=why, next=_step(finding.where, found))
    # Of a long output the last line says it; the host's own words must not be cut off.
    said = telling(finding.why).strip().splitlines()[-1:] or [""]
    if words:
        return replace(finding, why=f"{_short(said[0])}{_last_words(words)}".lstrip("; "))
    return replace(finding, why=telling(finding.why).strip() or finding.why)


def _from(evidence: Evidence) -> Found | None:
    if evidence.full_disks:
        why = f"{', '.join(evidence.full_disks)} is full"
        return Found(why, "df -h; du -xh -d2 /var | sort -h")
    return find_cause(evidence.text)


def _last_words(words: str) -> str:
    return f"; last log line on the host: {_short(words)}"


def _step(host: str, found: Found) -> str:
    return f"on {host}: {found.next}" if host and not found.elsewhere else found.next


def _short(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."
