# shellcheck shell=sh
# A function that says what package sources have of a package in the place of a version; "query"
# lists that.
tell() {
  has=$(query --whatprovides "$1" 2>/dev/null) || return
  has=$(printf '%s\n' "$has" | sed -n 's/.*|//p' | sort -uVr)
  # shellcheck disable=SC2254 # a version may be a pattern
  for one in $has; do case $one in ${2:-*} | *:${2:-*}) return ;; esac; done
  echo "package $1${2:+ $2} is in none of this host's package sources; they have:" \
    "$(printf '%s\n' "${has:-none at all}" | head -n 20 | paste -sd' ')" >&2
}
