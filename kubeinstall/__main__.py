"""``python -m kubeinstall`` and the ``kubeinstall`` script."""

from __future__ import annotations

import os
import sys

from kubeinstall.cli import run


def main() -> None:
    """Run the command line and exit with its code."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:
        # It has been reported; Python would try again at its end, and print a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
