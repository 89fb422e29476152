"""The clock: in step before certificates are made, and kept by one service."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.clock import InSync, OtherTimeServices
from kubeinstall.operations.commands import Command


@operation()
def others_off() -> Generator[Command]:
    """No time service beside chrony: two would pull the clock to and fro."""
    units = host.get_fact(OtherTimeServices)
    if units:
        yield Command(f"systemctl disable --quiet --now {shlex.join(units)}")


@operation()
def in_sync(timeout: int, unit: str = "chrony.service") -> Generator[Command]:
    """Wait until chrony follows a source.

    It ends at once where chrony does not answer, and says what chrony knows of its sources where
    none is followed in time.

    Args:
        timeout: seconds.
        unit: chrony's.
    """
    if not host.get_fact(InSync):
        # Tries, correction and skew (0: any), seconds between tries: chronyc(1), waitsync.
        wait = f"chronyc -n waitsync {timeout} 0 0 1 >/dev/null"
        yield Command(_WAIT.format(wait=wait, timeout=timeout, unit=shlex.quote(unit)))


# A daemon that has just been started makes its socket a moment later; without it chronyc would ask
# over the network, and wait for each answer.
_WAIT = """\
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -S /run/chrony/chronyd.sock ] && break; sleep 0.3; done
if ! timeout 10 chronyc -n tracking >/dev/null 2>&1; then
  echo "the clock is not in sync: chrony does not run ({unit} is \
$(systemctl is-active {unit}))" >&2
  [ "$(systemctl show {unit} -p ConditionResult --value)" = no ] &&
    echo "systemd did not start it: this host may not set its clock" >&2
  journalctl --no-pager -o cat -n 5 -u {unit} >&2
  exit 1
fi
{wait} && exit 0
echo "the clock is not in sync after {timeout} s; what chrony knows:" >&2
sources=$(chronyc -n sources | sed '1,/^=/d')
printf '%s\\n' "${{sources:-it has no sources: the names of its servers cannot be resolved}}" >&2
[ -z "$sources" ] || printf '%s\\n' "$sources" | grep -qv '^^?' ||
  echo "no time server answered: $(printf '%s\\n' "$sources" | awk '{{ print $2 }}' | xargs)" >&2
chronyc -n tracking | grep -E 'Stratum|Leap' >&2
exit 1"""
