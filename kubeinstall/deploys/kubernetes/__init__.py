"""kubelet, kubeadm, the control plane and the nodes."""
