"""Commands that people are told to run on a host."""

from kubeinstall.facts.kubectl import kubectl

KUBECTL = kubectl()
KUBELET_LOG = "journalctl -u kubelet -n 50 --no-pager"
"""What a kubelet said last. It logs everything at one priority, so none is asked for."""
