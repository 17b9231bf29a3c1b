"""
What is read out of a message, and what is said of what was in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import attrs

from twisted.python.reflect import qual
from twisted.spread import banana, jelly

from pbext._messages import Messages
from pbext._references import READERS
from pbext.errors import BadValue, PBExtError, PeerError, RefusedTag
from pbext.wire._codec import encodeTokens, read
from pbext.wire._commands import NO_KEYWORDS
from pbext.wire._encoded import Encoded
from pbext.wire._jelly import findTag
from pbext.wire._parts import listsOf
from pbext.wire._unjelly import given

__all__ = ["Reading"]

#: What reads jelly: an error that is raised there, and not in a hook that is
#: called from there, means that there was no jelly to read.
_READERS = ("twisted.", "pbext.")

#: What is asked of an object that is put into a set, or is a key; part of a
#: cycle, it may have no values yet.
_ASKED = ("__hash__", "__eq__")

#: No keyword arguments in bytes, the word as a number and in full.
_NO_KEYWORDS_IN_BYTES = tuple(
    encodeTokens(NO_KEYWORDS, vocabulary, banana.SIZE_LIMIT)
    for vocabulary in (True, False)
)


class Reading(Messages):
    """
    The part of a broker that makes values of messages.
    """

    __slots__ = ("_taken",)

    def __init__(
        self, isClient: bool = True, security: Any = jelly.globalSecurity
    ) -> None:
        super().__init__(isClient, security)
        # What of the message that is being read has become an object: the words
        # and numbers that it came under.
        self._taken: list[tuple[bytes, Any]] = []

    def unserialize(self, sexp: Any, perspective: Any = None) -> Any:
        """
        Read a value.

        @raise RefusedTag: if a class is not registered here, with its path.
        @raise BadReference: if it refers to what was never given.
        @raise BadValue: if it is no jelly.
        """
        kind = type(sexp)
        if kind is Encoded:
            if sexp.data in _NO_KEYWORDS_IN_BYTES:
                return {}  # as most calls have none
        elif kind is not list:
            return sexp  # a number, or bytes
        elif sexp == NO_KEYWORDS:
            return {}
        outer = self.unserializingPerspective
        self.unserializingPerspective = perspective
        try:
            readers = self.registry.readers
            result = read(sexp, self.security, self, READERS, self._taken, readers)
        except jelly.InsecureJelly as error:
            raise self._refusal(listsOf(sexp), error) from None
        except PeerError as error:
            raise _located(error) from None
        except PBExtError:
            raise
        except Exception as error:
            if _isReading(error):
                raise BadValue(errorType=qual(type(error))) from None
            raise  # from a hook
        finally:
            self.unserializingPerspective = outer
        if self._serving is not None:
            self._serving.held.append(result)
        return result

    def _refusal(self, sexp: Any, error: Exception) -> Exception:
        found = findTag(sexp, self._isUnknown) or findTag(
            sexp, self._isForbidden, words=True
        )
        if found is None:
            word = error.args[0] if error.args else ""
            if isinstance(word, str):
                return error  # in a hook's words
            if type(word) is not bytes:
                return BadValue(errorType=qual(type(error)))
            found = word, "$"  # in what is no jelly either
        return RefusedTag(tag=found[0].decode("utf-8", "replace"), path=found[1])

    def _isForbidden(self, word: Any) -> bool:
        readers = self.registry.readers
        if readers is not None:
            return word not in readers and word not in READERS
        return not self.security.isTypeAllowed(word)

    def _isUnknown(self, tag: Any) -> bool:
        if self.registry.readers is not None:
            return tag not in self.registry.readers
        if not self.security.isTypeAllowed(tag):
            return True
        if tag in jelly.unjellyableRegistry or tag in jelly.unjellyableFactoryRegistry:
            return False
        module, _, _ = tag.decode("utf-8", "replace").rpartition(".")
        return not self.security.isModuleAllowed(module)

    def giveBack(self, parts: Iterable[Any]) -> None:
        """
        The message that is being read is refused: tell the peer that nobody
        here has what it has given in it.  What has become an object tells it
        so by itself.

        @param parts: the values in the message.
        """
        if self.disconnected:
            return
        taken = Counter(self._taken)
        for part in parts:
            for word, luid in given(listsOf(part)):
                if taken[word, luid]:
                    taken[word, luid] -= 1
                elif word == b"remote":
                    self.sendDecRef(luid)
                elif word == b"cached" or luid not in self.locallyCachedObjects:
                    self.decCacheRef(luid)

    def sendDecRef(self, objectID: Any) -> None:
        """
        Tell the peer that one reference is gone.  Called by finalizers, in
        whatever thread the garbage collector runs.
        """
        self.inReactorThread(lambda: self._tell(b"decref", objectID))

    def decCacheRef(self, objectID: Any) -> None:
        """
        Tell the peer that a cache is gone; as L{sendDecRef}.
        """
        self.inReactorThread(lambda: self._tell(b"decache", objectID))

    def _tell(self, command: bytes, objectID: Any) -> None:
        if not self.disconnected:
            self.sendCall(command, objectID)


def _located(error: Any) -> Exception:
    """
    @return: an error that knows of its object, as one that knows where that
        was.
    """
    where, error.where = error.where, None
    found: Exception = error
    if where is not None and hasattr(error, "path"):
        path, word = where
        path += error.path.removeprefix("$")
        found = attrs.evolve(error, path=path, tag=word.decode("utf-8", "replace"))
    return found


def _isReading(error: BaseException) -> bool:
    """
    Whether an error was raised by what reads jelly, and not by a hook.
    """
    if isinstance(error, RecursionError):
        return True  # wherever it hit, the peer decides how deep this is
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_name in _ASKED:
            return True
        if not frame.f_globals.get("__name__", "").startswith(_READERS):
            return False
        traceback = traceback.tb_next
    return True
