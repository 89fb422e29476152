# shellcheck shell=sh
# Which firewalls are at work, after "services/present" for their units. mark: our comment on rules
# of ufw, in hex as its files have it, off: the file that says what we turned off.
: "${mark?}" "${off?}"
export LC_ALL=C
if command -v ufw >/dev/null; then
  grep -qsi '^ENABLED=yes' /etc/ufw/ufw.conf && echo at-work && ours=yes
  grep -qs "$mark" /etc/ufw/user.rules && ours=yes
  [ -z "$ours" ] || ufw show added 2>/dev/null | sed -n 's/^ufw /ufw /p'
fi
# shellcheck disable=SC2086,SC2154 # these are names
[ -z "$units" ] || systemctl show $units -p Id -p ActiveState -p UnitFileState 2>/dev/null |
  while IFS= read -r line; do printf 'unit %s\n' "$line"; done
[ ! -e "$off" ] || while read -r line; do printf 'off %s\n' "$line"; done < "$off"
true
