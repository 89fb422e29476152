# shellcheck shell=sh
# A new machine-id. Not systemd-machine-id-setup: it takes a virtual machine's UUID, which clones
# share as well.
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
systemctl restart systemd-journald
