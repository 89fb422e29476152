"""``python -m kubeinstall`` and the ``kubeinstall`` script."""

from __future__ import annotations

import sys

from kubeinstall.cli import run


def main() -> None:
    """Run the command line and exit with its code."""
    code = run(sys.argv[1:])
    from kubeinstall.engine import exits

    exits.shut()
    sys.exit(code)


if __name__ == "__main__":
    main()
