"""kubectl as it is called on a control plane."""

KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=15s"
