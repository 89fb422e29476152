# shellcheck shell=sh
# Deletes namespaces, its parameters, that hold nothing of others, and names those that stay, with
# what they hold. label: of what is an addon's, seconds: how long one may take,
# kubectl: how it is called.
: "${label?}" "${seconds?}" "${kubectl?}"
kinds=deployments,statefulsets,daemonsets,cronjobs,jobs,pods,services,persistentvolumeclaims
# Pods and ReplicaSets of what was deleted are still on their way out; they have owners.
mine='.metadata.ownerReferences .metadata.deletionTimestamp'
name='{{.kind}}/{{.metadata.name}} '
free="{{range .items}}{{if not (or $mine)}}$name{{end}}{{end}}"
for namespace in "$@"; do
  left=$($kubectl -n "$namespace" get $kinds -o "go-template=$free") || exit 1
  if [ "$left" ]; then
    $kubectl label namespace "$namespace" "$label-" >/dev/null || exit 1
    printf 'kept\tNamespace\t%s\t%s\n' "$namespace" "$left"
  else
    $kubectl --request-timeout=0 delete namespace "$namespace" --ignore-not-found \
      "--timeout=${seconds}s" || exit 1
  fi
done
