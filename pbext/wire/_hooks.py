"""
Hooks that are not a user's, nor stock's own: what they return is known of the class,
and to find it calls nothing of a user's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["GATHERERS", "TAGS"]

#: By a C{getTypeToCopy}: what it returns for the instances of a class.
TAGS: dict[Any, Callable[[type], bytes]] = {}

#: By a C{getStateToCopy}: for a class, what does the same for an instance of it;
#: or C{None}, if something of a user's is called.
GATHERERS: dict[Any, Callable[[type], Callable[[Any], Any] | None]] = {}
