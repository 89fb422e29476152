# shellcheck shell=sh
# What runs under timeout(1): the command's mark, the bytes of its script, those of its input, how
# that is taken, and a folder. Its input is the script, which ends with the mark, what the script
# reads, and then one line: the mark and until when, by the host's clock, the script may begin.
# Only when that line is there has all of it come, and not one command of a script runs before.
# What the script reads is spooled to a file without a name, so a program never takes the end of a
# cut input for the end of all. Where nobody listens any more, to say so kills: a subshell says it.
_ki_mark=$1 _ki_size=$3
_ki_say() { printf '\n%s %s\n' "$_ki_mark" "$1" >&2; }
_ki_in_time() {
  [ "$1" = 0 ] && return
  read -r up _ </proc/uptime; up=${up%.*}${up#*.}
  [ "$up" -lt "$1" ]
}
_ki_take() {
  # shellcheck disable=SC2015 # whatever fails
  { [ "$_ki_size" = 0 ] || head -c "$_ki_size"; } && IFS=' ' read -r _ki_end _ki_until && [ "$_ki_end" = "$_ki_mark" ] ||
    { (_ki_say broken); return 74; }
  _ki_in_time "$_ki_until" || { (_ki_say late); return 74; }
}
_ki_script=$(head -c "$2")
case $_ki_script in *"$1") ;; *) (_ki_say broken); exit 74 ;; esac
if [ "$4" = spool ]; then
  if [ "$3" = 0 ]; then
    _ki_take || exit
    exec </dev/null
  else
    # shellcheck disable=SC2015,SC2094 # whatever fails; it is written before it is read
    _ki_file=$(mktemp -p "$5" in.XXXXXX 2>/dev/null || mktemp) &&
      exec 7>"$_ki_file" 8<"$_ki_file" && rm -f "$_ki_file" || { _ki_say broken; exit 74; }
    _ki_take >&7 || exit
    exec <&8 7>&- 8<&-
  fi
fi
printf '\n%s begin\n' "$_ki_mark"
_ki_say begin
set --
eval "${_ki_script%"$_ki_mark"}"
