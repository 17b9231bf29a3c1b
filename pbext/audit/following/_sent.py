"""
The messages that a Cacheable sends to its observers, by their names and arguments,
also through methods that take the name as an argument.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import takewhile

import attrs

from pbext.audit._findings import Place
from pbext.audit._model import ClassModel, Method, Program
from pbext.audit.following._facts import What
from pbext.audit.following._held import End
from pbext.audit.following._observing import observing
from pbext.audit.reading._bodies import FUNCTIONS, Function, constant, selfOf, written
from pbext.audit.reading._scopes import qualnameOf
from pbext.audit.reading._sources import Source

__all__ = ["Message", "sentBy"]

#: What calls C{callRemote} with the arguments that stand behind it.
_PASSING = frozenset(
    "callFromThread callLater callWhenRunning deferLater maybeDeferred".split()
)

#: What C{callRemote} keeps for itself.
_KEPT = frozenset({"pbanswer", "pbcallback", "pberrback"})

#: How deep methods are followed.
_DEPTH = 4


@attrs.frozen
class Message:
    """
    A message to observers.

    @ivar name: its name; C{None} if that is computed.
    @ivar place: where it is sent, or where its name stands.
    @ivar count: how many arguments it has by position; at least, if it is open.
    @ivar names: those that it has by name.
    @ivar open: whether there may be others.
    """

    name: str | None
    place: Place
    count: int = 0
    names: frozenset[str] = frozenset()
    open: bool = False


@attrs.frozen(eq=False)
class _Arguments:
    """
    The arguments of a call: some expressions, and the names of others.
    """

    source: Source
    node: ast.Call
    given: Sequence[ast.expr]
    named: Sequence[ast.keyword]


@attrs.frozen(eq=False)
class _Sender:
    """
    Who looks for the messages of one class.

    @ivar cls: the class.
    @ivar methods: its methods that can be read.
    """

    cls: ClassModel
    methods: Sequence[Method]

    def messages(self, arguments: _Arguments, depth: int = 0) -> Iterator[Message]:
        """
        @param arguments: as a C{callRemote} gets them, with the name.
        """
        if not arguments.given or isinstance(arguments.given[0], ast.Starred):
            yield from self._through(arguments, None, depth)
            return
        first = arguments.given[0]
        for name in _texts(first):
            yield _message(arguments, name)
        if isinstance(first, ast.Name):
            yield from self._named(arguments, first, depth)
        elif not _texts(first):
            yield Message(None, _place(arguments))

    def _named(
        self, arguments: _Arguments, name: ast.Name, depth: int
    ) -> Iterator[Message]:
        """
        The name of the message is a variable.
        """
        for outer in arguments.source.enclosing(arguments.node):
            if not isinstance(outer, FUNCTIONS):
                continue
            values = list(_assigned(outer, name.id))
            if values:
                texts = [text for value in values for text in _texts(value)]
                for text in texts:
                    yield _message(arguments, text)
                if len(texts) < len(values):
                    break
                return
            if name.id in {a.arg for a in _all(outer.args)}:
                yield from self._through(arguments, outer, depth)
                return
        yield Message(None, _place(arguments))

    def _through(
        self, arguments: _Arguments, function: Function | None, depth: int
    ) -> Iterator[Message]:
        """
        A message whose name the caller of a function gives.
        """
        if function is None:
            function = next(
                (
                    outer
                    for outer in arguments.source.enclosing(arguments.node)
                    if isinstance(outer, FUNCTIONS)
                ),
                None,
            )
        calls = [] if function is None else list(self._calls(arguments, function))
        if function is None or not calls or depth >= _DEPTH:
            yield Message(None, _place(arguments))
            return
        for source, call, bound in calls:
            yield from self.messages(
                _substituted(arguments, function, source, call, bound), depth + 1
            )

    def _calls(
        self, arguments: _Arguments, function: Function
    ) -> Iterator[tuple[Source, ast.Call, int]]:
        """
        @return: where methods of the class call a function, and how many arguments
            that has before those of the call.
        """
        home = arguments.source.parents.get(function)
        for method in self.methods:
            assert method.node is not None and method.source is not None
            for node in ast.walk(method.node):
                if not isinstance(node, ast.Call) or not _isNamed(node, function.name):
                    continue
                bound: int | None = 0
                if isinstance(home, ast.ClassDef):
                    owner = f"{arguments.source.label}."
                    owner += qualnameOf(arguments.source, home)
                    bound = self._bound(method, node, function, owner)
                if bound is not None:
                    yield method.source, node, bound

    def _bound(
        self, method: Method, call: ast.Call, function: Function, owner: str
    ) -> int | None:
        """
        @param function: a method.
        @param owner: the class in whose body it stands.
        @return: how many arguments it has already, where another method calls it;
            C{None} if that calls something else of its name.
        """
        if not isinstance(call.func, ast.Attribute):
            return None
        assert method.node is not None and method.source is not None
        called = call.func.value
        if written(called) == selfOf(method.node):
            mine = self.cls.methods.get(function.name)
            return 1 if mine is not None and mine.node is function else None
        if isinstance(called, ast.Call) and written(called.func) == "super":
            return 1 if method.node is not function else None
        return 0 if method.source.resolve(called) == owner else None


def _isNamed(call: ast.Call, name: str) -> bool:
    called = call.func
    return name == (
        called.attr if isinstance(called, ast.Attribute) else written(called)
    )


def sentBy(program: Program, cls: ClassModel) -> list[Message]:
    """
    @return: what a Cacheable sends to its observers.
    """
    watched = observing(program).classes.get(cls.name)
    if watched is None:
        return []
    methods = [m for m in cls.methods.values() if m.node is not None]
    sender = _Sender(cls, methods)
    found: dict[Message, None] = {}
    nodes = {
        fact.node: fact.source
        for fact in watched
        if fact.what in (What.CALLED, What.TOLD) and fact.value.end is not End.FOREIGN
    }
    for node, source in nodes.items():
        arguments = _sending(source, node)
        if arguments is None:
            found[Message(None, source.place(node))] = None
        else:
            found.update(dict.fromkeys(sender.messages(arguments)))
    return [*found]


def _sending(source: Source, node: ast.AST) -> _Arguments | None:
    """
    @return: what C{callRemote} is given.
    """
    if not isinstance(node, ast.Call):
        return None
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr == "callRemote":
        return _Arguments(source, node, node.args, node.keywords)
    if isinstance(function, ast.Call) and len(function.args) == 1:
        # observer.remoteMethod("addDuck")(duck)
        return _Arguments(source, node, [*function.args, *node.args], node.keywords)
    if written(function).rpartition(".")[2] in _PASSING:
        for at, given in enumerate(node.args):
            if isinstance(given, ast.Attribute) and given.attr == "callRemote":
                return _Arguments(source, node, node.args[at + 1 :], node.keywords)
    return None


def _place(arguments: _Arguments) -> Place:
    return arguments.source.place(arguments.node)


def _message(arguments: _Arguments, name: str) -> Message:
    given = arguments.given[1:]
    return Message(
        name,
        _place(arguments),
        sum(not isinstance(each, ast.Starred) for each in given),
        frozenset(k.arg for k in arguments.named if k.arg is not None) - _KEPT,
        any(isinstance(each, ast.Starred) for each in given)
        or any(k.arg is None for k in arguments.named),
    )


def _texts(node: ast.expr) -> list[str]:
    """
    @return: what a string is, or may be.
    """
    text = constant(node)
    if text is not None:
        return [text]
    if isinstance(node, ast.IfExp):
        both = [_texts(node.body), _texts(node.orelse)]
        return [*both[0], *both[1]] if all(both) else []
    return []


def _assigned(function: Function, name: str) -> Iterator[ast.expr]:
    """
    @return: what is assigned to a variable; itself, if that is not an expression.
    """
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and written(node.targets[0]) == name:
            yield node.value
        elif isinstance(node, ast.Name) and node.id == name:
            if isinstance(node.ctx, ast.Store) and not _isTarget(function, node):
                yield node


def _isTarget(function: Function, name: ast.Name) -> bool:
    return any(
        isinstance(node, ast.Assign) and node.targets[0] is name
        for node in ast.walk(function)
    )


def _all(arguments: ast.arguments) -> list[ast.arg]:
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _substituted(
    arguments: _Arguments,
    function: Function,
    source: Source,
    call: ast.Call,
    bound: int,
) -> _Arguments:
    """
    @param arguments: those of a call in a function.
    @param call: a call of that function.
    @param bound: how many of its parameters that does not give.
    @return: the first ones, with those of the second in place of the parameters.
    """
    taken = function.args
    names = [a.arg for a in [*taken.posonlyargs, *taken.args]][bound:]
    known = {a.arg for a in _all(taken)}
    sure = list(takewhile(lambda each: not isinstance(each, ast.Starred), call.args))
    values = dict(zip(names, sure, strict=False))
    values.update((k.arg, k.value) for k in call.keywords if k.arg in known)
    # More than the function has parameters for, which its own * and ** take.
    more: list[ast.expr] = call.args[min(len(names), len(sure)) :]
    moreNamed = [k for k in call.keywords if k.arg not in known]

    def expand(given: ast.expr) -> list[ast.expr]:
        if isinstance(given, ast.Name) and given.id in values:
            return [values[given.id]]
        if isinstance(given, ast.Starred) and taken.vararg is not None:
            if written(given.value) == taken.vararg.arg:
                return more
        return [given]

    named: list[ast.keyword] = []
    for keyword in arguments.named:
        own = keyword.arg is None and taken.kwarg is not None
        if own and written(keyword.value) == getattr(taken.kwarg, "arg", None):
            named += moreNamed
        else:
            named.append(keyword)
    given = [each for old in arguments.given for each in expand(old)]
    return _Arguments(source, call, given, named)
