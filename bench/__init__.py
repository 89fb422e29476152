"""Benchmarks: kubeinstall's engine compared with plain pyinfra and Ansible."""
