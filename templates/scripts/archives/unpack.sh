# shellcheck shell=sh
# Makes a folder with an index of packages out of an archive. part: the archive, rpm: empty for .deb
# files, parent: the folder's own, where nothing else is to be; "verified" checks the archive,
# "unpacked" unpacks it to $new. Whether it holds the packages or a folder of them, they end up in
# the same place.
: "${part?}" "${folder?}" "${parent?}" "${rpm?}"
set -e
verified
new=$folder.new
rm -rf "$new" && mkdir -p "$new" && cd "$new"
unpacked
only=$(ls -A)
if [ -d "$only" ]; then mv "$only" .only && mv .only/* . && rm -rf .only; fi
chmod -R a+rX .
if [ "$rpm" ]; then
  [ -d repodata ] || createrepo_c -q . || {
    echo 'the archive of packages has no repodata: run createrepo_c on its folder first' >&2
    exit 1
  }
else
  # As apt-ftparchive would write it; hosts do not have that.
  find . -name '*.deb' | sort | while read -r deb; do
    dpkg-deb -f "$deb" | grep .
    printf 'Filename: %s\nSize: %s\n' "$deb" "$(stat -c %s "$deb")"
    printf 'SHA256: %s\n\n' "$(sha256sum < "$deb" | cut -d' ' -f1)"
  done > Packages
  [ -s Packages ] || { echo 'the archive of packages has no .deb in it' >&2; exit 1; }
fi
rm -f "$part"
rm -rf "$folder" && mv -T "$new" "$folder"
find "$parent" -mindepth 1 -maxdepth 1 ! -path "$folder" -exec rm -rf {} +
