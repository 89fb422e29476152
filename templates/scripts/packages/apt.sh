# shellcheck shell=sh
# Functions for apt: it waits for dpkg's lock by itself, but not for that of its lists, and does not
# name the holder. limit: seconds to wait.
: "${limit?}"
holder() {
  for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock \
    /var/cache/apt/archives/lock; do
    inode=$(stat -c %i "$lock" 2>/dev/null) || continue
    pid=$(awk -v inode="$inode" '$2 != "->" {
      n = split($6, at, ":"); if (at[n] == inode) { print $5; exit } }' /proc/locks)
    [ "$pid" ] || continue
    echo "$pid ($(tr -s '\0\n' ' ' < "/proc/$pid/cmdline" 2>/dev/null | tr -d '()' |
      sed 's/ *$//' | cut -c -80))"
    return
  done
  return 1
}
waited=0
free() {
  while by=$(holder); do
    [ $waited -gt 0 ] ||
      echo "process $by holds apt's lock: waiting for it, $limit s at most"
    [ $waited -lt "$limit" ] ||
      { echo "apt's lock has been held for $waited s by process $by" >&2; exit 100; }
    sleep 1; waited=$((waited + 1))
  done
}
quietly() {
  free
  said=$("$@" 2>&1) && return
  code=$?
  printf '%s\n' "$said" | tail -n 30 >&2
  return $code
}
# A package, a pattern of its versions, and what to call those.
need() {
  has=$(apt-cache madison "$1" 2>/dev/null | cut -d'|' -f2 | tr -d ' ' | sort -uVr)
  printf '%s\n' "$has" | grep -Eqx -e "$2" && return
  echo "package $1$3 is in none of this host's package sources; they have:" \
    "$(printf '%s\n' "${has:-none at all}" | head -n 20 | paste -sd' ')" >&2
  exit 100
}
