"""Charts and kustomizations, built by a host's programs where this machine has none."""

from __future__ import annotations

from kubeinstall.addons import builder as building
from kubeinstall.addons.builder import Build, Builder
from kubeinstall.addons.downloads import Downloads
from kubeinstall.addons.upstream import Upstream
from kubeinstall.cluster.answering import Answering
from kubeinstall.engine.session import Session


def sources(answering: Answering) -> Upstream:
    """What others publish, with the programs of this machine or else of a control plane.

    The host is asked only for what this machine has no program for.
    """
    session = answering.session

    def there(wanted: Build) -> str | None:
        return on_host(session, answering.host())(wanted)

    builder = building.first(building.here, there)
    return Upstream(Downloads(session.cluster.spec.proxy), builder)


def on_host(session: Session, host: str) -> Builder:
    """A builder that uses a host's programs; the files go there and are gone afterwards."""

    def build(wanted: Build) -> str | None:
        answer = session.ask(
            host,
            building.script(wanted),
            stdin=building.packed(wanted),
            timeout=building.TIMEOUT,
        )
        if answer.exit_code == building.NO_PROGRAM:
            return None
        if not answer.ok:
            raise building.failed(wanted, session.redact(answer.stderr), host)
        return answer.stdout

    return build
