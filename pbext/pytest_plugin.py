"""
The fixture C{connectedPair}, for pytest: L{pbext.testing.connectedPair},
whose pairs are closed, and the registry put back, when the test is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pbext.testing import Pair


@pytest.fixture(name="connectedPair")
def connectedPairFixture() -> Iterator[Callable[..., Pair]]:
    """
    L{pbext.testing.connectedPair}.
    """
    # pytest loads this module in every project that pbext is installed beside.
    from pbext.testing import connectedPair, restoredRegistry

    with ExitStack() as closing:
        closing.enter_context(restoredRegistry())

        def connect(*args: Any, **kw: Any) -> Pair:
            return closing.enter_context(connectedPair(*args, **kw))

        yield connect
