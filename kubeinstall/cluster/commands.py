"""Commands that people are told to run on a host."""

KUBECTL = "/usr/bin/kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=15s"
KUBELET_LOG = "journalctl -u kubelet -n 50 --no-pager"
"""What a kubelet said last. It logs everything at one priority, so none is asked for."""
