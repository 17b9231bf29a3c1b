"""
Observers are found wherever a class keeps them, and whatever things are called.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator

import attrs

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._rules import allRules
from pbext.audit.following._facts import What
from pbext.audit.following._held import End, How
from pbext.audit.following._observing import Observing, observing
from tests.audit.written import Written
from tests.processes import directory


@attrs.frozen
class Holding:
    """
    A way to keep observers.

    @ivar made: the attribute, in the constructor.
    @ivar kept: what keeps one; C{o} is the observer and C{p} the perspective.
    @ivar dropped: what takes it out.
    @ivar how: how it is recognized.
    @ivar rules: what is found: of the first statement, and of the second.
    @ivar each: what gives all of them.
    """

    made: str
    kept: str
    dropped: str
    how: How
    rules: tuple[str, str] = ("", "")
    each: str = "self.x"


HOLDINGS = {
    "list": Holding(
        "[]", "self.x.append(o)", "self.x.remove(o)", How.LIST, ("", "101")
    ),
    "list_call": Holding(
        "list()",
        "self.x.insert(0, o)",
        "del self.x[self.x.index(o)]",
        How.LIST,
        ("", "101"),
    ),
    "list_added": Holding(
        "[]",
        "self.x += [o]",
        "self.x = [x for x in self.x if x != o]",
        How.LIST,
        ("", "101"),
    ),
    "list_joined": Holding(
        "[]",
        "self.x = self.x + [o]",
        "self.x = [x for x in self.x if not x == o]",
        How.LIST,
        ("", "101"),
    ),
    "list_extended": Holding(
        "[]",
        "self.x.extend([o])",
        "o in self.x and self.x.remove(o)",
        How.LIST,
        ("", "101"),
    ),
    "list_once": Holding(
        "[]",
        "o in self.x or self.x.append(o)",
        "self.x.remove(o)",
        How.LIST,
        ("101", "101"),
    ),
    "list_identity": Holding(
        "[]",
        "self.x.append(o)",
        "self.x = [x for x in self.x if x is not o]",
        How.LIST,
        ("", "101"),
    ),
    "list_filtered": Holding(
        "[]",
        "self.x.append(o)",
        "self.x = list(filter(lambda x: x != o, self.x))",
        How.LIST,
        ("", "101"),
    ),
    "list_told_apart": Holding(
        "[]",
        "self.x.append(o)",
        "self.x = [x for x in self.x if x.broker is not o.broker]",
        How.LIST,
    ),
    "deque": Holding(
        "deque()", "self.x.appendleft(o)", "self.x.remove(o)", How.LIST, ("", "101")
    ),
    "set": Holding(
        "set()", "self.x.add(o)", "self.x.discard(o)", How.SET, ("101", "101")
    ),
    "set_joined": Holding(
        "set()", "self.x |= {o}", "self.x -= {o}", How.SET, ("101", "101")
    ),
    "weak_set": Holding(
        "WeakSet()", "self.x.add(o)", "self.x.remove(o)", How.SET, ("101", "101")
    ),
    "by_observer": Holding(
        "{}", "self.x[o] = p", "del self.x[o]", How.BY_OBSERVER, ("101", "101")
    ),
    "by_observer_popped": Holding(
        "dict()",
        "self.x.setdefault(o, p)",
        "self.x.pop(o, None)",
        How.BY_OBSERVER,
        ("101", "101"),
    ),
    "weak_by_observer": Holding(
        "WeakKeyDictionary()",
        "self.x[o] = p",
        "del self.x[o]",
        How.BY_OBSERVER,
        ("101", "101"),
    ),
    "by_perspective": Holding(
        "{}",
        "self.x[p] = o",
        "del self.x[p]",
        How.BY_PERSPECTIVE,
        ("101", ""),
        "self.x.values()",
    ),
    "by_id": Holding(
        "{}",
        "self.x[id(o)] = o",
        "del self.x[id(o)]",
        How.BY_IDENTITY,
        ("", "101"),
        "self.x.values()",
    ),
    "by_broker": Holding(
        "{}",
        "self.x[id(o.broker), id(p)] = o",
        "del self.x[id(o.broker), id(p)]",
        How.MAP,
        ("", ""),
        "self.x.values()",
    ),
    "tuples": Holding(
        "[]",
        "self.x.append((p, o))",
        "self.x.remove((p, o))",
        How.TUPLES,
        ("", "101"),
        "[o for p, o in self.x]",
    ),
    "lists_by_topic": Holding(
        "{}",
        "self.x.setdefault('all', []).append(o)",
        "self.x['all'].remove(o)",
        How.MAP,
        ("", "101"),
        "self.x['all']",
    ),
    "default_lists": Holding(
        "defaultdict(list)",
        "self.x[p].append(o)",
        "self.x[p].remove(o)",
        How.MAP,
        ("", "101"),
        "[o for each in self.x.values() for o in each]",
    ),
    "single": Holding(
        "None",
        "self.x = o",
        "self.x = None if self.x == o else self.x",
        How.SINGLE,
        ("", "101"),
        "[self.x]",
    ),
    "book": Holding("Observers()", "self.x.add(o)", "self.x.discard(o)", How.BOOK),
    "other": Holding("Book()", "self.x.add(o)", "self.x.remove(o)", How.OTHER),
}

#: How a hook gets to the statement: directly, and by detours.
ROUTES = {
    "directly": "{0}",
    "by_a_method": "self.do{1}(p, o)",
    "by_keywords": "self.do{1}(o=o, p=p)",
    "by_two_methods": "self.more{1}(o, p)",
    "by_arguments": "self.all{1}(*(p, o))",
}

#: What the flavors are called.
IMPORTS = {
    "pb": ("from twisted.spread import pb", "pb.Cacheable"),
    "alias": ("from twisted.spread import pb as P", "P.Cacheable"),
    "flavors": ("from twisted.spread.flavors import Cacheable as C", "C"),
    "whole": ("import twisted.spread.pb", "twisted.spread.pb.Cacheable"),
}

NAMES = ("perspective", "observer"), ("who", "far")


def written(
    holding: Holding, route: str, imports: tuple[str, str], names: tuple[str, str]
) -> str:
    """
    @return: a program that keeps observers so; the lines on which something is to
        be found end in C{# 101}.
    """
    first, second = names
    statement, base = imports
    lines = [
        "from collections import defaultdict, deque",
        "from weakref import WeakKeyDictionary, WeakSet",
        "from pbext import Observers",
        "from books import Book",
        statement,
        f"class Pond({base}):",
        "    def __init__(self):",
        f"        self.x = {holding.made}",
    ]
    hooks = ("getStateToCacheAndObserveFor", "stoppedObserving")
    for at, code in enumerate((holding.kept, holding.dropped)):
        mark = f"  # {holding.rules[at]}" if holding.rules[at] else ""
        direct = route == "{0}"
        called = route.format(code, at)
        lines += [
            f"    def {hooks[at]}(self, {first}, {second}):",
            f"        p, o = {first}, {second}",
            f"        {called}{mark if direct else ''}",
            "        return {}",
        ]
        if not direct:
            lines += [
                f"    def do{at}(self, p, o):",
                f"        {code}{mark}",
                f"    def more{at}(self, o, p):",
                f"        self.do{at}(p, o)",
                f"    def all{at}(self, *args):",
                f"        self.do{at}(*args)",
            ]
    return "\n".join(lines) + "\n"


def marked(text: str, mark: str) -> list[int]:
    return [n for n, line in enumerate(text.splitlines(), 1) if f"# {mark}" in line]


class HoldingTests(SynchronousTestCase):
    """
    Each way to keep an observer, by each route, under each name.
    """

    def test_kept(self) -> None:
        """
        It is known how observers are held, and where they are compared.
        """
        styles = list(zip(IMPORTS.items(), itertools.cycle(NAMES), strict=False))
        combined = itertools.product(HOLDINGS.items(), ROUTES.items(), styles)
        texts = {
            f"{name}_{way}_{flavor}": (holding, written(holding, route, imports, names))
            for (name, holding), (way, route), ((flavor, imports), names) in combined
        }
        program = Written(
            directory(self), **{name: text for name, (_, text) in texts.items()}
        ).read()
        classes = observing(program).classes
        lines: dict[str, list[int]] = {name: [] for name in texts}
        for finding in allRules()["PBX101"](program):
            lines[finding.subject.partition(".")[0]].append(finding.place.line)
        for name, (holding, text) in texts.items():
            watched = classes[f"{name}.Pond"]
            self.assertEqual(watched.held, {"x": holding.how}, name)
            self.assertEqual(sorted({*lines[name]}), marked(text, "101"), name)

    def test_ours(self) -> None:
        """
        The hooks of pbext's Cacheable are given observers that may be compared and
        hashed; under a perspective, one still takes the other's place.
        """
        texts = {
            name: written(
                holding, "{0}", ("from pbext import pb", "pb.Cacheable"), NAMES[0]
            )
            for name, holding in HOLDINGS.items()
        }
        program = Written(directory(self), **texts).read()
        self.assertEqual(
            [f.subject for f in allRules()["PBX101"](program)], ["by_perspective.Pond"]
        )
        for watched in observing(program).classes.values():
            self.assertIs(watched.end, End.OURS)


#: Ways to call all of them, which C{EACH} gives; what is reported ends in C{# 102}.
LOOPS = {
    "for": """
        for o in EACH:
            o.callRemote("x")  # 102
        """,
    "renamed": """
        for somebody in EACH:
            far = somebody
            far.callRemote("x")  # 102
        """,
    "errback": """
        for o in EACH:
            o.callRemote("x").addErrback(lambda f: None)  # 102
        """,
    "errback_later": """
        for o in EACH:
            d = o.callRemote("x")  # 102
            d.addErrback(print)
        """,
    "slice": """
        for o in list(EACH)[:]:
            o.callRemote("x")  # 102
        """,
    "tuple": """
        for o in tuple(EACH):
            o.callRemote("x")  # 102
        """,
    "alias": """
        all = EACH
        for o in all:
            o.callRemote("x")  # 102
        """,
    "comprehension": """
        DeferredList([o.callRemote("x") for o in EACH])  # 102
        """,
    "chosen": """
        [o.callRemote("x") for o in EACH if o is not None]  # 102
        """,
    "generator": """
        gatherResults(o.callRemote("x") for o in EACH)  # 102
        """,
    "map": """
        list(map(lambda o: o.callRemote("x"), EACH))  # 102
        """,
    "enumerated": """
        for n, o in enumerate(EACH):
            o.callRemote("x", n)  # 102
        """,
    "reversed": """
        for o in reversed(list(EACH)):
            o.callRemote("x")  # 102
        """,
    "numbers": """
        all = list(EACH)
        for n in range(len(all)):
            all[n].callRemote("x")  # 102
        """,
    "condition": """
        if self.changed:
            for o in EACH:
                if o.perspective is not None:
                    o.callRemote("x")  # 102
        """,
    "bound": """
        for o in EACH:
            call = o.callRemote
            call("x")  # 102
        """,
    "remote_method": """
        for o in EACH:
            o.remoteMethod("x")()  # 102
        """,
    "getattr": """
        for o in EACH:
            getattr(o, "callRemote")("x")  # 102
        """,
    "method": """
        for o in EACH:
            self.tell(o)
        """,
    "own_function": """
        def each(o):
            o.callRemote("x")  # 102
        for o in EACH:
            each(o)
        """,
    "function": """
        for o in EACH:
            broadcast(o)
        """,
    "whole_function": """
        broadcastAll(EACH)
        """,
    "try_around": """
        try:
            for o in EACH:
                o.callRemote("x")  # 102
        except Exception:
            print()
        """,
    "try_narrow": """
        for o in EACH:
            try:
                o.callRemote("x")  # 102
            except pb.DeadReferenceError:
                pass
        """,
    "try_protocol": """
        for o in EACH:
            try:
                o.callRemote("x")  # 102
            except (pb.DeadReferenceError, ProtocolError):
                pass
        """,
    "try_leaves": """
        for o in EACH:
            try:
                o.callRemote("x")  # 102
            except Exception:
                return
        """,
    "try_raises": """
        for o in EACH:
            try:
                o.callRemote("x")  # 102
            except Exception:
                print()
                raise
        """,
    "try_else": """
        for o in EACH:
            try:
                print()
            except Exception:
                pass
            else:
                o.callRemote("x")  # 102
        """,
    "try_finally": """
        for o in EACH:
            try:
                o.callRemote("x")  # 102
            finally:
                print()
        """,
    "try_inside": """
        for o in EACH:
            try:
                o.callRemote("x")
            except Exception:
                print()
        """,
    "try_bare": """
        for o in EACH:
            try:
                o.callRemote("x").addErrback(print)
            except:
                continue
        """,
    "try_exact": """
        for o in EACH:
            try:
                o.callRemote("x")
            except (AttributeError, pb.ProtocolError):
                pass
        """,
    "try_twice": """
        for o in EACH:
            try:
                try:
                    o.callRemote("x")
                except ValueError:
                    pass
            except Exception:
                pass
        """,
    "try_unknown": """
        for o in EACH:
            try:
                o.callRemote("x")
            except self.errors:
                pass
        """,
    "suppress": """
        for o in EACH:
            with suppress(Exception):
                o.callRemote("x")
        """,
    "guarded_method": """
        for o in EACH:
            self.guarded(o)
        """,
    "method_guarded": """
        for o in EACH:
            try:
                self.also(o)
            except Exception:
                pass
        """,
    "maybe": """
        for o in EACH:
            maybeDeferred(o.callRemote, "x")
        """,
    "later": """
        for o in EACH:
            reactor.callLater(0, o.callRemote, "x")
        """,
    "asked": """
        for o in EACH:
            if not o.broker.disconnected:
                o.callRemote("x")
        """,
    "names": """
        for name in self.names:
            name.callRemote
        """,
}

_AROUND = """\
from collections import defaultdict, deque
from contextlib import suppress
from weakref import WeakKeyDictionary, WeakSet
from twisted.internet import reactor
from twisted.internet.defer import DeferredList, gatherResults, maybeDeferred
from twisted.spread import pb
from twisted.spread.pb import ProtocolError
from pbext import Observers
from pbext import pb as ours

def broadcast(o):
    o.callRemote("x")  # {function}

def broadcastAll(all):
    for o in all:
        o.callRemote("x")  # {whole_function}

class Pond({base}):
    def __init__(self):
        self.x = {made}

    def getStateToCacheAndObserveFor(self, p, o):
        {kept}

    def stoppedObserving(self, p, o):
        {dropped}

    def tell(self, o):
        o.callRemote("x")  # {method}

    def also(self, o):
        o.callRemote("x")

    def guarded(self, o):
        try:
            o.callRemote("x")
        except Exception:
            return

    def announce(self):
{loop}
"""


def broadcast(holding: Holding, name: str, base: str) -> str:
    """
    @return: a program that calls all observers.
    """
    reported = {"function": "", "whole_function": "", "method": ""}
    if name in reported:
        reported[name] = "102"
    return _AROUND.format(
        base=base,
        made=holding.made,
        kept=holding.kept,
        dropped=holding.dropped,
        loop=textwrap.indent(
            textwrap.dedent(LOOPS[name]).strip().replace("EACH", holding.each), " " * 8
        ),
        **reported,
    )


class LoopTests(SynchronousTestCase):
    """
    Each way to call all observers, wherever they are kept.
    """

    def lines(
        self, base: str, held: Iterable[str], loops: Iterable[str] = LOOPS
    ) -> Iterator[tuple[str, str, list[int]]]:
        """
        @return: the name of each program, its text, and the lines that are found.
        """
        texts = {
            f"{name}0{loop}": broadcast(HOLDINGS[name], loop, base)
            for name, loop in itertools.product(held, loops)
        }
        program = Written(directory(self), **texts).read()
        found: dict[str, list[int]] = {name: [] for name in texts}
        for finding in allRules()["PBX102"](program):
            found[finding.subject.partition(".")[0]].append(finding.place.line)
        for name, text in texts.items():
            yield name, text, sorted(found[name])

    def test_stock(self) -> None:
        """
        A loop that one observer can end is reported, and no other.
        """
        chosen = ["list", "by_observer", "by_perspective", "tuples", "lists_by_topic"]
        for name, text, lines in self.lines("pb.Cacheable", chosen):
            self.assertEqual(lines, marked(text, "102"), f"{name}\n{text}")

    def test_anyHolding(self) -> None:
        """
        However they are held, they are found.
        """
        held = [n for n, h in HOLDINGS.items() if h.how not in (How.BOOK, How.OTHER)]
        for name, text, lines in self.lines(
            "pb.Cacheable", held, ["for", "try_inside"]
        ):
            self.assertEqual(lines, marked(text, "102"), f"{name}\n{text}")

    def test_books(self) -> None:
        """
        The observers in a book of pbext's do not raise.
        """
        for name, _, lines in self.lines("pb.Cacheable", ["book"]):
            self.assertEqual(lines, [], name)

    def test_ours(self) -> None:
        """
        Nor do those that pbext's Cacheable hands out.
        """
        for name, _, lines in self.lines("ours.Cacheable", ["list", "set", "single"]):
            self.assertEqual(lines, [], name)

    def test_unknown(self) -> None:
        """
        What another object does with observers is not guessed.
        """
        for name, _, lines in self.lines("pb.Cacheable", ["other"]):
            self.assertEqual(lines, [], name)


class FollowingTests(SynchronousTestCase):
    """
    The ways that a function leads to another.
    """

    def observing(self, **files: str) -> Observing:
        return observing(Written(directory(self), **files).read())

    def test_above(self) -> None:
        """
        What a class above keeps is known below, by C{super()}, by name and where
        nothing is said.
        """
        found = self.observing(
            bases="""
            class Following:
                def getStateToCacheAndObserveFor(self, perspective, observer):
                    self.all.append(observer)
                    return super().getStateToCacheAndObserveFor(perspective, observer)
            """,
            ponds="""
            from twisted.spread import pb
            import bases
            from bases import Following as F

            class Silent(bases.Following, pb.Cacheable):
                pass

            class Super(bases.Following, pb.Cacheable):
                def getStateToCacheAndObserveFor(self, *args):
                    return super().getStateToCacheAndObserveFor(*args)

            class Named(pb.Cacheable):
                def getStateToCacheAndObserveFor(self, p, o):
                    bases.Following.getStateToCacheAndObserveFor(self, p, o)

            class Aliased(pb.Cacheable):
                getStateToCacheAndObserveFor = F.getStateToCacheAndObserveFor
            """,
        )
        self.assertEqual(
            {name: watched.held for name, watched in found.classes.items()},
            {
                f"ponds.{name}": {"all": How.LIST}
                for name in ("Silent", "Super", "Named", "Aliased")
            },
        )

    def test_elsewhere(self) -> None:
        """
        A function that takes an observer is followed into its own module.
        """
        found = self.observing(
            books="""
            from pbext import pb  # to be read

            def keep(pond, observer):
                pond.all.add(observer)

            def all(pond):
                return pond.all
            """,
            ponds="""
            from books import all, keep
            from twisted.spread import pb

            class Pond(pb.Cacheable):
                def __init__(self):
                    self.all = set()

                def getStateToCacheAndObserveFor(self, perspective, observer):
                    keep(self, observer)

                def announce(self):
                    for observer in all(self):
                        observer.callRemote("x")
            """,
        )
        watched = found.classes["ponds.Pond"]
        self.assertEqual(watched.held, {"all": How.SET})
        self.assertEqual(
            [(fact.function, fact.place.line) for fact in watched.find(What.HASHED)],
            [("keep", 5)],
        )
        self.assertEqual(
            [fact.where for fact in watched.find(What.CALLED)], ["Pond.announce"]
        )

    def test_references(self) -> None:
        """
        Arguments of remote methods are references where they are called as such.
        """
        found = self.observing(
            desk="""
            from twisted.spread import pb

            class Desk(pb.Root):
                def __init__(self):
                    self.people, self.names = [], []

                def remote_join(self, who, name):
                    self.people.append(who)
                    self.names.append(name)

                def remote_leave(self, who, name):
                    self.people.remove(who)
                    self.names.remove(name)

                def tell(self):
                    for who in self.people:
                        who.callRemote("x")
            """
        )
        [watched] = found.references
        self.assertIs(watched.end, End.REFERENCE)
        compared = [fact.value.place[0] for fact in watched.find(What.COMPARED)]
        self.assertEqual(compared, ["people"])

    def test_circles(self) -> None:
        """
        Functions that call each other, classes that derive from themselves, and
        expressions without end are given up, and what else there is is found.
        """
        deep = "o" + ".x(0)" * 250
        found = self.observing(
            ponds=f"""
            from twisted.spread import pb

            class Pond(pb.Cacheable):
                all = []

                def getStateToCacheAndObserveFor(self, perspective, observer):
                    self.one(observer, [])

                def one(self, o, more):
                    self.two(o, [more])

                def two(self, o, more):
                    self.all.append(o)
                    self.one(o, [more])

                def deep(self, o):
                    {deep}

                def stoppedObserving(self, perspective, observer):
                    self.all.remove(observer)

            class Lake(Lake, pb.Cacheable):
                def getStateToCacheAndObserveFor(self, perspective, observer):
                    super().getStateToCacheAndObserveFor(perspective, observer)
            """
        )
        watched = found.classes["ponds.Pond"]
        self.assertEqual(watched.held, {"all": How.LIST})
        self.assertEqual(len(list(watched.find(What.COMPARED))), 1)

    def test_whatever(self) -> None:
        """
        No statement of Python's is too much.
        """
        found = self.observing(
            ponds="""
            from twisted.spread import pb

            class Pond(pb.Cacheable):
                def getStateToCacheAndObserveFor(self, p, observer, /, *a, **k):
                    global x
                    try:
                        match observer:
                            case pb.Root(x=1) | [_, *_] if self:
                                pass
                            case {"a": b, **c}:
                                del b, c[0], self.gone
                    finally:
                        assert observer
                    with open(observer) as f, self.lock:
                        (y := lambda *a, b=observer, **k: b)
                    while observer:
                        break
                    else:
                        x = f"{observer!r:>{self}}"
                    async def inner(a, /, b=1, *, c: int = 2):
                        async with a as (b, *c):
                            async for self.x[b] in c:
                                await b
                        return [i async for i in a]
                    class Inner(Pond, metaclass=type):
                        pass
                    self.all: list = [*a, observer]
                    self.all[0], (y, *z) = self.all[1:], {**k}
                    self.all[0:1] = self.all
                    self.all[0] += 1
                    return {**k, "a": not -1, "b": 1 if x else 2, "c": (yield from a)}
            """
        )
        self.assertIn("all", found.classes["ponds.Pond"].held)
