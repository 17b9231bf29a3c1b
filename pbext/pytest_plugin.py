"""
The fixture C{connectedPair}, for pytest: L{pbext.testing.connectedPair},
whose pairs are closed, and the registry put back, when the test is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from pbext.testing import Pair, connectedPair, restoredRegistry


@pytest.fixture(name="connectedPair")
def connectedPairFixture() -> Iterator[Callable[..., Pair]]:
    """
    L{pbext.testing.connectedPair}.
    """
    with ExitStack() as closing:
        closing.enter_context(restoredRegistry())

        def connect(*args: Any, **kw: Any) -> Pair:
            return closing.enter_context(connectedPair(*args, **kw))

        yield connect
