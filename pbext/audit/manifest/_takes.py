"""
What a method takes: as text, C{(duck, *, loud=...)}, and as calls that can succeed.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from inspect import Parameter, Signature
from typing import Any

import attrs

__all__ = [
    "Given",
    "callsOf",
    "parseTakes",
    "takes",
    "takesOf",
    "takesOfNode",
]

_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


@attrs.frozen(order=True)
class Given:
    """
    The arguments of a call.

    @ivar count: how many are given by position.
    @ivar names: which are given by name.
    """

    count: int
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{self.count} by position"] if self.count else []
        parts += [f"{name} by name" for name in self.names]
        return ", ".join(parts) or "no arguments"


def _textOf(signature: Signature) -> str:
    """
    @return: the parameters, and which have defaults, but not these.
    """
    shown = [
        p.replace(annotation=Parameter.empty, default=_shownDefault(p))
        for p in signature.parameters.values()
    ]
    return str(Signature(shown))


class _Some:
    def __repr__(self) -> str:
        return "..."


def _shownDefault(parameter: Parameter) -> Any:
    return parameter.empty if parameter.default is parameter.empty else _Some()


def takesOf(cls: type, name: str, skipped: int = 0) -> str | None:
    """
    @param skipped: how many arguments the broker gives by itself.
    @return: what a method of a class takes; C{None} if that cannot be known.
    """
    found = inspect.getattr_static(cls, name)
    bound = 0 if isinstance(found, staticmethod) else 1
    function = getattr(found, "__func__", found)
    try:
        return _without(inspect.signature(function), bound + skipped)
    except (TypeError, ValueError):
        return None


def takesOfNode(node: Any, skipped: int = 0) -> str | None:
    """
    @param node: the source of a function.
    @param skipped: of how many of its parameters the caller gives none.
    @return: what it takes; C{None} if that makes no sense.
    """
    return _without(_ofNode(node.args), skipped)


def _without(signature: Signature, count: int) -> str | None:
    parameters = list(signature.parameters.values())
    for _ in range(count):
        if parameters and parameters[0].kind in _BY_POSITION:
            del parameters[0]
        elif not parameters or parameters[0].kind is not Parameter.VAR_POSITIONAL:
            return None  # it cannot be called at all
    return _textOf(Signature(parameters))


def _ofNode(arguments: ast.arguments) -> Signature:
    positional = [*arguments.posonlyargs, *arguments.args]
    first = len(positional) - len(arguments.defaults)
    found = [
        Parameter(
            argument.arg,
            _BY_POSITION[at >= len(arguments.posonlyargs)],
            default=_Some() if at >= first else Parameter.empty,
        )
        for at, argument in enumerate(positional)
    ]
    if arguments.vararg is not None:
        found.append(Parameter(arguments.vararg.arg, Parameter.VAR_POSITIONAL))
    for argument, default in zip(
        arguments.kwonlyargs, arguments.kw_defaults, strict=True
    ):
        some = Parameter.empty if default is None else _Some()
        found.append(Parameter(argument.arg, Parameter.KEYWORD_ONLY, default=some))
    if arguments.kwarg is not None:
        found.append(Parameter(arguments.kwarg.arg, Parameter.VAR_KEYWORD))
    return Signature(found)


def parseTakes(text: str) -> Signature:
    """
    @return: what L{takesOf} has written.
    @raise ValueError: if it has not.
    """
    try:
        [function] = ast.parse(f"def f{text}: pass").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(text) from None
    if not isinstance(function, ast.FunctionDef):
        raise ValueError(text)
    return _ofNode(function.args)


def takes(signature: Signature, given: Given) -> bool:
    """
    @return: whether a call with these arguments can succeed.
    """
    try:
        signature.bind(*[None] * given.count, **dict.fromkeys(given.names))
    except TypeError:
        return False
    return True


#: More arguments than any method has parameters, and a name that none has.
_MANY = 255
_OTHER = "something else"


def callsOf(signature: Signature, names: Iterable[str] = ()) -> Iterator[Given]:
    """
    @param names: of the parameters of another one.
    @return: calls that can succeed; among them is one that the other does not take,
        if there is any: for it fails by too many arguments, by one that is missing,
        or by a single name.
    """
    parameters = signature.parameters.values()
    kinds = {parameter.kind for parameter in parameters}
    counts = [*range(len(_byPosition(signature)) + 1)]
    if Parameter.VAR_POSITIONAL in kinds:
        counts += [len(counts), _MANY]
    more = {p.name for p in parameters if p.kind in _BY_NAME}
    if Parameter.VAR_KEYWORD in kinds:
        more.update(names, (_OTHER,))
    for count in counts:
        needed = _needed(signature, count)
        for extra in ((), *((name,) for name in sorted(more - needed))):
            given = Given(count, tuple(sorted(needed.union(extra))))
            if takes(signature, given):
                yield given


def share(one: Signature, other: Signature) -> bool:
    """
    @return: whether there is a call that both take.
    """
    most = max(len(_byPosition(signature)) for signature in (one, other))
    for count in range(most + 1):
        names = _needed(one, count) | _needed(other, count)
        given = Given(count, tuple(names))
        if takes(one, given) and takes(other, given):
            return True
    return False


def _byPosition(signature: Signature) -> list[Parameter]:
    return [p for p in signature.parameters.values() if p.kind in _BY_POSITION]


def _needed(signature: Signature, count: int) -> frozenset[str]:
    """
    @return: what has to be given by name, if so many are given by position.
    """
    left = _byPosition(signature)[count:]
    left += [p for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    return frozenset(p.name for p in left if p.default is p.empty)
