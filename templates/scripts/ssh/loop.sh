# shellcheck shell=sh
# Runs one command after another. It reads a line: the command's mark, the seconds it may take, how
# to lock, how its input is taken, how many bytes its script has and how many its input; then those.
# So the script is in no list of processes, and may be longer than an argument. A run that was
# killed can leave a command behind: the lock makes the next one wait for it. Where programs write
# after their end, nobody hears them: each output begins with the mark too. $0 is the shell's own
# mark, command: what runs one, run: the folder of locks, busy: seconds to wait for a lock,
# patience: seconds from a command's first signal to its last.
: "${command?}" "${run?}" "${busy?}" "${patience?}"
while IFS=' ' read -r mark seconds mode how script input; do
  case $mark in "$0"-*) ;; *) continue ;; esac
  if [ "$mode" != none ]; then
    [ -d "$run" ] || mkdir -m 700 "$run" 2>/dev/null
    exec 9>>"$run/op.lock" || exit 74
    if ! flock "$mode" -n 9; then
      printf '\n%s wait\n' "$mark" >&2
      flock "$mode" -w "$busy" 9 || { printf '\n%s busy\n' "$mark" >&2; exit 75; }
      printf '\n%s go\n' "$mark" >&2
    fi
  fi
  timeout -k "$patience" "$seconds" \
    sh -c "$command" sh "$mark" "$script" "$input" "$how" "$run" 9>&-
  r=$?
  exec 9>&-
  read -r up _ </proc/uptime; up=${up%.*}${up#*.}
  printf '\n%s %s %s\n' "$mark" "$r" "$up"
  printf '\n%s %s\n' "$mark" "$r" >&2
done
