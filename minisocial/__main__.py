"""`python -m minisocial` is the same as `minisocial`."""

import sys

from minisocial.cli import main

sys.exit(main())
