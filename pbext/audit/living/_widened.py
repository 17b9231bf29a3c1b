"""
What a process has opened for every port.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from typing import Any

from twisted.python.reflect import qual
from twisted.spread import banana, jelly, pb

__all__ = ["widened"]

#: Twisted's own values: the bytes of a string, and the items of a list, that may
#: arrive (C{twisted.spread.banana}); the objects that one connection may hold
#: (C{twisted.spread.pb}).
_LIMITS = ((banana, "SIZE_LIMIT", 640 * 1024), (pb, "MAX_BROKER_REFS", 1024))


def widened() -> tuple[str, ...]:
    """
    @return: see L{Program.widened<pbext.audit._model.Program>}.
    """
    # What brokers and factories use that are given nothing else; it was bound
    # when Twisted was imported.
    security: Any = signature(pb.Broker).parameters["security"].default
    return (*_replaced(security), *_allowed(security), *_changed())


def _replaced(security: Any) -> Iterator[str]:
    for module in jelly, pb:
        if module.globalSecurity is not security:
            kind = qual(type(module.globalSecurity))
            yield f"{module.__name__}.globalSecurity was replaced, by a {kind}"
    for name in ("isTypeAllowed", "isClassAllowed", "isModuleAllowed"):
        function = getattr(getattr(security, name), "__func__", None)
        if getattr(function, "__module__", "") != jelly.__name__:
            yield f"globalSecurity.{name} was replaced"


def _allowed(security: Any) -> Iterator[str]:
    pristine = jelly.SecurityOptions()
    pristine.allowBasicTypes()
    if security.allowedClasses:  # which allows more than these
        pristine.allowInstancesOf(*security.allowedClasses)
    for cls in security.allowedClasses:
        yield f"globalSecurity allows instances of {qual(cls)}"
    for module in security.allowedModules:
        if module not in pristine.allowedModules:
            yield f"globalSecurity allows the module {_text(module)}"
    registered: Any = {*jelly.unjellyableRegistry, *jelly.unjellyableFactoryRegistry}
    for word in security.allowedTypes:
        if (
            isinstance(word, bytes)  # no other is ever asked for
            and word not in pristine.allowedTypes
            and word not in registered
            # What jelly has no word of its own for is a class, and was registered.
            and hasattr(jelly._Unjellier, f"_unjelly_{_text(word)}")
        ):
            yield f"globalSecurity allows what is sent as {_text(word)}"


def _changed() -> Iterator[str]:
    for module, name, usual in _LIMITS:
        value = getattr(module, name, None)
        if value != usual:
            shown = value if type(value) in (int, float) else f"a {qual(type(value))}"
            yield f"{module.__name__}.{name} is {shown} and not {usual}"


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
