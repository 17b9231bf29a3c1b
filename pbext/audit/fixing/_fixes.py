"""
Edits, carried out by libcst, which keeps what it does not change as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pbext.audit.fixing._edits import Announce, Drop, Edit, Import, Put
from pbext.audit.fixing._rewritten import CannotRewrite
from pbext.audit.reading._names import NeedsExtra

try:
    import libcst as cst
    from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
except ImportError:
    raise NeedsExtra from None

__all__ = ["rewrite"]

#: A line that has form feeds, which libcst loses, and nothing else.
_FEEDS = re.compile(r"^[ \t]*\x0c[ \t\x0c]*(?=\r?\n|\Z)", re.MULTILINE)
#: What stands for one of them meanwhile, which libcst keeps.
_FEED = "#\ue000%d\ue000"

_Span = tuple[int, int, int, int]
_Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement


def rewrite(text: str, edits: Iterable[Edit]) -> str:
    """
    @param text: a file, with its own ends of lines.
    @param edits: none inside of another.
    @return: the file with all of them made.
    @raise CannotRewrite: if libcst cannot read it, or would not keep it.
    """
    feeds: list[str] = []

    def mask(found: re.Match[str]) -> str:
        feeds.append(found[0])
        return _FEED % (len(feeds) - 1)

    masked = _FEEDS.sub(mask, text)
    try:
        module = cst.parse_module(masked)
        kept = module.code == masked
        wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
        code = wrapper.visit(_Rewriting(wrapper, edits)).code if kept else ""
    except cst.ParserSyntaxError as error:
        raise CannotRewrite(f"line {error.raw_line}: libcst cannot read it") from None
    except RecursionError:
        raise CannotRewrite("it is nested too deeply") from None
    if not kept:
        raise CannotRewrite("libcst would not keep all of it as it is")
    for number, feed in enumerate(feeds):
        code = code.replace(_FEED % number, feed)
    return code


def _span(found: CodeRange) -> _Span:
    start, end = found.start, found.end
    return start.line, start.column, end.line, end.column


class _Rewriting(cst.CSTTransformer):
    """
    Nodes are found again by where they stand: expressions by where they begin
    and end, statements by where they begin.
    """

    def __init__(self, wrapper: MetadataWrapper, edits: Iterable[Edit]) -> None:
        super().__init__()
        self._positions = wrapper.resolve(PositionProvider)
        self._puts: dict[_Span, Put] = {}
        self._statements: dict[tuple[int, int], Edit] = {}
        for edit in edits:
            place = edit.place
            start = place.line, place.column
            if isinstance(edit, Put):
                self._puts[(*start, place.endLine, place.endColumn)] = edit
            else:
                self._statements[start] = edit
        self._calls = {
            _span(found): node
            for node, found in self._positions.items()
            if isinstance(node, cst.Call)
        }

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        updated: Any = super().on_leave(original_node, updated_node)
        if not self._puts or not isinstance(original_node, cst.BaseExpression):
            return updated
        edit = self._puts.get(_span(self._positions[original_node]))
        if edit is None:
            return updated
        made: Any = cst.parse_expression(edit.code)
        return made.with_changes(
            lpar=[*updated.lpar, *made.lpar], rpar=[*made.rpar, *updated.rpar]
        )

    def leave_Module(
        self, original_node: cst.Module, updated_node: cst.Module
    ) -> cst.Module:
        body, left = self._settled(original_node.body, updated_node.body)
        return updated_node.with_changes(
            body=body, footer=[*left, *updated_node.footer]
        )

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.BaseSuite:
        body, left = self._settled(original_node.body, updated_node.body)
        if not body:
            body = [cst.SimpleStatementLine([cst.Pass()], leading_lines=left)]
            left = []
        return updated_node.with_changes(
            body=body, footer=[*left, *updated_node.footer]
        )

    def leave_SimpleStatementSuite(
        self,
        original_node: cst.SimpleStatementSuite,
        updated_node: cst.SimpleStatementSuite,
    ) -> cst.BaseSuite:
        body = self._small(original_node.body, updated_node.body)
        return updated_node.with_changes(body=body or [cst.Pass()])

    def _edit(self, node: cst.CSTNode) -> Edit | None:
        line, column, _, _ = _span(self._positions[node])
        return self._statements.get((line, column))

    def _settled(
        self, before: Sequence[Any], after: Sequence[Any]
    ) -> tuple[list[_Statement], list[cst.EmptyLine]]:
        """
        @return: the statements of a block, and what has to follow the last one.
        """
        kept: list[Any] = []
        waiting: list[cst.EmptyLine] = []
        for old, new in zip(before, after, strict=True):
            made = self._statement(old, new)
            if made is None:
                waiting += _above(old)
                continue
            first, *more = made
            if not kept and old is not before[0] and not waiting:
                # It was not meant to begin with a gap.
                waiting = _withoutGap(first.leading_lines)
                first = first.with_changes(leading_lines=[])
            lines = [*waiting, *first.leading_lines]
            kept += [first.with_changes(leading_lines=lines), *more]
            waiting = []
        return kept, waiting

    def _statement(self, old: Any, new: Any) -> list[Any] | None:
        """
        @return: what becomes of one statement, or of a line of them; C{None} if
            nothing does.
        """
        if not isinstance(old, cst.SimpleStatementLine):
            edit = self._edit(old)
            if isinstance(edit, Announce):
                return [self._announced(edit, old, new)]
            return None if isinstance(edit, Drop) else [new]
        edit = self._edit(old.body[0])
        if isinstance(edit, Import):
            return _imported(edit, new)
        body = self._small(old.body, new.body)
        return [new.with_changes(body=body)] if body else None

    def _small(self, before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
        body: list[Any] = []
        for old, new in zip(before, after, strict=True):
            edit = self._edit(old)
            put = self._puts.get(_span(self._positions[old]))
            if isinstance(edit, Announce):
                body.append(new.with_changes(value=self._call(edit)))
            elif put is not None and not isinstance(old, cst.Expr):
                expression = cst.parse_expression(put.code)
                body.append(cst.Expr(expression, semicolon=new.semicolon))
            elif not isinstance(edit, Drop):
                body.append(new)
        if body and len(body) < len(before):
            body[-1] = body[-1].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
        return body

    def _call(self, edit: Announce) -> cst.Call:
        place = edit.call
        span = place.line, place.column, place.endLine, place.endColumn
        return self._calls[span].with_changes(func=cst.parse_expression(edit.callee))

    def _announced(self, edit: Announce, old: Any, new: Any) -> cst.SimpleStatementLine:
        """
        @return: the call that a compound statement becomes, with the comments
            that stood in there.
        """
        call = self._call(edit)
        own = _within(call, cst.Comment)
        trailing = cst.TrailingWhitespace()
        for found in _within(old.body, cst.TrailingWhitespace):
            if found.comment is not None and found.comment not in own:
                trailing = found
        above = [
            cst.EmptyLine(comment=comment)
            for comment in _within(old.with_changes(leading_lines=[]), cst.Comment)
            if comment is not trailing.comment and comment not in own
        ]
        return cst.SimpleStatementLine(
            body=[cst.Expr(call)],
            leading_lines=[*new.leading_lines, *above],
            trailing_whitespace=trailing,
        )


def _within(node: cst.CSTNode, kind: type[Any]) -> list[Any]:
    """
    @return: the nodes of a kind in another, in their order.
    """
    found = [node] if isinstance(node, kind) else []
    return found + [inner for child in node.children for inner in _within(child, kind)]


def _above(old: Any) -> list[cst.EmptyLine]:
    """
    @return: of the lines above a statement that goes, those that stay.
    """
    lines: list[cst.EmptyLine] = [*old.leading_lines]
    if isinstance(old, cst.FunctionDef):  # what stands right above it, is about it
        while lines and (comment := lines[-1].comment) is not None:
            if comment.value.startswith(_FEED[:2]):
                break
            lines.pop()
    return lines if any(line.comment is not None for line in lines) else []


def _withoutGap(lines: Sequence[cst.EmptyLine]) -> list[cst.EmptyLine]:
    kept = [*lines]
    while kept and kept[0].comment is None:
        kept.pop(0)
    return kept


def _imported(edit: Import, line: cst.SimpleStatementLine) -> list[Any]:
    """
    @return: the lines that an import becomes.
    """
    statement: Any = line.body[0]
    module: Any = cst.parse_expression(edit.module)
    if isinstance(statement, cst.Import):
        names = [
            name.with_changes(name=module)
            if name.evaluated_name in edit.names
            else name
            for name in statement.names
        ]
        made = statement.with_changes(names=names)
        return [line.with_changes(body=[made, *line.body[1:]])]
    moved = [n for n in statement.names if n.evaluated_name in edit.names]
    stay = [n for n in statement.names if n.evaluated_name not in edit.names]
    if not stay:
        made = statement.with_changes(module=module)
        return [line.with_changes(body=[made, *line.body[1:]])]
    stay[-1] = stay[-1].with_changes(comma=statement.names[-1].comma)
    moved = [n.with_changes(comma=cst.MaybeSentinel.DEFAULT) for n in moved]
    return [
        line.with_changes(body=[statement.with_changes(names=stay)]),
        cst.SimpleStatementLine([cst.ImportFrom(module=module, names=moved)]),
    ]
