"""
Names that are not meant for everybody.
"""

from __future__ import annotations

import re

__all__ = ["isPrivate", "isSecret"]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

#: Words that say it by themselves, in whatever name they stand.
_SECRET = frozenset(
    "apikey credential credentials passphrase passwd password passwords privatekey "
    "privkey pwd secret secrets secretkey".split()
)

#: Words that say it together.
_TOGETHER = frozenset(
    {
        ("access", "key"),
        ("access", "token"),
        ("api", "key"),
        ("api", "token"),
        ("auth", "key"),
        ("auth", "token"),
        ("bearer", "token"),
        ("encryption", "key"),
        ("login", "token"),
        ("pass", "phrase"),
        ("pass", "word"),
        ("priv", "key"),
        ("private", "key"),
        ("refresh", "token"),
        ("secret", "key"),
        ("session", "token"),
        ("signing", "key"),
    }
)

#: Words that make it something about a secret: C{passwordRequired}, C{min_password}.
_ABOUT = frozenset(
    "age attempts can changed count date entry error expired expires expiry field "
    "has invalid is label len length max min missing needed needs no ok policy prompt "
    "require required requires strength tries use uses valid widget wrong".split()
)


def isPrivate(name: str) -> bool:
    """
    @return: whether a name says that it is nobody else's.
    """
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def isSecret(name: str) -> bool:
    """
    @return: whether a name says that its value is for few.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if _ABOUT.intersection(words):
        return False
    return not _SECRET.isdisjoint(words) or not _TOGETHER.isdisjoint(
        zip(words, words[1:], strict=False)
    )
