"""
Containers: each element is of a kind, and a container that needs no change
keeps its identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pbext._kinds import NATIVE, Kind, Mismatch, only, unlike

__all__ = ["fixed", "items", "mapping"]


def items(
    name: str, cls: Any, element: Kind, make: Callable[[Iterable[Any]], Any]
) -> Kind:
    """
    A list or a set of one kind of elements.  It keeps its identity if its
    elements do.
    """
    wire = cls if cls in (list, set, frozenset, tuple) else list
    mark = "[...]" if issubclass(cls, (set, frozenset)) else None
    batch = _batch(list[element.leaf]) if element.leaf is not None else None  # type: ignore[name-defined]  # mypy takes it for a type of its own
    floats = "float" in element.shown

    def read(value: Any) -> Any:
        if type(value) is not wire:
            raise unlike(name, value)
        if batch is not None and not floats and batch(value):
            return value if cls is wire else make(value)
        read, elements, same = element.read, [], True
        for index, item in enumerate(value):
            try:
                found = read(item)
            except Mismatch as error:
                step = mark or f"[{index}]"
                raise error.under(step) from None
            elements.append(found)
            same = same and found is item
        # A new one: what has arrived may stand in another field as well, where
        # other elements are declared, or be read once more.
        return value if same and cls is wire else make(elements)

    def holds(value: Any) -> bool:
        return isinstance(value, cls) and all(map(element.holds, value))

    def write(value: Any) -> Any:
        return wire(map(element.writes, value))

    travels = element.write is None and cls is wire
    return Kind(name, read, holds, None if travels else only(cls, write))


def _batch(annotation: Any) -> Callable[[Any], bool]:
    """
    @return: whether all of a container's leaves are right, asked at once.
    """
    import msgspec

    def right(value: Any) -> bool:
        try:
            msgspec.convert(value, annotation, builtin_types=NATIVE)
        except msgspec.ValidationError:
            return False
        return True

    return right


def mapping(
    name: str, cls: Any, key: Kind, value: Kind, make: Callable[[dict[Any, Any]], Any]
) -> Kind:
    """
    A dict, or what travels as one.
    """

    def read(found: Any) -> Any:
        if type(found) is not dict:
            raise unlike(name, found)
        items, same = {}, True
        for k, v in found.items():
            try:
                newKey = key.read(k)
            except Mismatch as error:
                raise error.under("{key}") from None
            try:
                newValue = value.read(v)
            except Mismatch as error:
                step = f".{k}" if isinstance(k, str) and k.isidentifier() else "[...]"
                raise error.under(step) from None
            items[newKey] = newValue
            same = same and newKey is k and newValue is v
        return found if same and cls is dict else make(items)

    def holds(found: Any) -> bool:
        return isinstance(found, cls) and all(
            key.holds(k) and value.holds(v) for k, v in found.items()
        )

    def write(found: Any) -> Any:
        return {key.writes(k): value.writes(v) for k, v in found.items()}

    travels = key.write is None and value.write is None and cls is dict
    return Kind(name, read, holds, None if travels else only(cls, write))


def fixed(
    name: str, elements: list[Kind], make: Callable[[list[Any]], Any], cls: Any
) -> Kind:
    """
    A tuple of a fixed length, or a named one.
    """

    def read(found: Any) -> Any:
        if type(found) is not tuple:
            raise unlike(name, found)
        if len(found) != len(elements):
            raise Mismatch(name, f"a tuple of {len(found)}")
        values = []
        for index, (kind, value) in enumerate(zip(elements, found, strict=True)):
            try:
                values.append(kind.read(value))
            except Mismatch as error:
                raise error.under(f"[{index}]") from None
        if cls is tuple and all(a is b for a, b in zip(values, found, strict=True)):
            return found
        try:
            return make(values)
        except Exception:  # of the class's own, which may be the user's
            raise Mismatch(name, "a tuple that is none") from None

    def holds(found: Any) -> bool:
        return (
            isinstance(found, cls)
            and len(found) == len(elements)
            and all(k.holds(v) for k, v in zip(elements, found, strict=True))
        )

    def write(found: Any) -> Any:
        return tuple(k.writes(v) for k, v in zip(elements, found, strict=True))

    travels = cls is tuple and all(kind.write is None for kind in elements)
    return Kind(name, read, holds, None if travels else only(cls, write))
