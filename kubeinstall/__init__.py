"""kubeinstall: turn a file of SSH hosts into a Kubernetes cluster and keep it as the file says."""

__version__ = "0.1.0"
