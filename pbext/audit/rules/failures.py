"""
Errors of a peer's that are compared with what they cannot be.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import attrs

from pbext.audit._findings import Severity
from pbext.audit._model import Program
from pbext.audit._rules import Hit, Rule
from pbext.audit.following._errbacks import errbacks
from pbext.audit.following._factories import onlyOurs
from pbext.audit.reading._bodies import (
    FUNCTIONS,
    Function,
    constant,
    parameters,
    shallow,
    subjectOf,
    written,
)
from pbext.audit.reading._sources import Source

__all__: list[str] = []

#: What comes from this side, and has its class as C{type}.
_LOCAL = re.compile(
    r"twisted\.internet\.|twisted\.spread\.banana\.|pbext\."
    r"|twisted\.spread\.pb\.(?:PBConnectionLost|DeadReferenceError|ProtocolError)$"
)

#: What nothing on this side raises in a callback.
_REMOTE = re.compile(
    r"twisted\.spread\.jelly\.InsecureJelly$|twisted\.spread\.flavors\.NoSuchMethod$"
    r"|twisted\.cred\.error\."
)

#: What people call a failure, where it is not seen to be one.
_FAILURES = frozenset("err error f fail failure reason why".split())

#: The name of a class as a string, as a failure has it: C{"pond.errors.Full"}.
_NAMED = re.compile(r"(?:[A-Za-z_]\w*\.)+[A-Z]\w*")

_EQUAL = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)

#: What makes a text of a class.
_TEXTS = frozenset({"qual", "repr", "str"})


@attrs.frozen(eq=False)
class _Question:
    """
    A failure's type, or its value, is compared with something.

    @ivar node: where.
    @ivar word: what is compared, as it is written.
    @ivar others: with what.
    @ivar asText: whether the text of it is, C{str(failure.type)}.
    """

    node: ast.expr
    word: str
    others: list[ast.expr]
    asText: bool = False


def _questions(function: Function | ast.Lambda, name: str) -> Iterator[_Question]:
    """
    @param name: what the function calls the failure.
    """
    body = function.body if isinstance(function.body, list) else [function.body]
    types = {f"{name}.type"}
    for node in shallow(body):
        if isinstance(node, ast.Assign) and written(node.value) in types:
            types.update(map(written, node.targets))
        elif isinstance(node, ast.Compare):
            if len(node.ops) == 1 and isinstance(node.ops[0], _EQUAL):
                yield from _comparison(node, types)
        elif isinstance(node, ast.Call) and len(node.args) == 2:
            what = written(node.args[0])
            asked = written(node.func)
            if (asked == "issubclass" and what in types) or (
                asked == "isinstance" and what == f"{name}.value"
            ):
                yield _Question(node, what, _each(node.args[1]))


def _comparison(node: ast.Compare, types: set[str]) -> Iterator[_Question]:
    [right] = node.comparators
    for one, other in (node.left, right), (right, node.left):
        what = one
        if isinstance(one, ast.Call) and len(one.args) == 1 and _isText(one):
            what = one.args[0]
        elif isinstance(one, ast.Attribute) and one.attr == "__name__":
            what = one.value
        if written(what) in types:
            yield _Question(node, ast.unparse(one), _each(other), what is not one)
            return


def _each(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]


def _isText(call: ast.Call) -> bool:
    return written(call.func).rpartition(".")[2] in _TEXTS


class _Judge:
    """
    Knows what never equals the type of an error that comes from a peer.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        # The types of pbext's failures equal their names.
        self._readable = onlyOurs(program)
        texts = [source.text for source in program.sources]
        # Or errors may travel as what they are.
        self._open = any("DummySecurityOptions" in text for text in texts)
        self._allowing = [text for text in texts if "allowInstancesOf" in text]
        self._local = {*_raisedHere(program)}

    def judge(
        self, source: Source, asked: _Question, direct: bool | None
    ) -> Iterator[Hit]:
        """
        @param direct: whether only errors of a call get there; C{None} if it is
            not known whether any do.
        """
        found = {self._severity(source, asked, each, direct) for each in asked.others}
        severity = min(found, default=None, key=lambda s: s or 0)
        if severity is not None:
            yield Hit(
                source.place(asked.node),
                subjectOf(source, asked.node),
                f"{asked.word} of an error from a peer {_given(asked)} "
                f"{ast.unparse(_joined(asked.others))}",
                _fix(asked),
                severity,
            )

    def _severity(
        self, source: Source, asked: _Question, other: ast.expr, direct: bool | None
    ) -> Severity | None:
        text = constant(other)
        if isinstance(other, ast.Constant) and not isinstance(other.value, str):
            return None  # the bytes that it is
        if text is not None or (isinstance(other, ast.Call) and _isText(other)):
            if self._readable or (text is not None and not _NAMED.fullmatch(text)):
                return None
            if asked.asText:
                return self._sometimes(direct)
            # Nor does the type of an error of this side equal a text.
            return Severity.ERROR
        if asked.asText or not isinstance(other, (ast.Name, ast.Attribute)):
            return None
        name = source.resolve(other)
        if name is None or _LOCAL.match(name) or self._travels(name):
            return None
        if _REMOTE.match(name):
            return Severity.ERROR if direct is not None else Severity.WARNING
        return self._sometimes(direct)

    @staticmethod
    def _sometimes(direct: bool | None) -> Severity | None:
        if direct is None:
            return None
        return Severity.ERROR if direct else Severity.WARNING

    def _travels(self, name: str) -> bool:
        """
        @return: whether an error arrives as what it is, or need not travel.
        """
        cls = self._program.classes.get(name)
        last = name.rpartition(".")[2]
        return (
            self._open
            or (cls is not None and cls.receives)
            or last in self._local
            or any(last in text for text in self._allowing)
        )


