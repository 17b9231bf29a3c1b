"""
Programs, read from their sources.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._model import UNKNOWN, ClassModel, Computed, Made, Program, Reference
from pbext.audit.reading._sources import NoSuchTarget
from tests.audit.written import Written
from tests.processes import directory


class ReaderTests(SynchronousTestCase):
    def written(self, **files: str) -> Written:
        return Written(directory(self), **files)

    def read(self, **files: str) -> Program:
        return self.written(**files).read()

    def only(self, text: str) -> ClassModel:
        [cls] = self.read(pond=text).classes.values()
        return cls

    def test_flavors(self) -> None:
        """
        A class is what it derives from, however that is spelled.
        """
        for line, base in {
            "from twisted.spread import pb": "pb.Cacheable",
            "from twisted.spread import pb as P": "P.Cacheable",
            "import twisted.spread.pb": "twisted.spread.pb.Cacheable",
            "import twisted.spread.flavors as f": "f.Cacheable",
            "from twisted.spread.pb import Cacheable as C": "C",
            "from twisted.spread.flavors import *": "Cacheable",
            "from twisted.spread import pb; B = pb.Cacheable; A = B": "A",
            "try:\n    from twisted.spread import pb\nexcept ImportError:\n"
            "    pb = None": "pb.Cacheable",
            "from pbext import pb": "pb.Cacheable",
            "import pbext": "pbext.Cacheable",
        }.items():
            cls = self.only(f"{line}\nclass Pond({base}): pass")
            self.assertTrue(cls.isA("Cacheable"), line)
            self.assertTrue(cls.isA("Copyable"), line)
            self.assertFalse(cls.isA("RemoteCache"), line)
            self.assertTrue(cls.complete, line)
            self.assertEqual(cls.ours, "pbext" in line)

    def test_acrossModules(self) -> None:
        """
        So is one whose base stands in another module of the target, under
        another name, or behind an import of everything.
        """
        program = self.read(
            zoo__init="from zoo.base import *\nfrom .base import Pond as P\n",
            zoo__base="from twisted.spread import pb\nclass Pond(pb.Cacheable): pass\n",
            zoo__far="from .base import Pond\nclass Far(Pond): pass\n",
            use="import zoo\nclass Lake(zoo.Pond): pass\nclass Sea(zoo.P): pass\n",
            last="from use import Lake as L\nclass Ocean(L): pass\n",
        )
        self.assertEqual(
            {cls.name for cls in program if cls.isA("Cacheable")},
            {"zoo.base.Pond", "zoo.far.Far", "use.Lake", "use.Sea", "last.Ocean"},
        )
        self.assertEqual(
            program.classes["last.Ocean"].bases[:2], ("use.Lake", "zoo.base.Pond")
        )

    def test_otherDirectories(self) -> None:
        """
        Directories of scripts may have modules of the same names; each sees its
        own, and what the other alone has.
        """
        program = self.read(
            one__ponds="from twisted.spread import pb\nclass A(pb.Copyable): pass\n",
            two__ponds="from twisted.spread import pb\nclass B(pb.Copyable): pass\n",
            two__use="import ponds\nclass C(ponds.B): pass\n",
            two__more="from lakes import L\nclass D(L): pass\n",
            one__lakes="from twisted.spread import pb\nclass L(pb.Cacheable): pass\n",
        )
        self.assertTrue(program.classes["use.C"].isA("Copyable"))
        self.assertTrue(program.classes["more.D"].isA("Cacheable"))
        tags = {cls.tag for cls in program}
        self.assertEqual(tags, {"ponds.A", "ponds.B", "use.C", "more.D", "lakes.L"})

    def test_unknownBase(self) -> None:
        """
        What derives from something that cannot be followed is not complete.
        """
        for base in ("far.Away", "make()", "Base[int]"):
            cls = self.only(
                f"import far\nfrom twisted.spread import pb\n"
                f"class Pond({base}, pb.Copyable): pass"
            )
            self.assertFalse(cls.complete, base)
            self.assertTrue(cls.sends)

    def test_local(self) -> None:
        """
        Classes in classes and functions have the tags that Twisted gives them.
        """
        program = self.read(
            pond="""\
            from twisted.spread import pb
            class Pond:
                class Frog(pb.Copyable): pass
            def make():
                from twisted.spread.pb import Copyable as C
                class Toad(C): pass
                class Tad(Toad): pass
                return Toad
            """
        )
        self.assertEqual(
            {name: cls.tag for name, cls in program.classes.items()},
            {
                "pond.Pond.Frog": "pond.Frog",
                "pond.make.<locals>.Toad": "pond.Toad",
                "pond.make.<locals>.Tad": "pond.Tad",
            },
        )

    def test_tags(self) -> None:
        """
        pbext's classes say their tag; of stock's, a method does.
        """
        for line, body, tag in [
            ("from pbext import pb", "typeToCopy = 'a.B'", "a.B"),
            ("from pbext import pb", "typeToCopy = name()", None),
            ("from twisted.spread import pb", "typeToCopy = 'a.B'", "pond.Pond"),
            (
                "from twisted.spread import pb",
                "def getTypeToCopy(self):\n        'doc'\n        return b'a.B'",
                "a.B",
            ),
            (
                "from twisted.spread import pb",
                "def getTypeToCopy(self):\n        return self.tag",
                None,
            ),
        ]:
            cls = self.only(f"{line}\nclass Pond(pb.Copyable):\n    {body}\n")
            self.assertEqual(cls.tag, tag, body)

    def test_methods(self) -> None:
        """
        How many arguments a method takes, its object not counted.
        """
        cls = self.only(
            """\
            from twisted.internet import defer
            from twisted.spread import pb
            from far import deco
            class Pond(pb.RemoteCache):
                def observe_a(self, x, y=1, *, z, w=2): pass
                def observe_b(self, *args, **kw): pass
                @staticmethod
                def observe_c(x): pass
                @classmethod
                def observe_d(cls, x): pass
                @deco
                def observe_e(self): pass
                @defer.inlineCallbacks
                def observe_f(self, x): yield
                observe_g = observe_a
            """
        )
        arity = {m.name: (m.least, m.most) for m in cls.methods.values()}
        self.assertEqual(
            arity,
            {
                "observe_a": (1, 2),
                "observe_b": (0, None),
                "observe_c": (1, 1),
                "observe_d": (1, 1),
                "observe_e": (0, None),
                "observe_f": (1, 1),
                "observe_g": (1, 2),
            },
        )
        method = cls.methods["observe_a"]
        self.assertEqual(method.required, {"z"})
        self.assertEqual(method.keywords, {"x", "y", "z", "w"})
        self.assertTrue(method.takes(1, frozenset({"z"})))
        self.assertFalse(method.takes(1))
        self.assertFalse(method.takes(3, frozenset({"z"})))
        self.assertFalse(method.takes(1, frozenset({"z", "q"})))

    def test_inherited(self) -> None:
        """
        Methods and values are inherited, overridden, and one takes the place of
        the other.
        """
        program = self.read(
            pond="""\
            from twisted.spread import pb
            class A(pb.Copyable):
                colour = "green"
                limit = LIMIT
                stock = pb.Copyable.getStateToCopy
                @property
                def size(self): pass
                @size.setter
                def size(self, value): pass
                @property
                def depth(self): pass
                def one(self): self.x = self.y = 1
                def two(self): pass
            class B(A):
                two = None
                def colour(self): pass
                def __init__(self):
                    self.x, self.z = 1, 2
            """
        )
        b = program.classes["pond.B"]
        self.assertEqual({*b.methods}, {"one", "colour", "__init__"})
        self.assertEqual(b.methods["one"].owner, "pond.A")
        self.assertEqual(
            b.values,
            {
                "limit": UNKNOWN,
                "stock": Reference("twisted.spread.flavors.Copyable.getStateToCopy"),
                "size": Computed(settable=True),
                "depth": Computed(settable=False),
                "two": None,
            },
        )
        self.assertEqual({*b.assigned}, {"x", "y", "z"})
        self.assertIsNone(b.own("one"))
        self.assertIsNotNone(b.own("colour"))

    def test_fields(self) -> None:
        """
        What a class declares, in each of the ways to declare it.
        """
        for head, body, names, local in [
            ("", "a: int\n    b: str = ''\n    C: ClassVar[int]", "ab", ""),
            (
                "@dataclass",
                "a: int\n    b: list = field(default_factory=list)",
                "ab",
                "",
            ),
            (
                "@attr.s",
                "a = attr.ib()\n    b = attr.ib(default=1)\n    c = 3",
                "ab",
                "",
            ),
            ("@attrs.define", "a: int\n    b: int = attrs.field(default=1)", "ab", ""),
            ("", "copyFields = ('a', 'b')\n    c: int", "ab", ""),
            ("", "a: pb.LocalOnly[str]\n    _b: int\n    c: int", "c", "a_b"),
            ("", "localFields = ['a']\n    a: str\n    c: int", "c", "a"),
        ]:
            cls = self.only(
                "import attr, attrs\nfrom dataclasses import dataclass, field\n"
                "from typing import ClassVar\nfrom pbext import pb\n"
                f"{head}\nclass Pond(pb.Copyable, pb.RemoteCopy):\n    {body}\n"
            )
            travels = [f.name for f in cls.fields if not f.local]
            self.assertEqual("".join(travels), names, body)
            self.assertEqual("".join(f.name for f in cls.fields if f.local), local)
            self.assertTrue(cls.declares)
        self.assertFalse(
            self.only("from pbext import pb\nclass P(pb.Copyable): 0").declares
        )

    def test_made(self) -> None:
        """
        How a class is made, whether it is frozen, and its slots.
        """
        for head, body, made, frozen, slots in [
            ("@dataclass", "a: int", Made.DATACLASS, False, None),
            (
                "@dataclass(frozen=True, slots=True)",
                "a: int",
                Made.DATACLASS,
                True,
                "a",
            ),
            ("@attrs.frozen", "a: int", Made.ATTRS, True, "a"),
            ("@attr.s(slots=True)", "a = attr.ib()", Made.ATTRS, False, "a"),
            ("", "__slots__ = ['a']", Made.PLAIN, False, "a"),
            ("", "pass", Made.PLAIN, False, None),
        ]:
            cls = self.only(
                "import attr, attrs\nfrom dataclasses import dataclass\n"
                "from pbext import pb\n"
                f"{head}\nclass Pond(pb.RemoteCopy):\n    {body}\n"
            )
            found = None if cls.slots is None else "".join(cls.slots)
            self.assertEqual((cls.made, cls.frozen, found), (made, frozen, slots), head)

    def test_registrations(self) -> None:
        """
        Registrations, however they are written.
        """
        for text in [
            "pb.setUnjellyableForClass(A, B)",
            "pb.setUnjellyableForClass('pond.A', B)",
            "pb.setUnjellyableForClass(b'pond.A', unjellyable=B)",
            "from twisted.spread.jelly import setUnjellyableForClass as s\ns(A, B)",
            "for one, other in ((A, B),): pb.setUnjellyableForClass(one, other)",
            "PAIRS = [('pond.A', B)]\n"
            "for p, q in PAIRS: pb.setUnjellyableForClass(p, q)",
            "for p, q in {A: B}.items(): pb.setUnjellyableForClass(p, q)",
            "def reg(x, y): pb.setUnjellyableForClass(x, y)\nreg(A, y=B)",
            "pb.copyTags['pond.A'] = B",
            "from twisted.spread.jelly import unjellyableRegistry as r\n"
            "r[b'pond.A'] = B",
            "registry.setUnjellyableForClass(A, B)",
            "for x in [B]: registry.setUnjellyableForClass(A, x)",
        ]:
            program = self.read(
                pond=f"from twisted.spread import pb\nclass A(pb.Copyable): pass\n"
                f"class B(pb.RemoteCopy): pass\n{text}\n"
            )
            [entry] = program.registrations
            self.assertEqual((entry.tag, entry.target), ("pond.A", "pond.B"), text)
            self.assertEqual(entry.kind, "class")
            self.assertEqual(entry.shared, "registry." not in text)
            cls = program.classes["pond.A"]
            self.assertEqual(program.receivers(cls), [entry])
            self.assertEqual(program.senders(program.classes["pond.B"]), [cls])

    def test_decorators(self) -> None:
        """
        Decorators that register what they decorate.
        """
        for text in [
            "@registry.unjellyableFor('x.A')\nclass B(pb.RemoteCopy): pass",
            "def reg(cls):\n    pb.setUnjellyableForClass('x.A', cls)\n    return cls\n"
            "@reg\nclass B(pb.RemoteCopy): pass",
            "def reg(tag):\n    def wrap(cls):\n"
            "        pb.setUnjellyableForClass(tag, cls)\n        return cls\n"
            "    return wrap\n@reg('x.A')\nclass B(pb.RemoteCopy): pass",
            "class Base(pb.RemoteCopy):\n    def __init_subclass__(cls):\n"
            "        pb.setUnjellyableForClass('x.A', cls)\nclass B(Base): pass",
        ]:
            program = self.read(pond=f"from pbext import pb\n{text}\n")
            [entry] = program.registrations
            self.assertEqual((entry.tag, entry.target), ("x.A", "pond.B"), text)

    def test_kinds(self) -> None:
        """
        Factories, copiers and whole modules.
        """
        program = self.read(
            pond="""\
            from pbext import pb
            import lake
            class A(pb.Copyable): pass
            pb.setUnjellyableFactoryForClass(A, make)
            registry.registerCopier(int, "x.Y", to, make)
            pb.setUnjellyableForClassTree(lake, pb.RemoteCopy)
            pb.setUnjellyableForClass(name(), other())
            registry.setUnjellyableForClass(A, A, replace=True)
            """
        )
        kinds = [(r.kind, r.tag, r.sender) for r in program.registrations]
        self.assertEqual(
            kinds,
            [
                ("factory", "pond.A", "pond.A"),
                ("copier", "x.Y", "builtins.int"),
                ("tree", None, "pbext._copyable.RemoteCopy"),
                ("class", None, None),
                ("class", "pond.A", "pond.A"),
            ],
        )
        self.assertEqual(program.registrations[2].module, "lake")
        self.assertEqual(
            [r.replaces for r in program.registrations], [False] * 4 + [True]
        )

    def test_registeredStranger(self) -> None:
        """
        A class that is registered is of interest, whatever it derives from.
        """
        program = self.read(
            pond="from twisted.spread import pb\nclass B: pass\n"
            "class C: pass\npb.setUnjellyableForClass('x.A', B)\n"
        )
        self.assertEqual([*program.classes], ["pond.B"])

    def test_unread(self) -> None:
        """
        What cannot be read is named, with the reason, if it matters.
        """
        written = self.written(
            two="from twisted.spread import pb\nprint 'two'\n",
            three="from twisted.spread import pb\nclass P(pb.Copyable): pass\n",
            no="print 'that is nothing to us'\n",
        )
        (written.directory / "latin.py").write_bytes(b"# \xe9 twisted.spread\n")
        (written.directory / "null.py").write_bytes(b"# twisted.spread\n\0")
        program = written.read()
        self.assertEqual(program.count, 5)
        self.assertEqual([*program.classes], ["three.P"])
        self.assertEqual(
            sorted(Path(unread.path).name for unread in program.unread),
            ["latin.py", "null.py", "two.py"],
        )
        whys = {Path(unread.path).name: unread.why for unread in program.unread}
        self.assertIn("line 2", whys["two.py"])
        self.assertIn("encoding", whys["latin.py"])

    def test_targets(self) -> None:
        """
        A target is a path, a module or a package; importing nothing.
        """
        text = (
            "from twisted.spread import pb\nclass {}(pb.Copyable): 0\nraise SystemExit"
        )
        written = self.written(
            zoo__init="raise SystemExit",
            zoo__a=text.format("A"),
            zoo__sub__init=text.format("S"),
            b=text.format("B"),
        )
        for target, names in [
            ("zoo", {"zoo.a.A", "zoo.sub.S"}),
            ("zoo.a", {"zoo.a.A"}),
            ("zoo.sub", {"zoo.sub.S"}),
            ("b", {"b.B"}),
            (str(written.directory / "zoo" / "a.py"), {"zoo.a.A"}),
            (str(written.directory / "zoo" / "sub"), {"zoo.sub.S"}),
        ]:
            self.assertEqual({*written.read(target).classes}, names, target)

    def test_noSuchTarget(self) -> None:
        """
        One that cannot be found is said.
        """
        for target in ("no_such_zoo", "zoo..a", "no/such/file.py", "", "sys", "zoo.no"):
            written = self.written(zoo__init="")
            error = self.assertRaises(NoSuchTarget, written.read, target)
            self.assertIn(target, str(error))

    def test_skipped(self) -> None:
        """
        Environments and hidden directories are none of the program's.
        """
        text = "from twisted.spread import pb\nclass A(pb.Copyable): pass\n"
        written = self.written(env__lib__a=text, own=text)
        hidden = written.directory / ".hidden"
        hidden.mkdir()
        (hidden / "b.py").write_text(text)
        (written.directory / "env" / "pyvenv.cfg").write_text("")
        self.assertEqual([*written.read().classes], ["own.A"])

    def test_itself(self) -> None:
        """
        What refers to itself is given up, not followed for ever.
        """
        program = self.read(
            a="import b\nfrom twisted.spread import pb\nX = b.Y\n"
            "class C(X, pb.Copyable): 0",
            b="import a\nfrom a import Z\nY = a.X\nclass D(D): pass\n",
            c="from a import *\nfrom twisted.spread import pb\n"
            "def f():\n    q = q.r\n    class E(q, pb.Copyable): pass\n",
        )
        self.assertEqual({*program.classes}, {"a.C", "c.f.<locals>.E"})
        self.assertFalse(program.classes["a.C"].complete)
        program = self.read(
            a="from b import *\nfrom twisted.spread import pb\nclass C(No, pb.Root): 0",
            b="from a import *\nclass D(Nothing): pass\n",
        )
        self.assertEqual({*program.classes}, {"a.C"})

    def test_importedInside(self) -> None:
        """
        What a function imports is followed too, from its own package as well.
        """
        program = self.read(
            zoo__init="",
            zoo__base="from twisted.spread import pb\nclass Pond(pb.Cacheable): 0\n",
            zoo__use="def f():\n    from .base import Pond as P\n"
            "    class A(P): pass\n    from . import base\n"
            "    class B(base.Pond): pass\n",
        )
        self.assertTrue(program.classes["zoo.use.f.<locals>.A"].isA("Cacheable"))
        self.assertTrue(program.classes["zoo.use.f.<locals>.B"].isA("Cacheable"))
