"""pyinfra operations of our own; they need nothing of kubeinstall but this package and facts."""
