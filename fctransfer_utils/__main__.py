"""``python -m fctransfer_utils`` is the command ``fctransfer``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
