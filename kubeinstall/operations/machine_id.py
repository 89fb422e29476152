"""The machine-id, by which systemd, DHCP servers and Kubernetes tell machines apart."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from kubeinstall.facts.identity import MachineId
from kubeinstall.operations.commands import Command

# Not systemd-machine-id-setup: it takes a virtual machine's UUID, which clones share as well.
_RENEW = """\
new=$(tr -d - < /proc/sys/kernel/random/uuid)
[ ${#new} = 32 ] || exit
umask 022
echo "$new" > /etc/machine-id.new && chmod 444 /etc/machine-id.new || exit
mv -fT /etc/machine-id.new /etc/machine-id || exit
# D-Bus has a copy where it is not a link.
if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then
  ln -sfT /etc/machine-id /var/lib/dbus/machine-id || exit
fi
# The journal is kept in a folder of the machine-id's name.
systemctl restart systemd-journald"""


@operation()
def machine_id_renewed(shared: str) -> Generator[Command]:
    """A machine-id of the host's own (machine-id(5)), in the place of one that others have too.

    Args:
        shared: the one that is to go; where the host has another one already, that stays.
    """
    if host.get_fact(MachineId) == shared:
        yield Command(_RENEW)
