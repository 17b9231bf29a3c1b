"""
Ponds as people write them on Twisted's classes: each keeps its observers and tells
them in one of the usual ways, and is wrong with more than one client.
"""

from __future__ import annotations

import attrs

__all__ = ["KEPT", "LEFT", "Way"]

_POND = """\
{imports}


class Pond({base}):
    def __init__(self, ducks):
        self.ducks = ducks
        {begins}

    def count(self):
        return len(self.{name})

    def getStateToCacheAndObserveFor(self, perspective, observer):
        {enters}
        return {{"ducks": list(self.ducks)}}

    def stoppedObserving(self, perspective, observer):
        {leaves}

    def addDuck(self, duck):
        self.ducks.append(duck)
        {tells}
{more}"""


@attrs.frozen(kw_only=True)
class Way:
    """
    A pond, as pieces of its source.
    """

    imports: str = "from twisted.spread import pb"
    base: str = "pb.Cacheable"
    name: str = "observers"
    begins: str = "self.observers = []"
    enters: str = "self.observers.append(observer)"
    leaves: str = "self.observers.remove(observer)"
    tells: str = """\
for o in self.observers:
    o.callRemote("addDuck", duck).addErrback(lambda failure: None)"""
    more: str = ""

    @property
    def text(self) -> str:
        """
        The source.
        """
        pieces = {
            piece: value.replace("\n", "\n        ")
            for piece, value in attrs.asdict(self).items()
        }
        pieces |= {"more": self.more, "imports": self.imports}
        return _POND.format(**pieces)


_WATCHING = Way(
    name="watching",
    begins="self.watching = []  # whom to tell",
    enters="self.watching.append(observer)",
    leaves="self.watching.remove(observer)",
    tells='for who in self.watching: who.callRemote("addDuck", duck)',
)

