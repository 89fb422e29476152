# shellcheck shell=sh
# Stands between docker and runc. Where the machine around the host lacks CAP_SYS_RESOURCE, no
# container may have it either, nor a negative oom_score_adj. Docker has no setting for that.
bounding=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
if [ $(( 0x$bounding >> 24 & 1 )) = 0 ]; then
  previous=
  for word in "$@"; do
    case "$previous" in
      --bundle | -b) file=$word/config.json ;;
      --process | -p) file=$word ;;
      *) file= ;;
    esac
    if [ -f "$file" ]; then
      sed -i -E -e 's/"oomScoreAdj": *-[0-9]+/"oomScoreAdj":0/' \
        -e 's/"CAP_SYS_RESOURCE",//g; s/,?"CAP_SYS_RESOURCE"//g' "$file"
    fi
    previous=$word
  done
fi
exec runc "$@"
