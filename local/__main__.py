"""`python -m local` is the command line behind `make`."""

import sys

from local.cli import main

sys.exit(main())