#: Those whose collection goes: the book takes its place.
KEPT: dict[str, Way] = {
    "classic": Way(),
    "named otherwise": _WATCHING,
    "imported as": Way(
        imports="from twisted.spread import pb as P", base="P.Cacheable"
    ),
    "imported whole": Way(
        imports="import twisted.spread.pb as perspective",
        base="perspective.Cacheable",
    ),
    "the class is imported": Way(
        imports="from twisted.spread.pb import Cacheable", base="Cacheable"
    ),
    "from flavors": Way(
        imports="from twisted.spread.flavors import Cacheable as Shown, Referenceable",
        base="Shown",
    ),
    "with jelly": Way(imports="from twisted.spread import jelly, pb"),
    "an alias of the class": Way(
        imports="from twisted.spread import pb\n\nShown = pb.Cacheable", base="Shown"
    ),
    "annotated": Way(begins="self.observers: list[object] = []"),
    "said in the class": Way(begins="pass", more="\n    observers = []\n"),
    "never left": Way(leaves="pass"),
    "no errback": Way(
        tells='for o in self.observers:\n    o.callRemote("addDuck", duck)'
    ),
    "a named errback": Way(
        tells="""\
for o in self.observers:
    # Who is gone need not be told.
    o.callRemote("addDuck", duck).addErrback(self.gone)""",
        more="""
    def gone(self, failure):
        failure.trap(pb.DeadReferenceError)
""",
    ),
    "a copy is walked": Way(
        tells='for o in self.observers[:]:\n    o.callRemote("addDuck", duck=duck)'
    ),
    "list() is walked": Way(
        tells='for o in list(self.observers):\n    o.callRemote("addDuck", duck)'
    ),
    "a comprehension": Way(
        tells='[o.callRemote("addDuck", duck) for o in self.observers]'
    ),
    "guarded": Way(
        enters="""\
if observer not in self.observers:
    self.observers.append(observer)""",
        leaves="""\
if observer in self.observers:
    self.observers.remove(observer)""",
    ),
    "errors are passed over": Way(
        leaves="""\
try:
    self.observers.remove(observer)
except ValueError:
    pass""",
        tells="""\
for o in self.observers:
    try:
        o.callRemote("addDuck", duck)
    except pb.DeadReferenceError:
        pass""",
    ),
    "rebuilt": Way(
        leaves="self.observers = [o for o in self.observers if o is not observer]"
    ),
    "a set": Way(
        begins="self.observers = set()",
        enters="self.observers.add(observer)",
        leaves="self.observers.discard(observer)",
    ),
    "keyed by the observer": Way(
        begins="self.observers = {}",
        enters="self.observers[observer] = perspective",
        leaves="del self.observers[observer]",
    ),
    "keyed by the observer, in pairs": Way(
        begins="self.observers = {}",
        enters="self.observers[observer] = perspective",
        leaves="self.observers.pop(observer, None)",
        tells="""\
for o, _ in self.observers.items():
    o.callRemote("addDuck", duck)""",
    ),
    "keyed by the perspective": Way(
        begins="self.observers = {}",
        enters="self.observers[perspective] = observer",
        leaves="del self.observers[perspective]",
        tells="""\
for o in self.observers.values():
    o.callRemote("addDuck", duck)""",
    ),
    "keyed by the perspective, in pairs": Way(
        begins="self.observers = {}",
        enters="self.observers[perspective] = observer",
        leaves="self.observers.pop(perspective)",
        tells="""\
for p, o in self.observers.items():
    d = o.callRemote("addDuck", duck)
    d.addErrback(lambda failure: None)""",
    ),
    "told by a method": Way(
        tells='self._announce("addDuck", duck)',
        more="""
    def _announce(self, name, *args, **kw):
        for observer in self.observers:
            observer.callRemote(
                name,
                *args,  # whatever it is
                **kw,
            ).addErrback(lambda _: None)
""",
    ),
    "more than telling": Way(
        tells="""\
for o in self.observers:
    told = o.callRemote("addDuck", duck)
    told.addErrback(self._gone, o)""",
        more="""
    def _gone(self, failure, observer):
        self.observers.remove(observer)
""",
    ),
    "the state without them": Way(
        enters="""\
self.observers.append(observer)
state = self.__dict__.copy()
del state["observers"]
return state""",
    ),
    "of all that it has, the state without them": Way(
        enters="""\
self.observers.append(observer)
state = pb.Cacheable.getStateToCopyFor(self, perspective).copy()
del state["observers"]
return state""",
    ),
    "when the first comes and the last leaves": Way(
        leaves="""\
self.observers.remove(observer)
if not self.observers:
    self.ducks = []""",
    ),
    "inherited": Way(
        base="Base",
        begins="Base.__init__(self)",
        imports="""\
from twisted.spread import pb


class Base(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def tell(self, name, *args):
        for observer in self.observers:
            observer.callRemote(name, *args)""",
        tells='self.tell("addDuck", duck)',
    ),
}

#: Those that go on to keep it, and are right with pbext's observers.
LEFT: dict[str, Way] = {
    "sorted out": Way(
        tells="""\
for number in range(len(self.observers)):
    self.observers[number].callRemote("addDuck", duck)"""
    ),
    "in pairs": Way(
        enters="self.observers.append((perspective, observer))",
        leaves="self.observers.remove((perspective, observer))",
        tells="""\
for perspective, o in self.observers:
    o.callRemote("addDuck", duck)""",
    ),
    "by methods": Way(
        enters="self.subscribe(observer)",
        leaves="self.unsubscribe(observer)",
        more="""
    def subscribe(self, observer):
        self.observers.append(observer)

    def unsubscribe(self, observer):
        self.observers.remove(observer)
""",
    ),
    "keyed by the observer, both used": Way(
        begins="self.observers = {}",
        enters="self.observers[observer] = perspective",
        leaves="del self.observers[observer]",
        tells="""\
for o, perspective in self.observers.items():
    if perspective is not self:
        o.callRemote("addDuck", duck)""",
    ),
    "taken out of all that it has": Way(
        enters="""\
state = self.getStateToCopyFor(perspective).copy(); del state["observers"]
self.subscribe(observer)
return state""",
        more="""
    def subscribe(self, observer):
        self.observers.append(observer)
""",
    ),
    "popped out of all that it has": Way(
        enters="""\
state = self.getStateToCopyFor(perspective).copy()
told = state.pop('observers')
self.subscribe(observer)
return state""",
        more="""
    def subscribe(self, observer):
        self.observers.append(observer)
""",
    ),
    "when the first comes": Way(
        enters="""\
if not self.observers:
    self.ducks = [*self.ducks]
self.observers.append(observer)""",
    ),
}
