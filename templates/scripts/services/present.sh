# shellcheck shell=sh
# Sets "units" to those of some units that systemd has a file of: systemd.unit(5). wanted: their
# names. Starting systemctl for units that are not there costs a host more than all other reading.
: "${wanted?}"
units=
for one in $wanted; do
  for at in /etc/systemd/system /run/systemd/system /run/systemd/generator \
            /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system \
            /run/systemd/generator.late; do
    [ ! -e "$at/$one" ] || { units="$units $one"; break; }
  done
done
