"""Measurements: kubeinstall's engine against plain pyinfra and Ansible."""
