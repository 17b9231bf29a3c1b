"""
Observers that are compared or hashed.
"""

from __future__ import annotations

from collections.abc import Iterator

from pbext.audit._findings import Severity
from pbext.audit._model import ClassModel, Made, Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._facts import Fact, What
from pbext.audit.following._held import End, Kind, farEnds
from pbext.audit.following._observing import LEFT, Observed, observing

__all__ = ["compared"]

_THINGS = {End.STOCK: "an observer", End.REFERENCE: "a remote reference"}

_HOW = {
    "==": "compares {thing} by ==",
    "!=": "compares {thing} by !=",
    "<": "orders observers, which have no order",
    "in": "looks for {thing} with in",
    "remove": "takes {thing} out with remove",
    "index": "looks for {thing} with index",
    "count": "counts {thing}",
    "sorted": "sorts observers, which have no order",
    "min": "orders observers, which have no order",
    "max": "orders observers, which have no order",
    "sort": "sorts observers, which have no order",
    "hash": "takes the hash of {thing}",
    "add": "puts {thing} into a set",
    "update": "puts {thing} into a set",
    "set": "puts {thing} into a set",
    "frozenset": "puts {thing} into a set",
    "WeakSet": "puts {thing} into a set",
    "{...}": "puts {thing} into a set or a dict, as a key",
    "discard": "takes {thing} out of a set",
    "[...] =": "makes {thing} the key of a dict",
    "setdefault": "makes {thing} the key of a dict",
    "del": "deletes {thing} from a dict, where it is the key",
    "get": "looks for {thing} in a dict, where it is the key",
    "pop": "takes {thing} out of a dict, where it is the key",
    "[]": "looks for {thing} in a dict, where it is the key",
}

_UPSHOT = {
    What.COMPARED: "as soon as there are two connections, that raises TypeError",
    What.HASHED: "two of them collide when there are some dozens, and that raises "
    "TypeError",
}

_FIX = (
    "derive from pbext's Cacheable, which hands out observers that are equal to "
    "themselves alone, or keep these in a pbext.Observers"
)


def _compared(program: Program) -> Iterator[Hit]:
    seen = set()  # what is inherited is found in each class
    for watched in observing(program):
        for fact in watched.find(What.COMPARED, What.HASHED, What.MISSED, What.KEYED):
            hit = _hit(watched, fact)
            if hit is not None and hit.place not in seen:
                seen.add(hit.place)
                yield hit


def _hit(watched: Observed, fact: Fact) -> Hit | None:
    subject = fact.owner or fact.source.label
    if fact.what is What.KEYED:
        return Hit(
            fact.place,
            subject,
            f"{fact.where} keeps an observer under its perspective: two connections "
            "with one perspective, or with none, take each other's place",
            "keep one entry for each observer: pbext's Cacheable does, and "
            "observers.forPerspective(p) chooses",
            Severity.NOTE if watched.viewed else Severity.WARNING,
        )
    if fact.what is What.MISSED:
        if watched.end is not End.STOCK or fact.value.fresh != LEFT:
            return None
        return Hit(
            fact.place,
            subject,
            f"{fact.where} looks for an observer by identity: Twisted makes another "
            "object of it when it leaves, so that it is never found and never "
            "taken out",
            _FIX,
        )
    ends = {end.end for end in farEnds(fact.value)}
    if ends not in ({End.STOCK}, {End.REFERENCE}):
        return None
    thing = _THINGS[watched.end]
    doing = _HOW.get(fact.word, "compares {thing}").format(thing=thing)
    upshot = _UPSHOT[fact.what]
    if fact.what is What.HASHED:
        if watched.end is End.REFERENCE:
            upshot = (
                "references of two connections have the same hash and cannot be "
                "compared: that raises TypeError"
            )
        elif watched.cls is not None and isUnhashable(watched.cls):
            upshot = "the class is not hashable, so they are not: that raises TypeError"
    elif fact.value.kind is Kind.TUPLE and fact.value.parts[0].kind is not Kind.FAR:
        doing = doing.replace(thing, f"a tuple with {thing}")
        upshot = (
            "of two connections with one perspective, or with none, that raises "
            "TypeError"
        )
        return Hit(
            fact.place, subject, _sentence(fact, doing, upshot), _FIX, Severity.WARNING
        )
    fix = _FIX
    if watched.end is End.REFERENCE:
        fix = (
            "use pbext's factories, whose references compare and hash by what they "
            "refer to, or keep them in a dict under a key of your own"
        )
    return Hit(fact.place, subject, _sentence(fact, doing, upshot), fix)


def _sentence(fact: Fact, doing: str, upshot: str) -> str:
    return f"{fact.where} {doing}: {upshot}"


def isUnhashable(cls: ClassModel) -> bool:
    """
    @return: whether instances of a class are known to have no hash.
    """
    if "__hash__" in cls.methods or "__hash__" in cls.values:
        return cls.values.get("__hash__", 0) is None
    if cls.made is Made.DATACLASS and cls.node is not None and not cls.frozen:
        for decorator in cls.node.decorator_list:
            keywords = getattr(decorator, "keywords", ())
            given = {k.arg: getattr(k.value, "value", None) for k in keywords}
            name = getattr(decorator, "func", decorator)
            if getattr(name, "attr", getattr(name, "id", "")) == "dataclass":
                return given.get("eq", True) is True and not given.get("unsafe_hash")
    return "__eq__" in cls.methods


compared = Rule(
    id="PBX101",
    severity=Severity.ERROR,
    title="observers are compared or hashed",
    explanation="""\
An observer of Twisted's compares by value, and begins with "is this broker less
than that one?": two brokers have no order, so ``==`` raises ``TypeError`` for
observers of two connections, and so do ``in``, ``index`` and the guide's own
``self.observers.remove(observer)`` for all but the first of a list. The error ends
in the log; the observer that has left stays, and the next announcement stops at it.

Its hash is the sum of three small numbers, so in a set, or as a key of a dict,
observers meet in one slot when there are a few dozen, and are compared; they have no
hash at all if the Cacheable has none, as a dataclass. Nor do ``is`` and ``id()`` help:
``stoppedObserving`` is given another object than the other hook was. Under its
perspective, an observer takes the place of another one with the same perspective,
which for connections without a login is ``None``.

Remote references of two connections cannot be compared either. Observers and
references of pbext can, and are left alone here.
""",
    bad="""\
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective, observer):
        self.observers.remove(observer)
""",
    good="""\
from pbext import pb


class Pond(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        return {}

    def addDuck(self, duck):
        self.observers.callRemote("addDuck", duck)
""",
    fix=_FIX,
    find=_compared,
    sources=True,
)
