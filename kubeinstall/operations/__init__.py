"""kubeinstall's pyinfra operations; they need only facts and the modules at the top level."""
