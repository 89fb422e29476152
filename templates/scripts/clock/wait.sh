# shellcheck shell=sh
# Waits until chrony follows a source. timeout: seconds, unit: chrony's. A daemon that has just been
# started makes its socket a moment later; without it chronyc would ask over the network, and wait
# for each answer.
: "${timeout?}" "${unit?}"
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -S /run/chrony/chronyd.sock ] && break; sleep 0.3; done
if ! timeout 10 chronyc -n tracking >/dev/null 2>&1; then
  is=$(systemctl is-active "$unit")
  echo "the clock is not in sync: chrony is not running ($unit is $is)" >&2
  [ "$(systemctl show "$unit" -p ConditionResult --value)" = no ] &&
    echo "systemd did not start it: this host is not allowed to set its clock" >&2
  journalctl --no-pager -o cat -n 5 -u "$unit" >&2
  exit 1
fi
# Tries, correction and skew (0: any), seconds between tries: chronyc(1), waitsync.
chronyc -n waitsync "$timeout" 0 0 1 >/dev/null && exit 0
echo "the clock is not in sync after $timeout s; chrony's sources:" >&2
sources=$(chronyc -n sources | sed '1,/^=/d')
printf '%s\n' "${sources:-it has no sources: the names of its servers cannot be resolved}" >&2
[ -z "$sources" ] || printf '%s\n' "$sources" | grep -qv '^^?' ||
  echo "no time server answered: $(printf '%s\n' "$sources" | awk '{ print $2 }' | xargs)" >&2
chronyc -n tracking | grep -E 'Stratum|Leap' >&2
exit 1
