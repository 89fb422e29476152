"""kubeinstall's pyinfra facts: they read the state of a host and change nothing."""
