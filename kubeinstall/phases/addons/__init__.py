"""addons: apply the inventory's addons, wait for them, and remove those no longer in it."""

from __future__ import annotations

from dataclasses import replace

from kubeinstall.addons import parents
from kubeinstall.addons.builder import NoProgramError
from kubeinstall.addons.changes import (
    Change,
    Live,
    change,
    generated_keys,
    removal,
    removal_order,
    wanted_keys,
)
from kubeinstall.addons.prepared import Prepared
from kubeinstall.addons.render import Rendered, read_all
from kubeinstall.addons.volumes import held_by
from kubeinstall.cluster.commands import KUBECTL
from kubeinstall.deploys.addons import look, question, ref
from kubeinstall.deploys.inputs import Inputs
from kubeinstall.engine.types import Deploys, Step
from kubeinstall.facts.addons import Addons, AddonState, Objects, Volumes, VolumeState
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.catalogue.chosen import chosen, levels, needed
from kubeinstall.inventory.catalogue.model import Stage
from kubeinstall.phases.addons.builders import sources
from kubeinstall.phases.addons.rollout import Rollout
from kubeinstall.phases.phase import Run

SECRET = "Secret.v1."


def deploys(run: Run) -> Deploys:
    """Only what the cluster has is read with all other facts; what changes depends on more."""
    host = run.control_plane()
    return {host: [Step(look, Inputs(run.cluster, run.cluster.host(host)))]} if host else {}


def run(run: Run) -> None:
    """Apply addons and wait for them; remove those that the inventory names no more.

    Raises:
        KubeinstallError: some are not ready or could not be applied, each with its reason.
    """
    apply_stage(run, Stage.ADDONS)


def apply_stage(run: Run, stage: Stage) -> None:
    """The same for the addons of one stage.

    Raises:
        KubeinstallError: some are not ready or could not be applied, each with its reason.
    """
    if not run.control_plane():
        return
    try:
        addons = rendered(run)
    except NoProgramError as error:
        if not (run.dry and _comes(run, error)):
            raise
        if stage is Stage.ADDONS:
            build = error.build
            why = f"{build.title} needs {build.programs}, which `up` installs"
            run.reporter.note(f"addons are not planned: {why}")
        return
    mine = [one for one in addons if one.chosen.addon.file.stage is stage]
    gone = [_with_volumes(run, change) for change in removals(run, addons, stage)]
    if mine or gone:
        Rollout(run, mine, lambda wanted: changes(run, wanted, addons)).go(gone)


def prepare(run: Run) -> None:
    """Render the inventory's addons, so that what is wrong with them is told before all else.

    Raises:
        KubeinstallError: one cannot be rendered, not even with a program that the run brings.
    """
    if not run.control_plane():
        return
    try:
        _prepared(run).rendered({})
    except NoProgramError as error:
        if not _comes(run, error):
            raise


def rendered(run: Run) -> list[Rendered]:
    """All addons of the inventory, in the order they are applied.

    Raises:
        KubeinstallError: one cannot be rendered, two have the same object, or the cluster does not
            say what it has.
    """
    return _prepared(run).rendered(_state(run).namespaced)


def _prepared(run: Run) -> Prepared:
    """The addons of the inventory as their files say; read once for a cluster."""
    if run.addons is None or run.addons.cluster is not run.cluster:
        ordered = [one for level in levels(chosen(run.cluster)) for one in level]
        read = read_all(run.cluster, ordered, sources(run.answering)) if ordered else []
        run.addons = Prepared(run.cluster, read)
    return run.addons


def changes(run: Run, wanted: list[Rendered], addons: list[Rendered]) -> list[Change]:
    """What is to be done with some addons, by what the cluster has now.

    Args:
        addons: all of the inventory.

    Raises:
        KubeinstallError: the cluster does not say what it has.
    """
    state = _state(run)
    live = Live(state.parents, state.objects, state.secrets)
    missing = [ref(d) for one in wanted for d in one.objects if not live.like(d)]
    missing += [
        (SECRET, space, name)
        for _, _, space, name in generated_keys(wanted)
        if not live.has(("", "Secret", space, name))
    ]
    if missing and state.answered:
        # There may be one that somebody else made.
        refs = tuple(dict.fromkeys(missing))
        others = run.session.fact(run.answering.host(), Objects, refs=refs)
        live = Live(state.parents, [*state.objects, *others], state.secrets)
    among = [one.chosen for one in addons]
    return [change(one, live, _elsewhere(one, addons), needed(one.chosen, among)) for one in wanted]


def everything(run: Run) -> list[Change]:
    """What is to be done with all addons that are, or were, the inventory's.

    Raises:
        KubeinstallError: one cannot be rendered, or the cluster does not say what it has.
    """
    addons = rendered(run)
    gone = [change for stage in Stage for change in removals(run, addons, stage)]
    return [*gone, *changes(run, addons, addons)]


def removals(run: Run, addons: list[Rendered], stage: Stage) -> list[Change]:
    """What is to be done with addons that the inventory names no more, others' needs last.

    Raises:
        KubeinstallError: the cluster does not say what it has.
    """
    state = _state(run)
    live = Live(state.parents, state.objects, state.secrets)
    names = {one.name for one in addons}
    keys = wanted_keys(addons)
    left = [
        name
        for name, parent in state.parents.items()
        if name not in names and parents.noted(parent, parents.STAGE) == stage.value
    ]
    return [removal(name, live, keys) for name in removal_order(left, live)]


def _with_volumes(run: Run, change: Change) -> Change:
    """An addon that goes, with the volumes in use which nobody else can delete.

    Raises:
        KubeinstallError: the cluster does not say which volumes it has.
    """
    if not change.provisioners:
        return change
    host = run.answering.host()
    state: VolumeState = run.session.fact(host, Volumes)
    if state.error:
        raise KubeinstallError(
            Finding(
                Kind.CLUSTER,
                f"kubeinstall cannot find out whether volumes of addon {change.name} are in use",
                (host,),
                why=state.error,
                next=f"on {host}: {KUBECTL} get persistentvolumes",
            )
        )
    return replace(change, volumes=held_by(change.provisioners, state.volumes))


def _comes(run: Run, error: NoProgramError) -> bool:
    """Whether `up` brings the program that is missing now to a control plane."""
    programs = {command[0] for command in error.build.commands}
    return "kubectl" in programs or ("helm" in programs and run.cluster.spec.helm is not None)


def _elsewhere(one: Rendered, addons: list[Rendered]) -> frozenset[tuple[str, str, str, str]]:
    return wanted_keys([other for other in addons if other.name != one.name])


def _state(run: Run) -> AddonState:
    """What the cluster has of addons; before there is a cluster, nothing."""
    host = run.answering.host()
    state: AddonState = run.session.fact(host, Addons, **question(run.cluster))
    if state.error and not run.dry:
        raise KubeinstallError(
            Finding(
                Kind.CLUSTER,
                "the state of the addons cannot be read from the cluster",
                (host,),
                why=state.error,
                next=f"on {host}: {KUBECTL} get configmaps -n kube-system -l kubeinstall.io/addon",
            )
        )
    return state
