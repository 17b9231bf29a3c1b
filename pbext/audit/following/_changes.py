"""
Which attributes the methods of a class change, and which of them its state is made
of; as far as it is written down.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pbext.audit._model import ClassModel, Method

__all__ = ["changesOf", "statesOf", "takenFrom"]

#: Methods of containers that change them.
_CHANGING = frozenset(
    "append appendleft extend extendleft insert add update setdefault remove discard "
    "pop popleft popitem clear sort reverse".split()
)

#: Those of them that take something out.
_TAKING = frozenset("remove discard pop popleft popitem clear".split())

_STATES = ("getStateToCacheAndObserveFor", "getStateToCopyFor", "getStateToCopy")


def _firstArgument(method: Method) -> str:
    """
    @return: what a method calls its object; C{""} if it has none.
    """
    if method.node is None or "staticmethod" in " ".join(method.decorators):
        return ""
    arguments = [*method.node.args.posonlyargs, *method.node.args.args]
    return arguments[0].arg if arguments else ""


def _isOwn(node: ast.AST, me: str) -> bool:
    """
    @return: whether it is C{self.name}.
    """
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == me
    )


def changesOf(method: Method) -> Iterator[str]:
    """
    @return: the attributes that a method itself changes.
    """
    me = _firstArgument(method)
    if not me or method.node is None:
        return
    for node in ast.walk(method.node):
        if isinstance(node, (ast.Assign, ast.Delete)):
            targets = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _CHANGING
        ):
            targets = [node.func.value]
        else:
            continue
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                while isinstance(part, ast.Subscript):
                    part = part.value
                if _isOwn(part, me):
                    yield part.attr  # type: ignore[attr-defined]  # _isOwn


def takenFrom(method: Method, cls: str) -> Iterator[str]:
    """
    @param cls: the name of the class, by which it may be reached as well.
    @return: the attributes that a method takes something out of, or assigns.
    """
    me = _firstArgument(method)
    for node in ast.walk(method.node or ast.Pass()):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.Assign):
            targets = [t for t in node.targets if not _isItem(t)]
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub):
            targets = [node.target]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            targets = [node.func.value] if node.func.attr in _TAKING else []
        for target in targets:
            while isinstance(target, ast.Subscript):
                target = target.value
            if _isOwn(target, me) or _isOwn(target, cls):
                yield target.attr  # type: ignore[attr-defined]  # _isOwn


def _isItem(target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice)


def statesOf(cls: ClassModel) -> frozenset[str] | None:
    """
    @return: the attributes that the state of a class is made of; C{None} if it
        is not written out.
    """
    method = next((cls.methods[name] for name in _STATES if name in cls.methods), None)
    if method is None:
        if not cls.declares:
            return None
        return frozenset(field.name for field in cls.fields if not field.local)
    me = _firstArgument(method)
    if method.node is None or not me:
        return None
    found: set[str] = set()
    for node in ast.walk(method.node):
        if isinstance(node, ast.Attribute) and node.attr == "__dict__":
            return None
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("vars", "super", *_STATES):
                return None
            if name == "dict":
                found.update(_ownIn([k.value for k in node.keywords], me))
        elif isinstance(node, ast.Dict):
            found.update(_ownIn(node.values, me))
        elif isinstance(node, ast.Assign) and isinstance(
            node.targets[0], ast.Subscript
        ):
            found.update(_ownIn([node.value], me))
    return frozenset(found) or None


def _ownIn(nodes: list[ast.expr], me: str) -> Iterator[str]:
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and _isOwn(part, me):
                yield part.attr
