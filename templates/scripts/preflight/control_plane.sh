# shellcheck shell=sh
# What a first control plane is asked besides, after the function "addresses". traces: files, one of
# which is there where data of etcd may be those of a cluster that lives.
: "${traces?}"
in_use=$(addresses)
printf '%s\n' "$in_use" | while read -r one; do say in_use "$one"; done
if [ "$(ls -A /var/lib/etcd 2>/dev/null)" ]; then
  left=yes
  for one in $traces; do [ ! -e "$one" ] || left=; done
  [ -z "$left" ] || say etcd_left yes
fi
