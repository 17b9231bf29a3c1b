"""
From values to bytes, in one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from twisted.spread import flavors, jelly

from pbext.errors import NotSendable
from pbext.interfaces import Context
from pbext.wire._banana import (
    SYMBOLS,
    encodeTokens,
    integer,
    listHead,
    string,
)
from pbext.wire._encoded import Encoded
from pbext.wire._flaw import Flaw
from pbext.wire._hooks import GATHERERS, TAGS
from pbext.wire._jellier import (
    CopyingJellier,
    Facade,
    keyStep,
)
from pbext.wire._jelly import checkSendable
from pbext.wire._leaves import KINDS, LEAVES, NAMES, SHORT, TWO

__all__ = ["Encoder"]

#: Policies that allow every type that has a module.
_POLICIES = frozenset(
    {
        jelly.SecurityOptions.isTypeAllowed,
        jelly.DummySecurityOptions.isTypeAllowed,
    }
)

_REFERENCE = listHead(3) + SYMBOLS[b"reference"]
_DEREFERENCE = TWO + SYMBOLS[b"dereference"]


def _heads(word: bytes) -> list[bytes]:
    return [listHead(length + 1) + string(word) for length in range(SHORT)]


_LISTS, _TUPLES, _DICTS = _heads(b"list"), _heads(b"tuple"), _heads(b"dictionary")
_SETS, _FROZENSETS = _heads(b"set"), _heads(b"frozenset")


class Encoder:
    """
    Encodes one value.

    @ivar shared: afterwards, whether the bytes are the same for every broker
        with the same policy and the same registry.
    @ivar perView: afterwards, whether they may be others for another
        perspective, because of an object that says so.
    @ivar owner: see L{IEncoder<pbext.wire._jellier.IEncoder>}.
    """

    shared = True
    perView = False
    owner: Any = None

    _lastNumber = 0
    _facade: Facade | None = None
    #: What to leave the broker with.
    _outer: Any = None

    def __init__(self, broker: Any, context: Context | None = None) -> None:
        """
        @param broker: whom the value is for: its C{security}, C{registry},
            C{stringLimit} (bytes, and items) and C{serializingPerspective} are
            looked at, and hooks get to see it.
        @param context: what the broker is told before the first hook is called
            (L{IConnection.enter<pbext.interfaces.IConnection.enter>}); most
            values have none.  By default it is told nothing.
        """
        self._broker = broker
        self._context = context
        self._copiers = broker.registry.copiers
        self._parts: list[bytes] = []
        # Of what was met: where it begins; its number, if it is referred to;
        # and it itself, lest another object gets its id.
        self._met: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []
        # By a hook that is not a user's: the last class that it was asked for, and
        # what was found.
        self._known: dict[Any, tuple[type, Any]] = {}
        # Where lists of the facade's belong.
        self._late: list[tuple[int, Any]] = []

    def encode(self, value: Any) -> Encoded:
        """
        @raise NotSendable: if it holds something that cannot be sent.
        """
        broker, copiers = self._broker, self._copiers
        policy = getattr(broker.security.isTypeAllowed, "__func__", None)
        try:
            if policy not in _POLICIES or (
                copiers and not copiers.keys().isdisjoint(KINDS)
            ):
                return self._encodeLists(value)
            self._write(value)
        except Flaw as flaw:
            raise flaw.whole() from None
        finally:
            # It knows this encoder, so both would live on, with all that was met.
            self._facade = None
            if self._outer is not None:
                broker.leave(self._outer)
        parts, limit = self._parts, broker.stringLimit
        for index, sexp in self._late:
            parts[index] = encodeTokens(sexp, True, limit)
        data = b"".join(parts)
        encoded = Encoded(data, bool(self._lastNumber))
        if len(data) > limit and self._isSuspicious():
            checkSendable(encoded.sexp(), strict=False, limit=limit)
        return encoded

    def _encodeLists(self, value: Any) -> Encoded:
        """
        Encode what a policy or a copier may change that is written here.
        """
        self.shared = False
        self._tellBroker()
        limit = self._broker.stringLimit
        sexp = CopyingJellier(self._broker.security, self._broker).jellyFull(value)
        checkSendable(sexp, strict=False, limit=limit)
        return Encoded(encodeTokens(sexp, True, limit), cyclic=True)

    def _tellBroker(self) -> None:
        """
        Before a hook is called; it may do anything.
        """
        self._known.clear()
        if self._context is not None:
            self._outer = self._broker.enter(self._context)
            self._context = None

    def _isSuspicious(self) -> bool:
        """
        Whether a string or a list may be longer than it can be.
        """
        return max(map(len, self._parts)) > self._broker.stringLimit or any(
            isinstance(held, (list, tuple, dict, set, frozenset))
            and len(held) >= self._broker.stringLimit
            for held in self._alive
        )

    def newNumber(self) -> int:
        """
        See L{IEncoder<pbext.wire._jellier.IEncoder>}.
        """
        self._lastNumber += 1
        return self._lastNumber

    def reference(self, obj: Any) -> list[Any] | None:
        """
        See L{IEncoder<pbext.wire._jellier.IEncoder>}.
        """
        key = id(obj)
        index = self._met.get(key)
        if index is None:
            return None
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self.newNumber()
            self._parts[index] = self._wrapper(key) + self._parts[index]
        return [b"dereference", number]

    def _wrapper(self, key: int) -> bytes:
        number = self._numbers.get(key)
        return b"" if number is None else _REFERENCE + integer(number)

    def _refer(self, value: Any) -> bool:
        """
        Refer to a value, if it was met.
        """
        known = self.reference(value)
        if known is None and self._facade is not None:
            known = self._facade.known(value)
        if known is None:
            return False
        self._parts.append(_DEREFERENCE + integer(known[1]))
        return True

    def _write(self, value: Any) -> None:
        leaf = LEAVES.get(type(value))
        if leaf is not None:
            self._parts.append(leaf(value))
        else:
            _CONTAINERS.get(type(value), Encoder._writeObject)(self, value)

    def _writeItems(self, heads: list[bytes], items: Any) -> None:
        met, parts = self._met, self._parts
        key = id(items)
        if (key in met or self._facade is not None) and self._refer(items):
            return
        met[key] = len(parts)
        self._alive.append(items)
        append, leaves = parts.append, LEAVES.get
        size = len(items)
        append(_head(heads, size))
        index = -1
        try:
            for index, item in enumerate(items):  # noqa: B007  # used below
                leaf = leaves(type(item))
                if leaf is not None:
                    append(leaf(item))
                else:
                    _CONTAINERS.get(type(item), Encoder._writeObject)(self, item)
        except Flaw as flaw:
            flaw.steps.append(f"[{index}]")
            raise
        if index + 1 != size:
            # A hook has changed the list.
            parts[met[key]] = self._wrapper(key) + _head(heads, index + 1)

    def _writeDict(self, value: dict[Any, Any]) -> None:
        met, parts = self._met, self._parts
        if (id(value) in met or self._facade is not None) and self._refer(value):
            return
        met[id(value)] = len(parts)
        self._alive.append(value)
        append, leaves = parts.append, LEAVES.get
        append(_head(_DICTS, len(value)))
        key: Any = None
        inKey = False
        try:
            for key, item in value.items():
                inKey = True
                if type(key) is str:
                    append(NAMES[key])
                else:
                    append(TWO)
                    self._write(key)
                inKey = False
                leaf = leaves(type(item))
                if leaf is not None:
                    append(leaf(item))
                else:
                    _CONTAINERS.get(type(item), Encoder._writeObject)(self, item)
        except Flaw as flaw:
            flaw.steps.append("{key}" if inKey else keyStep(key))
            raise

    def _writeObject(self, value: Any) -> None:
        copier = self._copiers.get(type(value)) if self._copiers else None
        if copier is None and not (
            isinstance(value, flavors.Copyable)
            and getattr(value.jellyFor, "__func__", None) is _jellyFor
        ):
            self._writeLists(value)
            return
        met = self._met
        if (id(value) in met or self._facade is not None) and self._refer(value):
            return
        outer = self.owner
        try:
            if copier is None:
                self._writeCopyable(value)
            else:
                self._writeCopied(value, copier)
        except NotSendable as error:
            if error.owner is None:
                raise
            raise Flaw(error) from None
        self.owner = outer

    def _writeLists(self, value: Any) -> None:
        """
        Leave a value to the facade.
        """
        self.shared = False
        self._tellBroker()
        if self._facade is None:
            self._facade = Facade(self, self._broker)
        prepared = self._facade.prepared()
        sexp = self._facade.jellyPart(value)
        data = b""
        if self._facade.prepared() == prepared:
            data = encodeTokens(sexp, True, self._broker.stringLimit)
        else:
            self._late.append((len(self._parts), sexp))
        self._parts.append(data)

    def _writeCopyable(self, value: flavors.Copyable) -> None:
        # As flavors.Copyable.jellyFor has it; stock's other hooks ask nobody.
        typeFor, stateFor = value.getTypeToCopyFor, value.getStateToCopyFor
        if getattr(typeFor, "__func__", None) is _typeFor:
            hook = value.getTypeToCopy
            isStocks = getattr(hook, "__func__", None) is _typeOf
            tag = hook() if isStocks else self._tagOf(hook)
        else:
            tag = self._askFor(typeFor)
        if getattr(stateFor, "__func__", None) is _stateFor:
            hook = value.getStateToCopy
            isStocks = getattr(hook, "__func__", None) is _stateOf
            state = hook() if isStocks else self._stateOf(hook)
        else:
            state = self._askFor(stateFor)
        parts = self._parts
        self._met[id(value)] = len(parts)
        self._alive.append(value)
        parts.append(TWO + string(tag) if type(tag) is bytes else self._badTag(tag))
        self.owner = value
        if type(state) is dict:
            self._writeDict(state)
        else:
            self._write(state)

    def _tagOf(self, hook: Any) -> Any:
        tag = self._found(TAGS, hook)
        if tag is None:
            self._tellBroker()
            return hook()
        return tag

    def _stateOf(self, hook: Any) -> Any:
        gather = self._found(GATHERERS, hook)
        if gather is None:
            self._tellBroker()
            return hook()
        return gather(hook.__self__)

    def _found(self, table: dict[Any, Callable[[type], Any]], hook: Any) -> Any:
        """
        @return: what a table says of the class of the object whose method a hook
            is, if it has that method; else C{None}.
        """
        function = getattr(hook, "__func__", None)
        find = table.get(function) if type(function) is FunctionType else None
        if find is None:
            return None
        cls = hook.__self__.__class__
        known = self._known.get(function)
        if known is None or known[0] is not cls:
            known = self._known[function] = cls, find(cls)
        return known[1]

    def _askFor(self, hook: Any) -> Any:
        """
        @param hook: one that is asked for each perspective.
        """
        self.perView = True
        self._tellBroker()
        return hook(self._broker.serializingPerspective)

    def _badTag(self, tag: Any) -> bytes:
        """
        Whatever Banana makes of it.
        """
        try:
            checkSendable([tag], limit=self._broker.stringLimit)
        except NotSendable as error:
            raise Flaw(error) from None
        return TWO + encodeTokens(tag, True, self._broker.stringLimit)

    def _writeCopied(self, value: Any, copier: Any) -> None:
        self._tellBroker()
        _cls, toWire = copier.sender
        self._met[id(value)] = len(self._parts)
        self._alive.append(value)
        self._parts.append(TWO + string(copier.tag.encode("utf-8")))
        if isinstance(value, flavors.Copyable):
            self.owner = value
        self._write(toWire(value))


_jellyFor = flavors.Copyable.jellyFor
_typeFor = flavors.Copyable.getTypeToCopyFor
_stateFor = flavors.Copyable.getStateToCopyFor
_typeOf = flavors.Copyable.getTypeToCopy
_stateOf = flavors.Copyable.getStateToCopy


def _head(heads: list[bytes], size: int) -> bytes:
    if size < SHORT:
        return heads[size]
    return listHead(size + 1) + heads[0][2:]


def _writer(heads: list[bytes]) -> Callable[[Encoder, Any], None]:
    return lambda encoder, items: encoder._writeItems(heads, items)


#: What writes what may hold anything, and may be met again.
_CONTAINERS: dict[type, Callable[[Encoder, Any], None]] = {
    dict: Encoder._writeDict,
    list: _writer(_LISTS),
    tuple: _writer(_TUPLES),
    set: _writer(_SETS),
    frozenset: _writer(_FROZENSETS),
}
