"""
Parts of messages, each of which is read in a way of its own.
"""

from __future__ import annotations

from typing import Any

__all__ = ["PARTS"]

#: What is read by classes and functions, in all of their ways.
_TAGS = b"Copy Strict StockCopy Reader Plain twice later lake nothing".split()

#: What is hashed when what it is in is known.
_KEY: Any = [b"tuple", [b"dereference", 1]]

#: An object whose class declares something else.
_WRONG: Any = [b"tests.fuzz.Strict", [b"dictionary", [b"number", b"x"]]]

#: Cycles, most of which cannot be, and the readers that there are.
PARTS: list[Any] = [
    [b"reference", 1, [b"list", [b"dereference", 1]]],
    [b"reference", 1, [b"tuple", [b"dereference", 1]]],
    [b"reference", 1, [b"tuple", [b"list", [b"dereference", 1]]]],
    [b"reference", 1, [b"tuple", [b"reference", 2, [b"tuple", [b"dereference", 1]]]]],
    [
        b"reference",
        1,
        [
            b"list",
            [b"reference", 2, [b"tuple", [b"dereference", 1], [b"dereference", 2]]],
            [b"set", [b"tuple", [b"dereference", 1]]],
        ],
    ],
    [
        b"reference",
        1,
        [
            b"list",
            [b"reference", 2, [b"tuple", 1, [b"dereference", 3]]],
            [b"reference", 3, [b"tuple", 2, [b"dereference", 1]]],
            [b"dictionary", [[b"dereference", 2], [b"dereference", 1]]],
        ],
    ],
    [b"list", [b"dereference", 1], [b"reference", 1, [b"tuple", 1, 2]]],
    [b"set", [b"dereference", 1], [b"reference", 1, [b"frozenset", 1, 2]]],
    [b"dictionary", [[b"dereference", 1], 1], [2, [b"reference", 1, [b"tuple"]]]],
    [b"tuple", [b"dereference", 1], [b"reference", 1, [b"tuple", [b"dereference", 2]]]],
    *(
        [
            b"list",
            [b"reference", 1, [b"tests.fuzz." + tag, state]],
            [b"dereference", 1],
        ]
        for tag in _TAGS
        for state in (
            [b"dictionary", [[b"unicode", b"a"], [b"dereference", 1]]],
            [b"dictionary", [b"number", 1], [b"things", [b"list", 1]], [b"_a", 1]],
            [b"dictionary", [b"number", [b"dereference", 2]]],
            [b"list", 1],
            7,
        )
    ),
    [b"tests.fuzz.Strict", [b"dictionary", [b"number", b"x"]]],
    [
        b"reference",
        1,
        [
            b"list",
            [
                b"tests.fuzz.Strict",
                [b"dictionary", [b"things", [b"dereference", 1]], [b"number", 1]],
            ],
        ],
    ],
    [
        b"reference",
        1,
        [
            b"tests.fuzz.Copy",
            [b"dictionary", [b"a", [b"set", [b"dereference", 1], *range(70)]]],
        ],
    ],
    [
        b"reference",
        1,
        [b"tests.fuzz.Strict", [b"dictionary", [b"things", [b"dereference", 1]]]],
    ],
    [
        b"list",
        [b"tests.fuzz.Strict", [b"dictionary", [b"number", [b"dereference", 9]]]],
        [b"reference", 9, [b"list"]],
    ],
    [b"tests.fuzz.Strict", 1, [b"dictionary"], []],
    [b"tests.fuzz.lake", 1, [b"dictionary"]],
    [b"instance", [b"class", b"tests.fuzz._targets.Reader"], [b"dictionary"]],
    [b"module", b"tests.fuzz._targets"],
    [b"boolean", b"true"],
    [b"decimal", -12, 3],
    [b"decimal", 2**70, -3],
    [b"datetime", b"2000 1 2 3 4 5 6"],
    [b"date", b"2000 1 2"],
    [b"time", b"3 4 5 6"],
    [b"timedelta", b"-3 4 5"],
    [b"None"],
    [b"unicode", b"\xc3\xa4"],
    [b"remote", 5],
    [b"unpersistable", b"because"],
    # what is read late, and is not known yet
    [
        b"reference",
        1,
        [b"list", [b"tuple", 1, [b"tests.fuzz.later", [b"dereference", 1]]]],
    ],
    [b"tuple", [b"tests.fuzz.later", [b"list", 1]]],
    # an object in itself, as a key, and a dict with as many that has to wait
    *(
        [
            b"reference",
            1,
            [
                b"tests.fuzz.Copy",
                [b"dictionary", [b"a", [b"dictionary", [_KEY, 5], *more]]],
            ],
        ]
        for more in ([], [[n, n] for n in range(70)])
    ),
    [
        b"reference",
        1,
        [b"dictionary", *[[n, n] for n in range(70)], [70, [b"dereference", 1]]],
    ],
    [b"dictionary", *[[[b"unicode", b"%d" % n], n] for n in range(70)]],
    [b"set", *[b"%d" % n for n in range(70)]],
    # what is wrong within what is right, and behind what is empty
    *(
        [tag, [b"dictionary", [b"a", [b"list", _WRONG]]]]
        for tag in (b"tests.fuzz.Copy", b"tests.fuzz.lake", b"tests.nothing")
    ),
    [b"list", [b"tests.fuzz.Reader", 1, []], [b"nobody.knows", 1]],
    [b"list", [b"boolean", b"false"], [b"boolean", b"maybe"]],
    [b"reference", 2**70, [b"list", 2**70, [b"set", [b"dereference", 2**70]]]],
    [b"dictionary", [b"dereference", 5], [[b"dereference", 5], 1]],
]
