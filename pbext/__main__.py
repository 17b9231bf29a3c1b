"""
C{python -m pbext}
"""

import sys

from pbext.cli import main

sys.exit(main())
