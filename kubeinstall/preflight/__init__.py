"""Preflight checks: find what would make a run fail, before anything is changed."""
