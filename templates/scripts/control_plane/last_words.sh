# shellcheck shell=sh
# A function that prints the last lines of a static pod's log. Docker keeps a line of a log as JSON,
# containerd has time, stream and a letter before it.
last_words() {
  # shellcheck disable=SC2012 # the kubelet made the names, and ls can sort by time
  log=$(ls -t /var/log/pods/kube-system_"$1"-*/"$1"/*.log 2>/dev/null | head -n 1)
  [ -z "$log" ] || tail -n 3 "$log" | cut -c -400 |
    sed "s/^{\"log\":\"\(.*\)\\\\n\",\"stream\":.*/\1/; s/^[^ ]* std[a-z]* [FP] //; s/^/$1: /"
}
