"""
Hooks that are not a user's: they send nothing, and ask nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.spread import flavors

__all__ = ["QUIET"]

#: By a hook of a Copyable: what returns the same, of the object, where nothing of
#: a user's is called to find it; or C{None}, where something is.
QUIET: dict[Any, Callable[[Any], Any]] = {
    hook: hook
    for hook in (flavors.Copyable.getTypeToCopy, flavors.Copyable.getStateToCopy)
}
