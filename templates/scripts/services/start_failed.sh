# shellcheck shell=sh
# What follows where a service did not start: files that were set aside before come back, with
# "put_back", and it is started with those. failed: how its start ended.
: "${unit?}"
# What its own program said last; what systemd said of it where that is nothing.
{
  journalctl --no-pager -q -o cat -n 15 "_SYSTEMD_UNIT=$unit" | grep . ||
    journalctl --no-pager -q -o cat -n 15 -u "$unit"
} >&2
put_back
if [ "$back" ]; then
  systemctl reset-failed "$unit" 2>/dev/null
  now='but it does not start with that either'
  systemctl restart "$unit" && now='and it runs again'
  echo "$unit does not start with the new$back; the previous version was restored, $now" >&2
fi
exit "${failed:-1}"