def _raisedHere(program: Program) -> Iterator[str]:
    """
    @return: the names in a C{callRemote} of the program's own, which may fail
        before there is a peer.
    """
    for source in program.sources:
        if "def callRemote" in source.text:
            for node in ast.walk(source.tree):
                if isinstance(node, FUNCTIONS) and node.name == "callRemote":
                    for inner in ast.walk(node):
                        yield written(inner).rpartition(".")[2]


def _joined(nodes: list[ast.expr]) -> ast.expr:
    return nodes[0] if len(nodes) == 1 else ast.Tuple(nodes, ast.Load())


def _given(asked: _Question) -> str:
    if asked.word.endswith(".value"):
        return "is a string, and no instance of"
    if isinstance(asked.node, ast.Call):
        return "is bytes, the name of its class, and raises TypeError when asked for"
    return "is bytes, the name of its class, and never equals"


def _fix(asked: _Question) -> str:
    if asked.word.count(".") != 1 or asked.asText:
        return ""
    given = ", ".join(map(ast.unparse, asked.others))
    return f"ask {asked.word.partition('.')[0]}.check({given})"


def _compared(program: Program) -> Iterator[Hit]:
    judge = _Judge(program)
    found = list(errbacks(program))
    direct: dict[ast.AST, bool] = {}
    for errback in found:
        direct[errback.node] = direct.get(errback.node, True) and errback.direct
    for errback in {errback.node: errback for errback in found}.values():
        for asked in _questions(errback.node, errback.parameter):
            yield from judge.judge(errback.source, asked, direct[errback.node])
    for source in program.sources:
        if ".type" not in source.text:
            continue
        functions: list[Function] = [
            *source.of(ast.FunctionDef),
            *source.of(ast.AsyncFunctionDef),
        ]
        for node in functions:
            if node not in direct:
                for name in {*parameters(node)} & _FAILURES:
                    for asked in _questions(node, name):
                        yield from judge.judge(source, asked, None)


COMPARED = Rule(
    id="PBX216",
    severity=Severity.ERROR,
    title="an error of a peer's is compared with a class",
    explanation="""\
An error that is raised at the other end arrives as a ``CopiedFailure``.  It has the
name of the class and no class: on Python 3, ``failure.type`` is ``b"pond.Full"``, and
``failure.value`` is a string.  So ``failure.type == Full`` is false whatever
has happened, the branch is never taken, and ``issubclass(failure.type, Full)`` raises
``TypeError``.  A string, ``"pond.Full"``, is not equal to those bytes either; with
pbext's factories it is.

``failure.check(Full)`` goes by the name, and is right for errors of both ends.  Errors
that are Copyable do arrive as what they are.""",
    bad="""\
from twisted.spread import jelly, pb


class Sender:
    def send(self, root, duck):
        return root.callRemote("takeDuck", duck).addErrback(self.refused)

    def refused(self, failure):
        if failure.type == jelly.InsecureJelly:
            print("the pond does not know what a duck is")
""",
    good="""\
from twisted.spread import jelly, pb


class Sender:
    def send(self, root, duck):
        return root.callRemote("takeDuck", duck).addErrback(self.refused)

    def refused(self, failure):
        if failure.check(jelly.InsecureJelly):
            print("the pond does not know what a duck is")
""",
    fix="ask failure.check(...), with the class or with its name",
    find=_compared,
    sources=True,
)
