"""``python -m itagflow`` is the command line."""

import sys

from itagflow.cli import main

if __name__ == "__main__":
    sys.exit(main())
