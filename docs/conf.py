"""
Sphinx: C{sphinx-build -W docs docs/_build}.
"""

import pbext

project = "pbext"
author = "the pbext authors"
project_copyright = "2026, the pbext authors"
release = version = pbext.__version__
exclude_patterns = ["_build"]
html_theme = "alabaster"
default_role = "any"
nitpicky = True
