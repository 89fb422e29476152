"""Why an addon could not be applied or is not ready, in words, with what to do next."""

from __future__ import annotations

import re
import shlex

from kubeinstall.addons.changes import Change
from kubeinstall.addons.objects import SYSTEM_NAMESPACE
from kubeinstall.addons.parents import Broken
from kubeinstall.addons.render import Rendered
from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.cluster.pending import Pending, Unready
from kubeinstall.engine.types import Kept, Output
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.formats import DNS_NAME
from kubeinstall.phases.phase import Run

_MOST = 3
_CLAIMS = 5
_WORDS = 600
_HELM = "meta.helm.sh/release-name"
# What a kubelet last told of a pod that does not start, and the last words of its container.
_MORE = """
$kubectl -n {namespace} get events --field-selector involvedObject.name={pod},type=Warning \\
  -o 'jsonpath={{range .items[*]}}{{.reason}}: {{.message}}{{"\\n"}}{{end}}' |
  grep -E '^(Failed|FailedMount|FailedCreatePodSandBox|FailedAttachVolume):' |
  grep -v 'Back-off\\|Error: ' | tail -n 1 | cut -c -400
echo --
for when in '' --previous; do
  words=$($kubectl -n {namespace} logs {pod} {container} --tail=3 $when 2>/dev/null) || continue
  case $words in '' | 'unable to retrieve container logs'*) ;; *) echo "$words"; break ;; esac
done
true
"""


def needs(run: Run, one: Rendered, lost: set[str]) -> Finding:
    """An addon that was left out, for one that it needs did not come about."""
    return _finding(
        run,
        f"addon {one.name} was not applied",
        f"it needs {', '.join(sorted(lost))}, which is not ready",
        "fix the error reported for that addon, then run the same command again",
    )


def foreign(run: Run, change: Change) -> list[Finding]:
    """Objects of a Helm release: two would look after them."""
    releases = {
        release: found.title
        for found in change.adopted
        if (release := ((found.live or {})["metadata"].get("annotations") or {}).get(_HELM))
        and re.fullmatch(DNS_NAME, release)
    }
    return [
        _finding(
            run,
            f"addon {change.name} was not applied",
            f"{title} belongs to the Helm release {release}",
            f"remove {change.name} from cluster.addons, or remove the release: "
            f"helm uninstall {release}",
        )
        for release, title in releases.items()
    ]


def broken(run: Run, change: Change, kept: Broken) -> Finding:
    """What is kept of an addon in kube-system is not what this program wrote."""
    done = "removed" if change.gone else "applied"
    return _finding(
        run,
        f"addon {change.name} was not {done}",
        f"its record in {kept.kind} {SYSTEM_NAMESPACE}/{kept.name} cannot be read: {kept.why}",
        f"{KUBECTL} -n {SYSTEM_NAMESPACE} edit {kept.kind.lower()} {kept.name}",
    )


def in_use(run: Run, change: Change) -> Finding:
    """An addon that goes, while volumes are bound that nobody else can delete."""
    shown = ", ".join(map(str, change.volumes[:_CLAIMS]))
    more = len(change.volumes) - _CLAIMS
    rest = f", and {more} more" if more > 0 else ""
    return _finding(
        run,
        f"addon {change.name} was not removed",
        f"only it can delete these volumes, and claims are bound to them: {shown}{rest}",
        f"delete the claims, or add {change.name} to cluster.addons again; to remove it and leave "
        f"the volumes behind: --abandon-volumes {change.name}",
    )


def stays(kept: Kept) -> str:
    """What a removal left to the user, and why."""
    if kept.kind == "Namespace":
        return f"namespace {kept.name} stays, because it contains {kept.holds}"
    return f"{kept.kind} {kept.name} stays, because it has objects: {kept.holds}"


def refused(run: Run, change: Change, said: str) -> Finding:
    """What the API server, or a webhook of the cluster, did not take.

    Args:
        said: what kubectl printed.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    words = " / ".join(dict.fromkeys(lines[:_MOST]))[:_WORDS]
    done = "removed" if change.gone else "applied"
    what = f"addon {change.name} could not be {done}"
    return _finding(run, what, words or "kubectl did not say why", _advice(change.name, said))


def _advice(name: str, said: str) -> str:
    if "failed calling" in said and "webhook" in said:
        return f"check that the pods of that webhook are running: {KUBECTL} get pods -A"
    if "no matches for kind" in said or "doesn't have a resource type" in said:
        return "add the addon that provides this kind to cluster.addons"
    if "field is immutable" in said or "may not change" in said or "are forbidden" in said:
        return "delete the object that cannot be changed, then run the same command again"
    if "timed out waiting" in said:
        return "to see which finalizer blocks it: kubectl get -o yaml, metadata.finalizers"
    return f"to see what is applied: kubeinstall addon render {name}; correct its values or files"


def not_ready(run: Run, one: Rendered, found: Unready) -> Finding:
    """An object that did not become ready, with its pod's own words."""
    seconds = one.chosen.choice.timeout
    late = "" if found.final else f" after {seconds} s"
    what = f"addon {one.name}: {found.what} is not ready{late}"
    place = f" -n {found.namespace}" if found.namespace else ""
    pod = found.pod
    if pod is None:
        then = f"{KUBECTL}{place} describe {found.kind.lower()} {found.name}"
        return _finding(run, what, found.reason, then)
    why = f"{found.why}{_more(run, pod)}"
    return _finding(run, what, why, f"{KUBECTL} -n {pod.namespace} describe pod {pod.name}")


def _more(run: Run, pod: Pending) -> str:
    """What the kubelet's events and the container's log tell beside the pod's status."""
    container = f"-c {shlex.quote(pod.container)}" if pod.container else "--all-containers"
    script = _MORE.format(
        namespace=shlex.quote(pod.namespace), pod=shlex.quote(pod.name), container=container
    )
    try:
        answer = run.kubectl.ask(script)
    except KubeinstallError:
        return ""
    event, words = _parts(answer)
    # A pod that has just tried tells the same; later it only says that it holds back.
    known = bool(pod.message) and pod.message in event
    told = f"; {event}" if event and not known else ""
    return f"{told}; its last log lines: {words}" if words else told


def _parts(answer: Output) -> tuple[str, str]:
    event, _, log = answer.stdout.partition("--\n")
    return " ".join(event.split()), " / ".join(log.strip().splitlines())


def _finding(run: Run, what: str, why: str, then: str) -> Finding:
    host = run.answering.host()
    on_host = f"on {host}: {then}" if then.startswith(KUBECTL) else then
    return Finding(Kind.CLUSTER, what, (host,), why, on_host)
