"""
What the containers of Python do, as far as far ends are kept in them.
"""

from __future__ import annotations

from pbext.audit.following._held import Value, listOf, mapOf, setOf

__all__ = [
    "CHANGING",
    "COMPARING",
    "CONTAINERS",
    "GROWING",
    "HARMLESS",
    "HASHING",
    "JOINING",
    "LIST_ONLY",
    "LOOKING",
    "ORDERING",
    "SNAPSHOTS",
    "WALKING",
]

#: What makes one, and what is known of it then.
CONTAINERS: dict[str, Value] = {
    "list": listOf(),
    "deque": listOf(),
    "set": setOf(),
    "frozenset": setOf(),
    "WeakSet": setOf(weak=True),
    "dict": mapOf(),
    "OrderedDict": mapOf(),
    "defaultdict": mapOf(),
    "WeakKeyDictionary": mapOf(weak=True),
    "WeakValueDictionary": mapOf(weak=True),
}

#: Methods that take something in, and which argument that is.
GROWING = {"append": 0, "appendleft": 0, "insert": 1, "add": 0}

#: Those of them that tell a list from a set.
LIST_ONLY = frozenset({"append", "appendleft", "insert"})

#: Methods that take in all of an iterable.
JOINING = frozenset({"extend", "extendleft", "update"})

#: Methods of a list that compare an argument with what is in it.
COMPARING = frozenset({"remove", "index", "count"})

#: Methods of a set that hash their argument.
HASHING = frozenset({"add", "remove", "discard"})

#: Methods of a dict whose first argument is a key.
LOOKING = frozenset({"get", "pop", "setdefault"})

#: Methods of a dict by which it is walked.
WALKING = frozenset({"keys", "values", "items"})

#: Methods that change what is walked.
CHANGING = frozenset(
    {*GROWING, *JOINING, "remove", "discard", "pop", "popleft", "popitem", "clear"}
)

#: Functions and methods that make another container with the same in it.
SNAPSHOTS = frozenset({"list", "tuple", "deque", "copy", "deepcopy", "sorted"})

#: Functions that compare what is in a container.
ORDERING = frozenset({"sorted", "min", "max", "sort"})

#: Functions and methods that keep nothing of what they are given.
HARMLESS = frozenset(
    "print repr str ascii format isinstance type len bool callable hasattr any all "
    "sum msg err debug info warn warning error critical exception log failure".split()
)
