# shellcheck shell=sh
# Installs programs out of a file. part: the file, packed: empty where it is the program itself,
# program: the main one, check: its argument with which it only says what it is, record: path of the
# list of what was installed, sha256: of the file; "verified" checks it, "unpacked" unpacks it to
# $new. One that was there before us is kept beside it; one that an earlier file brought, and this
# one does not, goes. The record is written last: a run that is interrupted starts over.
: "${part?}" "${packed?}" "${program?}" "${check?}" "${new?}" "${folder?}" "${record?}" "${sha256?}"
set -e
verified
rm -rf "$new" && mkdir "$new"
from=$new
if [ "$packed" ]; then
  unpacked
  from=$(find "$new" -type f -path "*/bin/$program" -printf '%h\n' | head -n 1)
  if [ -z "$from" ]; then
    alone=$(find "$new" -type f -name "$program" | head -n 1)
    [ -n "$alone" ] || { echo "the archive has no $program" >&2; exit 1; }
    from=$new/.alone
    mkdir "$from" && mv "$alone" "$from"
  fi
else
  mv "$part" "$from/$program"
fi
chmod 755 "$from/$program"
"$from/$program" "$check" >/dev/null || { echo "$program does not run here" >&2; exit 1; }
old=$(sed 1d "$record" 2>/dev/null | cut -d' ' -f1)
mkdir -p "$folder"
set --
for file in "$from"/*; do
  [ -f "$file" ] || continue
  at=$folder/${file##*/}
  if [ -e "$at" ] && [ ! -e "$at.before-kubeinstall" ] &&
    ! printf '%s\n' "$old" | grep -qxF "$at"; then
    cp -a "$at" "$at.before-kubeinstall"
  fi
  install -m 755 "$file" "$at.part" && mv -f "$at.part" "$at"
  set -- "$@" "$at"
done
# It fails where no SELinux policy is loaded, and no label counts there.
if command -v restorecon >/dev/null; then restorecon "$@" || true; fi
for at in $old; do
  case " $* " in *" $at "*) ;; *) rm -f "$at" ;; esac
done
{ echo "$sha256"; stat -c '%n %s %Y' "$@"; } > "$record.part"
mv -f "$record.part" "$record"
rm -rf "$new" "$part"
