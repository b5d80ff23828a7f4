"""`python -m surge`: hands over to the command line in surge.cli."""

import sys

from surge.cli import main

if __name__ == "__main__":
    sys.exit(main())
