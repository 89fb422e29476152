# shellcheck shell=sh
# What the questions of preflight are asked with: each prints lines "NAME<tab>VALUE".
say() { printf '%s\t%s\n' "$1" "$2"; }

# Sets "at" to a folder, or to the nearest one around it: one that is not there yet will be made there.
parent() {
  at=$1
  until [ -e "$at" ] || [ "${at%/*}" = "$at" ]; do at=${at%/*}; done
  at=${at:-/}
}

resolve() {
  timeout 10 getent ahosts "$1" >/dev/null 2>&1
  say resolve "$1 $?"
}

# The router on the way to each address that has one, in one process for all of them.
hops() {
  printf 'route get %s\n' "$@" | ip -4 -force -batch - 2>/dev/null |
    sed -n 's/^\([0-9.]*\) via \([0-9.]*\) .*/hop\t\1 \2/p'
}

reach() {
  # shellcheck disable=SC2016 # bash expands these
  answer=$(timeout 4 bash -c 'exec 3<>"/dev/tcp/$1/$2"' - "$1" "$2" 2>&1)
  code=$?
  case "$code $answer" in
    0*) say reach "$1:$2 ok" ;;
    *refused*) say reach "$1:$2 refused" ;;
    124*) say reach "$1:$2 no answer in 4 s" ;;
    *) say reach "$1:$2 ${answer##*: }" ;;
  esac
}
