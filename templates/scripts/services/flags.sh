# shellcheck shell=sh
# How systemd starts some units, and the lines of their environment files that assign options: such
# a file may hold a login as well. units: their names, files: what is read before there are such units.
: "${units?}" "${files?}"
# shellcheck disable=SC2086 # these are names
shown=$(systemctl show $units -p LoadState -p ExecStart -p Environment -p EnvironmentFiles 2>/dev/null)
printf '%s\n' "$shown"
listed=$(printf '%s\n' "$shown" | while IFS= read -r line; do
  case $line in EnvironmentFiles=?*) line=${line#*=}; printf '%s ' "${line% (*}" ;; esac
done)
set --
for file in $files $listed; do
  case " $* " in *" $file "*) ;; *) [ ! -f "$file" ] || set -- "$@" "$file" ;; esac
done
# shellcheck disable=SC2016 # awk's own
[ $# = 0 ] || awk '
  FNR == 1 { begun = "" }
  { line = begun $0; begun = "" }
  line ~ /\\$/ { begun = substr(line, 1, length(line) - 1); next }
  line ~ /^[ \t]*[A-Za-z_]*(OPT|ARG|FLAG)[A-Za-z_]*=/ { print "option " FILENAME "\t" line }' "$@"
true
