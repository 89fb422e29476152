# shellcheck shell=sh
# Deletes namespaces, its parameters, that hold nothing of others. label: of what is an addon's,
# kept: begins what is said of one that stays, seconds: how long one may take.
: "${label?}" "${kept?}" "${seconds?}"
kubectl() { /usr/bin/kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=60s "$@"; }
kinds=deployments,statefulsets,daemonsets,cronjobs,jobs,pods,services,persistentvolumeclaims
# Pods and ReplicaSets of what was deleted are still on their way out; they have owners.
mine='.metadata.ownerReferences .metadata.deletionTimestamp'
name='{{.kind}}/{{.metadata.name}} '
free="{{range .items}}{{if not (or $mine)}}$name{{end}}{{end}}"
for namespace in "$@"; do
  left=$(kubectl -n "$namespace" get $kinds -o "go-template=$free") || exit 1
  if [ "$left" ]; then
    kubectl label namespace "$namespace" "$label-" >/dev/null || exit 1
    echo "${kept}namespace $namespace stays, because it contains $left"
  else
    kubectl --request-timeout=0 delete namespace "$namespace" --ignore-not-found \
      "--timeout=${seconds}s" || exit 1
  fi
done
