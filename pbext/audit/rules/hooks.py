"""
What hooks do while a message is being serialized.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import attrs

from pbext.audit._findings import Place, Severity
from pbext.audit._model import ClassModel, Method, Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._factories import onlyOurs
from pbext.audit.reading._bodies import parameters, selfOf, shallow, written

__all__: list[str] = []

#: The hooks that run while a message is serialized, and what their parameters are.
_HOOKS = {
    "getStateToCopy": (),
    "getStateToCopyFor": ("perspective",),
    "getStateToCacheAndObserveFor": ("perspective", "observer"),
    "getTypeToCopy": (),
    "getTypeToCopyFor": ("perspective",),
}

#: How observers are kept.
_KEEPING = frozenset({"add", "append", "insert", "setdefault"})

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

#: How deep calls are followed.
_DEPTH = 3


@attrs.frozen
class _Sent:
    """
    A message that a hook sends.

    @ivar whom: C{"observer"}, the new one; C{"perspective"}; C{""} for anybody.
    """

    place: Place
    whom: str


class _Body:
    """
    A hook, or a method that it calls, read from its first line to its last.

    @ivar sent: the messages that it sends.
    """

    def __init__(
        self,
        cls: ClassModel,
        method: Method,
        given: Mapping[str, str],
        kept: set[str],
        depth: int = 0,
    ) -> None:
        """
        @param given: what its parameters are.
        @param kept: where the new observer has been put so far.
        @param depth: how many calls away from the hook it is.
        """
        assert method.node is not None and method.source is not None
        self.sent: list[_Sent] = []
        self._cls, self._source = cls, method.source
        self._kept, self._depth = kept, depth
        self._self = selfOf(method.node)
        self._kinds = dict(given)
        self._follows = cls.isA("Cacheable")
        self._slots = set(_stored(method.node, self._kinds))
        for node in shallow(method.node.body):
            self._read(node)

    def _read(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self._loop(node.target, node.iter, node)
        elif isinstance(node, _COMPREHENSIONS):
            for loop in node.generators:
                self._loop(loop.target, loop.iter, node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            self._call(node, node.func)

    def _kind(self, node: ast.expr) -> str:
        """
        @return: what an expression stands for: C{"observer"}, the new one;
            C{"others"}, those that there were before; C{"perspective"}, or
            something of it; C{""} if that is not known.
        """
        name = written(node)
        if name in self._kinds:
            return self._kinds[name]
        if name in self._kept:
            return "observer"
        owner = name.partition(".")[0]
        return "perspective" if self._kinds.get(owner) == "perspective" else ""

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        kind = self._kind(value)
        name = written(target)
        if isinstance(target, ast.Name):
            self._kinds[name] = kind
        elif kind == "observer":
            kept = target.value if isinstance(target, ast.Subscript) else target
            self._kept.add(written(kept))

    def _loop(self, target: ast.expr, over: ast.expr, loop: ast.AST) -> None:
        # list(self.observers), self.observers.values(), self.observers[:]
        new = any(
            self._kind(node) == "observer"
            for node in ast.walk(over)
            if isinstance(node, (ast.Name, ast.Attribute))
        )
        if new and not self._spares(loop):
            self._kinds[written(target)] = "observer"
        else:
            self._kinds[written(target)] = "others" if self._follows else ""

    def _spares(self, loop: ast.AST) -> bool:
        """
        @return: whether a loop passes the new observer over.
        """
        return any(
            isinstance(node, ast.Compare)
            and any(map(self._isNew, [node.left, *node.comparators]))
            for node in ast.walk(loop)
        )

    def _isNew(self, node: ast.expr) -> bool:
        return self._kinds.get(written(node)) in ("observer", "perspective")

    def _call(self, call: ast.Call, function: ast.Attribute) -> None:
        owner = function.value
        if function.attr == "callRemote":
            self._send(call, owner)
        elif function.attr in _KEEPING and any(
            self._kind(given) == "observer" for given in call.args
        ):
            self._kept.add(written(owner))
        elif written(owner) == self._self:
            self._follow(call, function.attr)

    def _send(self, call: ast.Call, owner: ast.expr) -> None:
        kind = self._kind(owner)
        if not kind and self._follows and written(owner) in self._slots:
            kind = "others"
        if kind != "others":  # which are on other connections
            self.sent.append(_Sent(self._source.place(call), kind))

    def _follow(self, call: ast.Call, name: str) -> None:
        """
        Read a method that the hook calls.
        """
        method = self._cls.methods.get(name)
        if method is None or method.node is None or self._depth >= _DEPTH:
            return
        names = parameters(method.node)[1:]
        given = {
            name: kind
            for name, value in zip(names, call.args, strict=False)
            if (kind := self._kind(value))
        }
        self.sent += _Body(self._cls, method, given, self._kept, self._depth + 1).sent


def _stored(function: ast.AST, kinds: Mapping[str, str]) -> Iterator[str]:
    """
    @return: the attributes to which a hook assigns its observer.
    """
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Assign)
            and kinds.get(written(node.value)) == "observer"
        ):
            for target in node.targets:
                yield written(target)


_SAYS = {
    "observer": (
        Severity.ERROR,
        "tells its new observer something before the object itself has been sent, so "
        "that it is lost",
        "keep the observer, and tell it later what changes then; the state that is "
        "returned has all that there is now",
    ),
    "perspective": (
        Severity.WARNING,
        "calls the peer while the message to it is being made, which then has no "
        "perspective any more",
        "",
    ),
    "": (
        Severity.WARNING,
        "calls a peer while a message is being made; if it is the same peer, the "
        "message has no perspective any more",
        "",
    ),
}


def _sending(program: Program) -> Iterator[Hit]:
    if onlyOurs(program):
        return
    for cls in program:
        if not cls.sends or cls.ours:
            continue
        for hook, roles in _HOOKS.items():
            method = cls.own(hook)
            if method is None or method.node is None:
                continue
            given = dict(zip(parameters(method.node)[1:], roles, strict=False))
            for sent in _Body(cls, method, given, set()).sent:
                severity, what, fix = _SAYS[sent.whom]
                yield Hit(
                    sent.place,
                    cls.name,
                    f"{cls.qualname}.{hook} {what}",
                    fix,
                    severity,
                )


SENDS = Rule(
    id="PBX210",
    severity=Severity.WARNING,
    title="a hook that gathers state calls the peer",
    explanation="""\
The hooks run while a message is being made, and stock's ``Broker.serialize`` is not
made to be entered twice: after a ``callRemote`` on the same connection, the
perspective is ``None`` for the rest of the message, so that a
``getStateToCopyFor(perspective)`` gives anybody's view, or fails.

What is said to the observer that ``getStateToCacheAndObserveFor`` has just been given
arrives before the object does.  The peer does not know that object yet: it answers
with ``KeyError``, and the update is lost.

pbext's brokers keep the perspective, and keep such updates back until the object is
written.""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        for each in self.observers:
            each.callRemote("joined", len(self.observers)).addErrback(print)
        return {"visitors": len(self.observers)}
""",
    good="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        for each in self.observers:
            each.callRemote("joined", len(self.observers) + 1).addErrback(print)
        self.observers.append(observer)
        return {"visitors": len(self.observers)}
""",
    fix="call it when the message has been sent: reactor.callLater(0, ...)",
    find=_sending,
    sources=True,
)
