"""What holds for all tests."""

from __future__ import annotations

import signal

# A shell without job control starts a background command with SIGINT ignored, and so do some CI
# services. Tests interrupt runs, in this process and in others that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
