"""kubeinstall: create a Kubernetes cluster on SSH hosts from an inventory file, and keep it so."""

__version__ = "0.1.0"
