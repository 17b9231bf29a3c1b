"""
What a peer may call, and how a call becomes one of a method.

The flavors here are stock's, but for one method of each: it lets nothing of
the arguments into a log (stock's prints them if the method does not take
them), and says so to the caller where the mistake is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from types import MethodType
from typing import Any

from twisted.spread import flavors, pb

from pbext.errors import BadArguments, BadMessage, UnknownMethod
from pbext.wire._parts import inLists, takesBytes

__all__ = ["Avatar", "Referenceable", "Root", "ViewPoint", "receiver"]


def _receive(
    broker: Any,
    perspective: Any,
    found: Any,
    method: str,
    first: tuple[Any, ...],
    args: Any,
    kw: Any,
    answerAs: Any,
) -> Any:
    """
    Call one method of an object for the peer.

    @param perspective: who reads the arguments.
    @param found: whose method it is.
    @param first: what the method is called with before the arguments.
    @param answerAs: who the answer is written for.
    @return: the jelly of what it returns, or a Deferred of that.
    @raise UnknownMethod: if there is no such method.
    @raise BadArguments: if it does not take these arguments.
    @raise BadMessage: if they are not even a sequence and a dict.
    """
    args = broker.unserialize(args, perspective)
    kw = broker.unserialize(kw, perspective)
    if not (isinstance(args, (tuple, list)) and isinstance(kw, dict)):
        raise BadMessage(why="what it calls a method with are no arguments")
    for key in kw:
        if isinstance(key, bytes):  # from a Python 2 peer
            kw = {_text(name): value for name, value in kw.items()}
            break
    called = getattr(found, method, None)
    if called is None:
        raise UnknownMethod(method=method)
    try:
        result = called(*first, *args, **kw)
    except TypeError as error:
        inside = error.__traceback__ and error.__traceback__.tb_next
        if inside is not None:
            raise  # from the method, which has begun
        raise BadArguments(
            method=method,
            takes=_parameters(called, len(first)),
            positional=len(args),
            keywords=len(kw),
        ) from None
    pack = getattr(broker, "pack", broker.serialize)  # Twisted's has but that
    return pack(result, answerAs, called, args, kw)


def _text(name: Any) -> Any:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def _parameters(called: Callable[..., Any], skipped: int) -> str:
    try:
        parameters = list(signature(called).parameters)
    except (TypeError, ValueError):
        return "other arguments"
    return f"({', '.join(parameters[skipped:])})"


class Referenceable(flavors.Referenceable):
    """
    An object whose C{remote_} methods the peer may call, plain ones or
    C{async def}.
    """

    @takesBytes
    def remoteMessageReceived(
        self, broker: Any, message: str | bytes, args: Any, kw: Any
    ) -> Any:
        """
        Call C{remote_<message>}.

        @raise UnknownMethod: if there is none.
        @raise BadArguments: if it does not take these arguments.
        """
        name = f"remote_{_text(message)}"
        return _receive(broker, None, self, name, (), args, kw, self.perspective)


class Root(Referenceable, flavors.Root):
    """
    The object that a factory serves.
    """


class ViewPoint(Referenceable, flavors.ViewPoint):
    """
    An object as one perspective may call it, by its C{view_} methods.
    """

    @takesBytes
    def remoteMessageReceived(
        self, broker: Any, message: str | bytes, args: Any, kw: Any
    ) -> Any:
        """
        Call C{view_<message>(perspective, ...)} of the object.

        @raise UnknownMethod: if there is none.
        @raise BadArguments: if it does not take these arguments.
        """
        who, name = self.perspective, f"view_{_text(message)}"
        return _receive(broker, who, self.object, name, (who,), args, kw, who)


class Avatar(pb.Avatar):
    """
    What a realm gives to who has logged in, who may call its C{perspective_}
    methods.
    """

    @takesBytes
    def perspectiveMessageReceived(
        self, broker: Any, message: str | bytes, args: Any, kw: Any
    ) -> Any:
        """
        Call C{perspective_<message>}.

        @raise UnknownMethod: if there is none.
        @raise BadArguments: if it does not take these arguments.
        """
        name = f"perspective_{_text(message)}"
        return _receive(broker, self, self, name, (), args, kw, self)


@takesBytes
def _observe(self: Any, broker: Any, message: str | bytes, args: Any, kw: Any) -> Any:
    """
    For a cache of stock's, which has no better way to say that it failed.
    """
    name = f"observe_{_text(message)}"
    return _receive(broker, None, self, name, (), args, kw, None)


#: What takes the place of stock's methods, where nobody has overridden them.
_STAND_INS: Mapping[Any, Callable[..., Any]] = {
    flavors.Referenceable.remoteMessageReceived: Referenceable.remoteMessageReceived,
    flavors.ViewPoint.remoteMessageReceived: ViewPoint.remoteMessageReceived,
    flavors.RemoteCache.remoteMessageReceived: _observe,
    pb.Avatar.perspectiveMessageReceived: Avatar.perspectiveMessageReceived,
}


def receiver(target: Any) -> Callable[..., Any]:
    """
    @return: what to call with a broker, a message and its arguments for an
        object that a peer calls, of our flavors or of stock's.
    """
    receive: Callable[..., Any] = target.remoteMessageReceived
    standIn = _STAND_INS.get(getattr(receive, "__func__", None))
    if standIn is not None:
        # AsReferenceable's is a method of another object, the avatar.
        return MethodType(standIn, receive.__self__)  # type: ignore[attr-defined]  # of a method
    return inLists(receive)
