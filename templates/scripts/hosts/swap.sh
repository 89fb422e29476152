# shellcheck shell=sh
# Swap in use, and what would make it at the next boot. services: units that make swap. Nearly all
# of it is read by the shell itself: programs would cost a host more than all the reading.
: "${services?}"
say() { printf '%s\n' "$*"; }
{
  read -r name && while read -r name _; do say active "$name"; done
} 2>/dev/null < /proc/swaps
while read -r device point type rest || [ "$device" ]; do
  case $device in '#'*) continue ;; esac
  [ "$type" != swap ] || say fstab "$device" "$point" swap "$rest"
done 2>/dev/null < /etc/fstab
# Where systemd looks for units, first things first: systemd.unit(5). A mask is an empty file.
found=' '
for at in /etc/systemd/system.control /run/systemd/system.control /run/systemd/transient \
          /run/systemd/generator.early /etc/systemd/system /etc/systemd/system.attached \
          /run/systemd/system /run/systemd/system.attached /run/systemd/generator \
          /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system \
          /run/systemd/generator.late; do
  for one in $services; do [ ! -e $at/"$one" ] || there=yes; done
  for unit in "$at"/*.swap; do
    name=${unit##*/}
    case $found in *" $name "*) continue ;; esac
    [ -e "$unit" ] || [ -L "$unit" ] || continue
    found="$found$name "
    [ ! -s "$unit" ] || say unit "$name"
  done
  # A mask in /run is gone after a boot.
  if [ "$at" != /etc/systemd/system ]; then [ ! -s $at/swap.target ] || target=yes
  elif [ -L $at/swap.target ] && [ ! -s $at/swap.target ]; then masked=yes
  fi
done
[ "$masked" ] || [ -z "$target" ] || say target
# shellcheck disable=SC2086 # these are names
[ -z "$there" ] || systemctl list-unit-files --no-legend --plain $services 2>/dev/null |
  while read -r name state _; do
    case $state in enabled*) say service "$name" ;; esac
  done
found=' '
for at in /etc /run /usr/local/lib /usr/lib; do
  for file in "$at/systemd/zram-generator.conf" "$at"/systemd/zram-generator.conf.d/*.conf; do
    name=${file#"$at/systemd/"}
    case $found in *" $name "*) continue ;; esac
    [ -e "$file" ] || continue
    found="$found$name "
    grep -q '^[[:space:]]*\[zram' "$file" && say zram "$name"
  done
done
at=/etc/waagent.conf
[ -e $at ] && grep -q '^[[:space:]]*ResourceDisk.EnableSwap=y' $at && say waagent
true
