# shellcheck shell=sh
# The signing key of a package source, fetched as its package manager would. url: where it is,
# redirects: what curl may be sent to. apt refuses by itself to be sent from https to http.
: "${url?}" "${redirects?}"
part=$(mktemp -d) || exit 0
if [ -x /usr/lib/apt/apt-helper ]; then
  chown _apt "$part"
  said=$(/usr/lib/apt/apt-helper -o Acquire::Retries=1 -o Acquire::https::Timeout=15 \
    download-file "$url" "$part/key" 2>&1)
else
  # Ours is in the environment; its login must not become an argument.
  proxy=
  [ "$HTTPS_PROXY" ] || proxy=$(sed -n 's/^proxy *= *//p' /etc/dnf/dnf.conf 2>/dev/null)
  said=$(curl -fsSL --proto-redir "$redirects" --retry 1 --max-time 30 \
    ${proxy:+-x "$proxy"} -o "$part/key" "$url" 2>&1)
fi
if [ -s "$part/key" ]; then echo "key=$(base64 -w0 "$part/key")"
else
  # apt has the reason in the line after "Err:1 URL", curl in its last one.
  why=$(printf '%s\n' "$said" | sed -n '/^Err:/{n;s/^ *//p;q}')
  echo "why=${why:-$(printf '%s\n' "$said" | grep . | tail -n 1)}"
fi
rm -rf "$part"
true
