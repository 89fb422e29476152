"""The checks; each module lists its checks, in order, in ``CHECKS``."""
