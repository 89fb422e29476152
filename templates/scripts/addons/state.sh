# shellcheck shell=sh
# What the cluster has of addons, with the functions: the addons' ConfigMaps and Secrets, what is
# served (served: empty: not asked), and the objects. addon_label: of the former, kinds: their annotation with the kinds of
# objects, kind: the form of one, part_of: the objects' label, cache: kubectl's folder for what is
# served. A kind that the cluster lost makes kubectl refuse them all.
: "${kubectl?}" "${served?}" "${addon_label?}" "${kinds?}" "${kind?}" "${part_of?}" "${cache?}"
parents=$(get configmaps,secrets -n kube-system -l "$addon_label"); code=$?
printf %s "$parents" | pack
[ $code = 0 ] || exit 0
echo ::
[ -z "$served" ] || $kubectl "--cache-dir=$cache" api-resources --no-headers 2>/dev/null | pack
found=$(printf %s "$parents" | sed -n 's|.*"'"$kinds"'": "\(.*\)".*|\1|p' | tr , '\n' |
  grep -xE "$kind" | sort -u)
[ "$found" ] || exit 0
# shellcheck disable=SC2086 # an option that only some know
all() { get "$1" ${shown-} -A -l "$part_of"; }
joined=$(printf %s "$found" | tr '\n' ,)
objects=$(all "$joined"); code=$?
case $objects in *'unknown flag'*) shown=; objects=$(all "$joined"); code=$? ;; esac
if [ $code = 0 ]; then
  echo --; printf %s "$objects" | pack
else
  for one in $found; do echo --; all "$one" | pack; done
fi
true
