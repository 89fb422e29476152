# shellcheck shell=sh
# Swap in use, and what would make it at the next boot. services: units that make swap.
: "${services?}"
sed -n '2,$s/^\([^[:space:]]*\).*/active \1/p' /proc/swaps 2>/dev/null
awk '!/^[[:space:]]*#/ && $3 == "swap" { print "fstab " $0 }' /etc/fstab 2>/dev/null
systemctl list-unit-files --no-legend --plain -t swap 2>/dev/null |
  awk '$2 != "masked" && $2 != "masked-runtime" { print "unit " $1 }'
# shellcheck disable=SC2086 # these are names
systemctl list-unit-files --no-legend --plain $services 2>/dev/null |
  awk '$2 ~ /^enabled/ { print "service " $1 }'
zram='zram-generator.conf'
{
  echo $zram
  for at in /etc /run /usr/local/lib /usr/lib; do ls $at/systemd/$zram.d; done 2>/dev/null |
    sed -n "s|.*\.conf$|$zram.d/&|p" | sort -u
} | while IFS= read -r name; do
  for at in /etc /run /usr/local/lib /usr/lib; do
    if [ -e "$at/systemd/$name" ]; then
      grep -q '^[[:space:]]*\[zram' "$at/systemd/$name" && echo "zram $name"
      break
    fi
  done
done
grep -qs '^[[:space:]]*ResourceDisk.EnableSwap=y' /etc/waagent.conf && echo waagent
case $(systemctl is-enabled swap.target 2>/dev/null) in masked | '') ;; *) echo target ;; esac
true
