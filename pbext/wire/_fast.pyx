# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, nonecheck=False, auto_pickle=False
"""
The codec, compiled: what L{pbext.wire._decoder}, L{pbext.wire._encoder} and
L{pbext.wire._unjelly} do, without the lists between bytes and values.  They say
what is right; here is only how it is fast.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove

import datetime
import sys
from functools import partial

from twisted.persisted.crefutil import NotKnown, _DictKeyAndValue
from twisted.python.reflect import qual
from twisted.spread.banana import Banana, BananaError
from twisted.spread.flavors import Copyable, RemoteCopy
from twisted.spread.jelly import (
    DummySecurityOptions,
    SecurityOptions,
    unjellyableFactoryRegistry,
    unjellyableRegistry,
)

from pbext.errors import BadMessage, LimitReached, NotSendable, PeerError
from pbext.wire import _crowding
from pbext.wire._crowding import membersOf
from pbext.wire._encoded import Encoded
from pbext.wire._flaw import Flaw
from pbext.wire._hooks import GATHERERS, TAGS
from pbext.wire._jellier import CopyingJellier, Facade, keyStep, notUTF8
from pbext.wire._jelly import checkSendable, pathTo
from pbext.wire._leaves import KINDS, LEAVES
from pbext.wire._readers import STATES, ClassReader, _fill, _unjellyFor, readClass
from pbext.wire._unfinished import Unfinished
from pbext.wire._unjelly import Unjellier
from pbext.wire._unjelly import read as readLists
from pbext.wire._words import DATA, Part

cdef extern from "Python.h":
    object PyUnicode_DecodeUTF8(const char *, Py_ssize_t, const char *)
    Py_ssize_t Py_REFCNT(object)
    PyTypeObject *Py_TYPE(object)
    void Py_XDECREF(PyObject *)
    object PyType_GenericNew(type, PyObject *, PyObject *)
    object PyUnicode_AsUTF8String(object)
    bint PyUnicode_IS_COMPACT_ASCII(object)
    void *PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    long long PyLong_AsLongLongAndOverflow(object, int *) except? -1
    bint PyDict_Next(object, Py_ssize_t *, PyObject **, PyObject **)
    bint PyFunction_Check(object)
    bint PyMethod_Check(object)
    PyObject *PyMethod_GET_FUNCTION(object)
    object PyObject_GenericGetAttr(object, object)
    ctypedef struct PyTypeObject:
        object (*tp_getattro)(object, object)
        object (*tp_new)(PyTypeObject *, object, PyObject *)
    PyObject *_PyType_Lookup(PyTypeObject *, object)
    int Py_EnterRecursiveCall(const char *)
    void Py_LeaveRecursiveCall()


cdef extern from "structmember.h":
    ctypedef struct PyMemberDef:
        pass
    int PyMember_SetOne(char *, PyMemberDef *, object) except -1

cdef extern from "Python.h":
    ctypedef struct PyMemberDescrObject:
        PyMemberDef *d_member


cdef inline int _deeper() except -1:
    """
    @raise RecursionError: if the stack is too deep.
    """
    return -1 if Py_EnterRecursiveCall(" in a value") else 0


# Banana's type bytes (twisted.spread.banana).
cdef enum:
    LIST = 0x80
    INT = 0x81
    STRING = 0x82
    NEG = 0x83
    FLOAT = 0x84
    LONGINT = 0x85
    LONGNEG = 0x86
    VOCAB = 0x87

# What a token may be besides one of those.
cdef enum:
    UNFINISHED = 0
    TOO_LONG = -1

cdef enum:
    PREFIX = 64  # digits, as stock
    WORDS = 32   # the numbers of words are below this

ctypedef struct Token:
    int type
    Py_ssize_t at         # where its digits begin
    Py_ssize_t digits     # how many there are, without zeros at the end
    Py_ssize_t body       # behind its type byte
    uint64_t number       # if there are at most nine


cdef inline int token(
    const unsigned char *p, Py_ssize_t at, Py_ssize_t end, Token *found
) noexcept nogil:
    """
    Read the digits and the type byte at C{at}.
    """
    cdef Py_ssize_t stop = at
    cdef unsigned char c
    cdef Py_ssize_t digits
    cdef uint64_t number = 0
    if end - at >= 2 and p[at] < 0x80 and p[at + 1] >= 0x80:
        found.type = p[at + 1]
        found.at = at
        found.digits = 1
        found.body = at + 2
        found.number = p[at]
        return found.type
    while True:
        if stop == end:
            found.type = TOO_LONG if stop - at > PREFIX else UNFINISHED
            return found.type
        c = p[stop]
        if c >= 0x80:
            break
        stop += 1
        if stop - at > PREFIX:
            found.type = TOO_LONG
            return TOO_LONG
    digits = stop - at
    found.at = at
    found.body = stop + 1
    found.type = c
    while digits and p[at + digits - 1] == 0:
        digits -= 1
    if digits <= 9:
        for stop in range(digits - 1, -1, -1):
            number = (number << 7) | p[at + stop]
    else:
        number = <uint64_t>-1
    found.digits = digits
    found.number = number
    return c


_vocabulary = Banana.incomingVocabulary
cdef list _words = [b"", *(_vocabulary[number] for number in range(1, WORDS))]


cdef list _texts = [word.decode("ascii") for word in _words]


cdef object _integer(const unsigned char *p, Token *t, bint negative):
    cdef unsigned char packed[PREFIX]
    cdef int bits = 0
    cdef unsigned int pending = 0
    cdef Py_ssize_t size = 0, i
    if t.digits <= 9:
        return -<int64_t>t.number if negative else <int64_t>t.number
    for i in range(t.digits):
        pending |= <unsigned int>p[t.at + i] << bits
        bits += 7
        if bits >= 8:
            packed[size] = pending & 0xFF
            size += 1
            pending >>= 8
            bits -= 8
    packed[size] = pending
    found = int.from_bytes(packed[: size + 1], "little")
    return -found if negative else found


cdef double _float(const unsigned char *p) noexcept:
    cdef uint64_t bits = 0
    cdef double found
    cdef int i
    for i in range(8):
        bits = (bits << 8) | p[i]
    memcpy(&found, &bits, 8)
    return found


cdef object _atom(const unsigned char *p, Token *t, Py_ssize_t *behind):
    """
    What a token that is no list stands for.
    """
    behind[0] = t.body
    if t.type == STRING:
        behind[0] += t.number
        return PyBytes_FromStringAndSize(<const char *>p + t.body, t.number)
    if t.type == INT or t.type == LONGINT:
        return _integer(p, t, False)
    if t.type == NEG or t.type == LONGNEG:
        return _integer(p, t, True)
    if t.type == FLOAT:
        behind[0] += 8
        return _float(p + t.body)
    return _words[t.number]


cdef inline bint _isWord(Token *t) noexcept:
    return 0 < t.number < WORDS


cdef Py_ssize_t _whole(
    const unsigned char *p, Py_ssize_t at, Py_ssize_t end, Token *t
) except -1:
    """
    Read a token of a whole message.

    @return: the end of it.
    """
    cdef Py_ssize_t behind
    if token(p, at, end, t) > 0:
        behind = t.body
        if t.type == STRING:
            # The second says the same without an overflow.
            if t.number <= <uint64_t>(end - behind):
                return behind + t.number
        elif t.type == FLOAT:
            if end - behind >= 8:
                return behind + 8
        elif t.type == LIST:
            if t.number <= <uint64_t>(end - behind):
                return behind
        elif t.type != VOCAB or _isWord(t):
            if t.type <= VOCAB:
                return behind
    raise BadMessage(why="an expression that is none")


cdef object _lists(const unsigned char *p, Py_ssize_t *at, Py_ssize_t end):
    """
    One expression as nested lists.
    """
    # Not recursive: a peer decides how deep this is.
    cdef list inner, outer = []
    cdef list above = []
    cdef list lefts = []
    cdef Py_ssize_t left = 1, behind
    cdef Token t
    cdef object made
    while True:
        while not left:
            if not above:
                return outer[0]
            outer = above.pop()
            left = lefts.pop()
        left -= 1
        behind = _whole(p, at[0], end, &t)
        at[0] = behind
        if t.type == LIST:
            inner = []
            outer.append(inner)
            above.append(outer)
            lefts.append(left)
            outer, left = inner, t.number
        else:
            outer.append(_atom(p, &t, &behind))


# What the lists are that a message is made of.
cdef enum:
    FIRST        # an expression whose first word has not come
    OTHER
    DICTIONARY
    PAIR
    MEMBERS      # of a set
    REFERENCE
    DEREFERENCE

ctypedef struct Level:
    Py_ssize_t left
    Py_ssize_t seen
    int kind
    bint key         # within a key of a dictionary, or a member of a set
    int64_t items    # what the whole message had when the value of a reference began
    int64_t integers

ctypedef struct Span:
    Py_ssize_t start
    Py_ssize_t end
    bint cyclic

ctypedef struct Size:
    int64_t items
    int64_t integers

cdef enum:
    TEXT = 13     # bytes before those of a short str
    KEPT = 65536  # bytes of memory that are kept for the next message

# Below it, integers are hashed as themselves.
cdef int64_t MODULUS = sys.hash_info.modulus
# What counts no further; twice as much is still a number.
cdef int64_t ENDLESS = <int64_t>1 << 61


cdef int _kindOf(const unsigned char *p, Token *t) noexcept:
    cdef int word
    if t.type != VOCAB and t.type != STRING:
        return OTHER
    word = _wordOf(p, t)
    if word == W_DICTIONARY:
        return DICTIONARY
    if word == W_REFERENCE:
        return REFERENCE
    if word == W_DEREFERENCE:
        return DEREFERENCE
    return MEMBERS if word == W_SET or word == W_FROZENSET else OTHER


@cython.final
cdef class Decoder:
    """
    See L{pbext.wire._decoder.Decoder}.
    """

    cdef public bint vocabulary
    cdef public Py_ssize_t stringLimit

    cdef Py_ssize_t messageBytes, maxDepth
    cdef int64_t maxItems, maxExpanded, maxKeyItems, maxKeyIntegers
    cdef object _budget

    # The bytes: those of the last chunk, or, from where a message began in an
    # earlier one, a copy.
    cdef bytes _chunk
    cdef unsigned char *_buffer
    cdef Py_ssize_t _capacity
    cdef const unsigned char *_p
    cdef Py_ssize_t _start, _at, _end

    # Of the message that has begun.
    cdef Level *_levels
    cdef Py_ssize_t _depth, _levelCapacity
    cdef Span *_spans
    cdef Py_ssize_t _spanCount, _spanCapacity
    # Its items, those that dereferences stand for, and large integers, expanded.
    cdef int64_t _items, _extra, _integers
    cdef int64_t _keyItems, _keyIntegers

    # Of the value in it that has begun.
    cdef bint _cyclic
    cdef dict _sizes    # what a number refers to: where in _known
    cdef dict _numbers  # of the reference at a depth
    cdef Size *_known
    cdef Py_ssize_t _knownCount, _knownCapacity, _firstKnown

    def __cinit__(self, budget):
        self._budget = budget
        self.messageBytes = budget.messageBytes
        self.maxDepth = budget.depth
        self.maxItems = budget.items
        self.maxExpanded = budget.expandedItems
        self.maxKeyItems = budget.keyItems
        self.maxKeyIntegers = budget.keyIntegers
        self.vocabulary = False
        self.stringLimit = 640 * 1024
        self._items = 1
        self._sizes = {}
        self._numbers = {}

    def __dealloc__(self):
        PyMem_Free(self._buffer)
        PyMem_Free(self._levels)
        PyMem_Free(self._spans)
        PyMem_Free(self._known)

    @property
    def pending(self):
        """
        How many bytes there are of a message that is not whole.
        """
        return self._end - self._start

    @property
    def used(self):
        """
        See L{pbext.wire._decoder.Decoder.used}.
        """
        if self._end == self._start:
            return (0,) * 6
        expanded = self._items + self._extra
        return (
            self.pending, self._items, self._depth, expanded,
            self._keyItems, self._keyIntegers,
        )

    def feed(self, chunk not None):
        """
        Take the next bytes of the stream.
        """
        cdef bytes data = chunk if type(chunk) is bytes else bytes(chunk)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef Py_ssize_t left = self._end - self._start
        cdef const unsigned char *p = <const unsigned char *>PyBytes_AS_STRING(data)
        if not left:
            self._chunk = data
            self._p = p
            self._start, self._at, self._end = 0, 0, size
            return
        if self._capacity < left + size:
            self._grow(left + size)
        if self._chunk is not None:
            memcpy(self._buffer, self._p + self._start, left)
            self._chunk = None
        elif self._start:
            memmove(self._buffer, self._buffer + self._start, left)
        memcpy(self._buffer + left, p, size)
        self._p = self._buffer
        self._at -= self._start
        self._start, self._end = 0, left + size

    cdef int _grow(self, Py_ssize_t size) except -1:
        if size < 2 * self._capacity:
            size = 2 * self._capacity
        cdef void *grown = PyMem_Realloc(self._buffer, size)
        if grown == NULL:
            raise MemoryError()
        self._buffer = <unsigned char *>grown
        self._capacity = size
        return 0

    def next(self):
        """
        @return: the next message, or C{None} if it is not whole yet.
        """
        if not self._scan():
            return None
        result = self._message()
        self._start = self._at
        self._spanCount = 0
        self._items = 1
        self._extra = self._integers = self._keyItems = self._keyIntegers = 0
        if self._knownCount:
            self._sizes.clear()
            self._knownCount = self._firstKnown = 0
        if self._start == self._end:
            self._chunk = None
            self._start = self._at = self._end = 0
            if self._capacity > KEPT:
                PyMem_Free(self._buffer)
                self._buffer = NULL
                self._capacity = 0
        if self._spanCapacity * <Py_ssize_t>sizeof(Span) > KEPT:
            PyMem_Free(self._spans)
            self._spans = NULL
            self._spanCapacity = 0
        return result

    cdef int _limit(self, str name) except -1:
        value = getattr(self._budget, name)
        name = "maxMessageBytes" if name == "messageBytes" else name
        raise LimitReached(limit=name, value=value)

    cdef inline int _checkItems(self) except -1:
        if self._items > self.maxItems:
            self._limit("items")
        if self._items + self._extra > self.maxExpanded:
            self._limit("expandedItems")
        return 0

    cdef int _scan(self) except -1:
        """
        Go on to the end of the message, or of the bytes.

        @return: whether it is whole.
        """
        cdef const unsigned char *p = self._p
        cdef Py_ssize_t at = self._at, end = self._end, behind, text
        cdef Token t
        cdef Level *level
        cdef int kind
        while True:
            kind = token(p, at, end, &t)
            if kind == TOO_LONG:
                raise BadMessage(why="a number that is too long")
            if kind == UNFINISHED:
                # At least one more has to come.
                if end > self._start and end + 1 - self._start > self.messageBytes:
                    self._limit("messageBytes")
                self._at = at
                return 0
            behind = t.body
            if kind == STRING or kind == LIST:
                if t.number > <uint64_t>self.stringLimit:
                    what = "string" if kind == STRING else "list"
                    raise BadMessage(why=f"a {what} that is too long")
                if kind == STRING:
                    behind += t.number
            elif kind == FLOAT:
                behind += 8
            elif kind == VOCAB:
                if not self.vocabulary or not _isWord(&t):
                    raise BadMessage(why="a word that is not known")
            elif kind > VOCAB:
                raise BadMessage(why="a type byte that is none")
            if behind - self._start > self.messageBytes:
                self._limit("messageBytes")
            if behind > end:
                self._at = at
                return 0
            text = 0
            if kind == LIST:
                self._items += t.number
                self._checkItems()
                text = self._text(p, &t)
            if text:
                # A str: there is nothing to look for in it.
                at = text
                level = &self._levels[self._depth - 1]
                level.seen += 1
                level.left -= 1
                if level.kind == FIRST:
                    level.kind = OTHER
            else:
                at = behind
                self._take(p, &t)
            while self._depth and self._levels[self._depth - 1].left == 0:
                self._close(at)
            if not self._depth:
                self._at = at
                return 1

    cdef int _take(self, const unsigned char *p, Token *t) except -1:
        """
        Count a token in, in the list where it stands.
        """
        cdef Level *level = NULL
        cdef Py_ssize_t behind
        cdef bint key = False
        if self._depth:
            level = &self._levels[self._depth - 1]
            key = level.key or (
                level.seen == 0 if level.kind == PAIR else level.kind == MEMBERS
            )
            level.seen += 1
        if t.type == LIST:
            self._open(t.number, level, key, t.at)
        else:
            if t.type != STRING and t.type != VOCAB and t.type != FLOAT:
                if t.digits > 9 or t.number >= <uint64_t>MODULUS:
                    self._integers += 1
                    if key:
                        self._inKey(0, 1)
            if level != NULL:
                level.left -= 1
                if level.kind == FIRST:
                    level.kind = _kindOf(p, t)
                elif level.seen == 2 and (
                    level.kind == REFERENCE or level.kind == DEREFERENCE
                ):
                    self._numbers[self._depth] = _atom(p, t, &behind)
                    level.items = self._items + self._extra - 1
                    level.integers = self._integers
        return 0

    cdef inline Py_ssize_t _text(self, const unsigned char *p, Token *t) noexcept:
        """
        @return: where a short str ends that begins with this token, or 0.
        """
        cdef Py_ssize_t at = t.at + TEXT
        if (
            t.number == 2
            and t.digits == 1
            # Not one that is a value of the message, or too deep.
            and 2 <= self._depth < self.maxDepth
            and at <= self._end
            and memcmp(p + t.at, b"\x02\x80\x07\x82unicode", TEXT - 2) == 0
            and p[at - 1] == STRING
            and p[at - 2] <= min(self.stringLimit, 127)
            and at + p[at - 2] <= self._end
            and at + p[at - 2] - self._start <= self.messageBytes
        ):
            return at + p[at - 2]
        return 0

    cdef int _inKey(self, int64_t items, int64_t integers) except -1:
        self._keyItems = min(self._keyItems + items, ENDLESS)
        self._keyIntegers = min(self._keyIntegers + integers, ENDLESS)
        if self._keyItems > self.maxKeyItems:
            self._limit("keyItems")
        if self._keyIntegers > self.maxKeyIntegers:
            self._limit("keyIntegers")
        return 0

    cdef int _open(
        self, Py_ssize_t count, Level *outer, bint key, Py_ssize_t at
    ) except -1:
        cdef Level *level
        cdef void *grown
        cdef int kind = FIRST
        if self._depth >= self.maxDepth:
            self._limit("depth")
        if outer == NULL:
            pass
        elif outer.kind == FIRST:
            outer.kind = OTHER
        elif outer.kind == DICTIONARY:
            kind = PAIR
        if self._depth == self._levelCapacity:
            # Little at first: there are many connections that say little.
            capacity = self._depth + (self._depth >> 1) + 4
            grown = PyMem_Realloc(self._levels, capacity * sizeof(Level))
            if grown == NULL:
                raise MemoryError()
            self._levels = <Level *>grown
            self._levelCapacity = capacity
        level = &self._levels[self._depth]
        self._depth += 1
        level.left = count
        level.seen = 0
        level.kind = kind
        level.key = key
        if self._depth == 2:
            if self._spanCount == self._spanCapacity:
                capacity = 2 * self._spanCount + 2
                grown = PyMem_Realloc(self._spans, capacity * sizeof(Span))
                if grown == NULL:
                    raise MemoryError()
                self._spans = <Span *>grown
                self._spanCapacity = capacity
            self._spans[self._spanCount].start = at - self._start
        return 0

    cdef int _close(self, Py_ssize_t end) except -1:
        cdef Level *level = &self._levels[self._depth - 1]
        if level.kind == REFERENCE:
            if level.seen == 3:
                self._define(level)
        elif level.kind == DEREFERENCE:
            if level.seen == 2:
                self._follow(level)
        if self._numbers:
            self._numbers.pop(self._depth, None)
        self._depth -= 1
        if self._depth:
            self._levels[self._depth - 1].left -= 1
        if self._depth == 1:
            self._spans[self._spanCount].end = end - self._start
            self._spans[self._spanCount].cyclic = self._cyclic
            self._spanCount += 1
            self._cyclic = False
            self._firstKnown = self._knownCount
        return 0

    cdef int _define(self, Level *level) except -1:
        """
        A reference ends.
        """
        cdef void *grown
        number = self._numbers.get(self._depth)
        if number is None:
            return 0  # none can be a list
        known = self._sizes.get(number)
        if known is not None and known >= self._firstKnown:
            self._cyclic = True  # which of them is meant is not seen here
        if self._knownCount == self._knownCapacity:
            grown = PyMem_Realloc(
                self._known, (2 * self._knownCount + 16) * sizeof(Size)
            )
            if grown == NULL:
                raise MemoryError()
            self._known = <Size *>grown
            self._knownCapacity = 2 * self._knownCount + 16
        self._known[self._knownCount].items = (
            self._items + self._extra - level.items
        )
        self._known[self._knownCount].integers = self._integers - level.integers
        self._sizes[number] = self._knownCount
        self._knownCount += 1
        return 0

    cdef int _follow(self, Level *level) except -1:
        """
        A dereference ends.
        """
        cdef int64_t items = 1, integers = 0
        known = self._sizes.get(self._numbers.get(self._depth))
        if known is not None:
            items = self._known[<Py_ssize_t>known].items
            integers = self._known[<Py_ssize_t>known].integers
        if known is None or known < self._firstKnown:
            self._cyclic = True
        self._extra = min(self._extra + items, ENDLESS)
        self._integers = min(self._integers + integers, ENDLESS)
        if level.key:
            self._inKey(items, integers)
        return self._checkItems()

    cdef object _message(self):
        """
        What is whole now: the lists in the outer one by their bytes.
        """
        cdef const unsigned char *p = self._p + self._start
        cdef Py_ssize_t at = 0, end = self._at - self._start, span = 0, i
        cdef Token t
        token(p, 0, end, &t)
        if t.type != LIST:
            return _atom(p, &t, &at)
        cdef Py_ssize_t count = t.number
        cdef list result = PyList_New(count)
        at = t.body
        for i in range(count):
            token(p, at, end, &t)
            if t.type == LIST:
                part = _encoded(
                    p + at, self._spans[span].end - at, self._spans[span].cyclic
                )
                at = self._spans[span].end
                span += 1
            else:
                part = _atom(p, &t, &at)
            Py_INCREF(part)
            PyList_SET_ITEM(result, i, part)
        return result


cdef object _noArguments = Encoded(b"\x01\x80\x0b\x87")
cdef object _noKeywords = Encoded(b"\x01\x80\x05\x87")


cdef object _encoded(const unsigned char *p, Py_ssize_t size, bint cyclic):
    # Most calls have no keyword arguments, and many have none at all.
    if size == 4:
        if memcmp(p, b"\x01\x80\x0b\x87", 4) == 0:
            return _noArguments
        if memcmp(p, b"\x01\x80\x05\x87", 4) == 0:
            return _noKeywords
    return _newEncoded(PyBytes_FromStringAndSize(<const char *>p, size), cyclic)


cdef object _newEncoded(bytes data, bint cyclic):
    # Half the time of a call of the class.
    made = PyType_GenericNew(Encoded, NULL, NULL)
    PyMember_SetOne(<char *><PyObject *>made, _dataSlot.d_member, data)
    PyMember_SetOne(<char *><PyObject *>made, _cyclicSlot.d_member, bool(cyclic))
    return made


# Its slots, which Encoded keeps.
cdef PyMemberDescrObject *_dataSlot = <PyMemberDescrObject *>Encoded.__dict__["data"]
cdef PyMemberDescrObject *_cyclicSlot = <PyMemberDescrObject *>Encoded.__dict__["cyclic"]


# The words that are read here.
cdef enum:
    W_CLASS
    W_NONE
    W_UNICODE
    W_BOOLEAN
    W_LIST
    W_TUPLE
    W_SET
    W_FROZENSET
    W_DICTIONARY
    W_REFERENCE
    W_DEREFERENCE
    W_DATETIME
    W_DATE
    W_TIME
    W_TIMEDELTA
    W_COUNT

cdef list _names = [  # as above
    b"", b"None", b"unicode", b"boolean", b"list", b"tuple", b"set", b"frozenset",
    b"dictionary", b"reference", b"dereference", b"datetime", b"date", b"time",
    b"timedelta",
]


# How a word is spelled, and which of them a number of Banana's stands for.
cdef const char *_spelled[W_COUNT]
cdef Py_ssize_t _sizes[W_COUNT]
cdef int _numbered[WORDS]


cdef _spell():
    cdef int word
    for word in range(1, W_COUNT):
        name = _names[word]
        _spelled[word] = PyBytes_AS_STRING(name)
        _sizes[word] = PyBytes_GET_SIZE(name)
        if name in Banana.outgoingVocabulary:
            _numbered[<int>Banana.outgoingVocabulary[name]] = word


_spell()


cdef int _wordOf(const unsigned char *p, Token *t) noexcept:
    """
    @param t: a string, or the number of a word.
    """
    cdef int word
    if t.type == VOCAB:
        return _numbered[t.number] if t.number < WORDS else W_CLASS
    for word in range(1, W_COUNT):
        if <Py_ssize_t>t.number == _sizes[word]:
            if memcmp(p + t.body, _spelled[word], _sizes[word]) == 0:
                return word
    return W_CLASS


cdef int _isUsual(readers) except -1:
    global _usual
    for name in _names[1:]:
        if readers.get(name) is not _data[name]:
            return False
    _usual = readers
    return True


cdef enum:
    ALL = (1 << W_COUNT) - 1
    NAMES = 256

# Keys that were read: ASCII, and at most 32 bytes.
cdef PyObject *_keys[NAMES]


# See pbext.wire._crowding.
cdef Py_ssize_t FEW_KEYS = _crowding.FEW
cdef enum:
    SHIFT = 5
    NEIGHBOURS = 9


cdef object _willBe(dict made, key, item):
    """
    Put a value into a dict as soon as it is known.
    """
    pair = _DictKeyAndValue(made)
    pair[0] = key
    item.addDependant(pair, 1)


cdef object _checkKeys(list keys, bint ofSet, unjellier):
    """
    As L{pbext.wire._crowding.checkKeys}.
    """
    cdef Py_ssize_t i, unsalted = 0, n = len(keys), count, slots = 8
    cdef int64_t most
    cdef uint64_t *hashes
    for key in keys:
        if type(key) is not str and type(key) is not bytes:
            unsalted += 1
    if unsalted <= FEW_KEYS:
        return
    most = unjellier.collisions
    store = bytearray(n * sizeof(uint64_t))
    hashes = <uint64_t *>PyByteArray_AS_STRING(store)
    for i in range(n):
        hashes[i] = <uint64_t><int64_t>hash(keys[i])
    while slots * 2 // 3 < 4 * n:
        count = min(slots * 2 // 3, n)
        if count > FEW_KEYS:
            taken = bytearray(slots)
            if _inTheWay(
                hashes, count, PyByteArray_AS_STRING(taken), slots, ofSet, most * count
            ):
                raise LimitReached(limit="keyCollisions", value=most)
        slots *= 2


cdef bint _inTheWay(
    const uint64_t *hashes,
    Py_ssize_t count,
    char *taken,
    Py_ssize_t slots,
    bint ofSet,
    int64_t most,
) noexcept:
    """
    Whether more than C{most} places are taken that one looks at.
    """
    cdef uint64_t perturb, mask = slots - 1, slot, near
    cdef Py_ssize_t i
    for i in range(count):
        perturb = hashes[i]
        slot = perturb & mask
        while taken[slot]:
            most -= 1
            if most < 0:
                return True
            if ofSet and slot + NEIGHBOURS <= mask:
                near = slot + 1
                while near <= slot + NEIGHBOURS and taken[near]:
                    near += 1
                if near <= slot + NEIGHBOURS:
                    slot = near
                    break
            perturb >>= SHIFT
            slot = (slot * 5 + perturb + 1) & mask
        taken[slot] = 1
    return False


# The last tag, and the last class, which often are the next ones.
cdef bytes _lastTag = b""
cdef object _lastReader, _lastSimple, _lastState


cdef bytes _tag(const unsigned char *p, Token *t):
    global _lastTag
    cdef Py_ssize_t behind
    if (
        t.type != STRING
        or <Py_ssize_t>t.number != PyBytes_GET_SIZE(_lastTag)
        or memcmp(p + t.body, PyBytes_AS_STRING(_lastTag), t.number) != 0
    ):
        _lastTag = _atom(p, t, &behind)
    return _lastTag


cdef object _simpleOf(reader):
    """
    @return: C{reader.simple}, if it has one.
    """
    global _lastReader, _lastSimple, _lastState
    if reader is _lastReader:
        # As C{ClassReader.simple} asks, for what may have been changed since.
        cls = reader._cls
        if (
            _PyType_Lookup(<PyTypeObject *>cls, "setCopyableState") == <PyObject *>_lastState
            and _PyType_Lookup(<PyTypeObject *>cls, "unjellyFor") == <PyObject *>_unjellyFor
        ):
            return _lastSimple
    simple = getattr(reader, "simple", None)
    if simple is not None and type(reader) is ClassReader:
        cls = reader._cls
        state = cls.setCopyableState
        if _PyType_Lookup(<PyTypeObject *>cls, "setCopyableState") == <PyObject *>state:
            _lastReader, _lastSimple, _lastState = reader, simple, state
    return simple


@cython.final
@cython.freelist(8)
cdef class _Reading:
    """
    One value on its way from bytes to objects.
    """

    cdef const unsigned char *p
    cdef Py_ssize_t at, end
    cdef tuple terms            # what an unjellier is made of
    cdef object _unjellier      # that, as soon as something asks for it
    cdef object invoker
    cdef object known           # see L{Unjellier}; C{None} if it is only its own
    cdef object own             # what reads the words of the connection
    cdef object allowed         # what stock's own policy says of types
    cdef dict references
    cdef bint isKept            # whether the last word that was found stays so
    cdef bint waits             # whether there is something that is not known yet
    cdef unsigned int plain     # the words of jelly that mean what they do in it
    # The last tag whose class needs nothing but its state.
    cdef Py_ssize_t tagAt, tagSize
    cdef object simple, reader

    def __cinit__(self, bytes data, tuple terms):
        self.p = <const unsigned char *>PyBytes_AS_STRING(data)
        self.end = PyBytes_GET_SIZE(data)
        self.terms = terms
        taster, self.invoker, own, _taken, readers = terms
        if readers is not None:
            self.known = readers.get
            if readers is _usual or _isUsual(readers):
                self.plain = ALL
        elif type(taster) is SecurityOptions:
            if "isTypeAllowed" not in taster.__dict__:
                self.allowed = taster.allowedTypes
                self.own = own

    cdef object unjellier(self):
        """
        For what is not read here, or refers to something: most values have
        neither.
        """
        if self._unjellier is None:
            self._unjellier = Unjellier(*self.terms)
            self.known = self._unjellier.known
            self.references = self._unjellier.references
        return self._unjellier

    cdef object value(self):
        """
        Read one value.
        """
        cdef Token t
        cdef Py_ssize_t start = self.at
        cdef Py_ssize_t behind
        if self.plain >> W_UNICODE & 1 and self.isText(start):
            return self.text(start)
        behind = _whole(self.p, start, self.end, &t)
        self.at = behind
        if t.type != LIST:
            return _atom(self.p, &t, &behind)
        _deeper()
        try:
            return self.expression(start, t.number)
        finally:
            Py_LeaveRecursiveCall()

    cdef inline bint isText(self, Py_ssize_t start) noexcept:
        """
        Whether this is a str of less than 128 bytes.
        """
        cdef const unsigned char *p = self.p + start
        cdef Py_ssize_t left = self.end - start - TEXT
        return (
            left >= 0
            and memcmp(p, b"\x02\x80\x07\x82unicode", TEXT - 2) == 0
            and p[TEXT - 1] == STRING
            and p[TEXT - 2] < 0x80
            and p[TEXT - 2] <= left
        )

    cdef inline object text(self, Py_ssize_t start):
        cdef Py_ssize_t size = self.p[start + TEXT - 2]
        self.at = start + TEXT + size
        return PyUnicode_DecodeUTF8(
            <const char *>self.p + start + TEXT, size, NULL
        )

    cdef object key(self):
        """
        Read a key: one of the same few names, most times.
        """
        cdef Py_ssize_t start = self.at
        cdef Py_ssize_t size
        cdef const unsigned char *p
        cdef PyObject *kept
        cdef Token t
        if not (self.plain >> W_UNICODE & 1 and self.isText(start)):
            if token(self.p, start, self.end, &t) != LIST:
                return self.value()
            unjellier = self.unjellier()
            unjellier.hashing += 1
            made = self.value()
            unjellier.hashing -= 1
            return made
        p = self.p + start + TEXT
        size = self.p[start + TEXT - 2]
        if not 0 < size <= 32:
            return self.text(start)
        cdef unsigned int place = (p[0] + 3 * p[size - 1] + 17 * size) % NAMES
        kept = _keys[place]
        if (
            kept != NULL
            and PyUnicode_GET_LENGTH(<object>kept) == size
            and memcmp(PyUnicode_DATA(<object>kept), p, size) == 0
        ):
            self.at = start + TEXT + size
            return <object>kept
        made = self.text(start)
        if PyUnicode_IS_COMPACT_ASCII(made):
            Py_INCREF(made)
            Py_XDECREF(kept)
            _keys[place] = <PyObject *>made
        return made

    cdef object expression(self, Py_ssize_t start, Py_ssize_t count):
        cdef Token t
        cdef Py_ssize_t body = self.at
        cdef int word
        if not count:
            return self.odd(start)
        self.at = _whole(self.p, body, self.end, &t)
        if t.type != STRING and t.type != VOCAB:
            return self.odd(start)
        word = _wordOf(self.p, &t)
        if count == 2 and word == W_CLASS and self.isSame(&t):
            return self.copy(start)
        if word == W_CLASS or not self.plain >> word & 1:
            name = _names[word] if word != W_CLASS else _tag(self.p, &t)
            reader = self.find(name, word)
            if word == W_CLASS or reader is not _data[name]:
                if count == 2 and self.isSimple(reader, &t):
                    return self.copy(start)
                return self.odd(start, reader)
        count -= 1
        if word == W_UNICODE:
            if count == 1:
                self.at = _whole(self.p, self.at, self.end, &t)
                if t.type == STRING:
                    return PyUnicode_DecodeUTF8(
                        <const char *>self.p + t.body, t.number, NULL
                    )
                if t.type == VOCAB:
                    return _texts[t.number]
        elif word == W_NONE:
            if not count:
                return None
        elif word == W_LIST:
            return self.list(count)
        elif word == W_TUPLE:
            return self.tuple(count)
        elif word == W_DICTIONARY:
            return self.dictionary(count)
        elif word == W_SET or word == W_FROZENSET:
            return self.members(count, set if word == W_SET else frozenset)
        elif word == W_REFERENCE:
            if count == 2:
                self.at = _whole(self.p, self.at, self.end, &t)
                if t.type != LIST:
                    return self.reference(_atom(self.p, &t, &body))
        elif word == W_DEREFERENCE:
            if count == 1:
                self.at = _whole(self.p, self.at, self.end, &t)
                if t.type != LIST:
                    return self.dereference(_atom(self.p, &t, &body))
        elif count == 1:
            self.at = _whole(self.p, self.at, self.end, &t)
            if t.type == STRING:
                if word != W_BOOLEAN:
                    return self.moment(word, _atom(self.p, &t, &body))
                if t.number == 4 and memcmp(self.p + t.body, b"true", 4) == 0:
                    return True
                if t.number == 5 and memcmp(self.p + t.body, b"false", 5) == 0:
                    return False
        return self.odd(start, _data[_names[word]])

    cdef object find(self, bytes name, int word):
        """
        @return: what reads the lists that begin with a word.
        @raise InsecureJelly: if nothing does.
        """
        if self.allowed is not None:
            # As the unjellier finds it, for what most messages have.
            self.isKept = True
            if word != W_CLASS:
                if (
                    name in self.allowed
                    and name not in self.own
                    and name not in _tables
                    and name not in _factories
                ):
                    self.plain |= <unsigned int>1 << word
                    return _data[name]
            elif b"." in name or name in self.allowed:
                cls = _tables.get(name)
                if cls is not None and name not in self.own:
                    if type(_lastReader) is ClassReader and _lastReader._cls is cls:
                        return _lastReader
                    return readClass(cls)
        if self.known is None:
            self.unjellier()
        reader = self.known(name)
        self.isKept = True
        if reader is None:
            reader = self.unjellier().find(name)
            # A policy that is the user's is asked each time.
            self.isKept = self.known(name) is not None
            if not self.isKept:
                return reader
        if word != W_CLASS:
            self.plain |= <unsigned int>(reader is _data[name]) << word
        return reader

    cdef inline bint isSame(self, Token *t) noexcept:
        """
        Whether this is the last tag again.
        """
        return (
            self.simple is not None
            and t.type == STRING
            and <Py_ssize_t>t.number == self.tagSize
            and memcmp(self.p + t.body, self.p + self.tagAt, self.tagSize) == 0
        )

    cdef bint isSimple(self, reader, Token *t) except -1:
        """
        Whether a class needs nothing but its state.
        """
        if self.invoker is None:
            return False
        simple = _simpleOf(reader)
        if simple is None:
            return False
        self.simple = simple
        self.reader = reader
        self.tagSize = -1
        if t.type == STRING and self.isKept:
            self.tagAt, self.tagSize = t.body, t.number
        return True

    cdef object copy(self, Py_ssize_t start):
        """
        An object of a class that needs nothing but its state.
        """
        simple, reader = self.simple, self.reader
        try:
            state = self.value()
            if self.waits and type(reader) is ClassReader:
                made = _fill(reader._cls, state)
            elif type(simple) is _Filling:
                made = (<_Filling>simple).fill(state, 1)
            else:
                made = simple(state)
        except PeerError as error:
            if error.where is None:
                error.where = start
            raise
        return self.finished(made, start)

    cdef object finished(self, made, Py_ssize_t start):
        self.waits = self.waits or isinstance(made, NotKnown)
        if self.waits:
            self.unjellier().places[id(made)] = start
        if _PyType_Lookup(Py_TYPE(made), "postUnjelly") != NULL:
            self.unjellier().postCallbacks.append(made.postUnjelly)
        return made

    cdef object odd(self, Py_ssize_t start, reader=None):
        """
        What is not read here: readers take lists.

        @param reader: what reads it, if that is known.
        """
        self.at = start
        sexp = _lists(self.p, &self.at, self.end)
        try:
            if reader is None:
                made = self.unjellier().unjelly(sexp)
            else:
                made = reader(self.unjellier(), sexp)
            self.waits = self.waits or isinstance(made, NotKnown)
            return made
        except PeerError as error:
            if type(error.where) is list:
                error.where = self.offsetOf(start, sexp, error.where)
            raise

    cdef Py_ssize_t offsetOf(self, Py_ssize_t start, sexp, part) except -1:
        """
        Where a list begins in the bytes that C{sexp} was made of.
        """
        cdef Token t
        cdef Py_ssize_t at = start
        for inner in _preorder(sexp):
            t.type = STRING
            while t.type != LIST:
                if at == self.at:
                    return start  # a hook has changed the list
                at = _whole(self.p, at, self.end, &t)
            if inner is part:
                return t.at
        return start

    cdef object list(self, Py_ssize_t count):
        cdef list made = [None] * count
        cdef Py_ssize_t i
        for i in range(count):
            item = self.value()
            made[i] = item
            if self.waits and self.references and isinstance(item, NotKnown):
                item.addDependant(made, i)
        return made

    cdef object tuple(self, Py_ssize_t count):
        cdef tuple made = PyTuple_New(count)
        cdef Py_ssize_t i
        for i in range(count):
            item = self.value()
            if self.waits and self.references and isinstance(item, NotKnown):
                return self.finish(self.later([*made[:i], item], count), tuple)
            Py_INCREF(item)
            PyTuple_SET_ITEM(made, i, item)
        return made

    cdef object members(self, Py_ssize_t count, kind):
        cdef list made = []
        cdef Py_ssize_t i
        unjellier = self.unjellier()
        unjellier.hashing += 1
        for i in range(count):
            item = self.value()
            made.append(item)
            if self.waits and self.references and isinstance(item, NotKnown):
                made = self.later(made, count)
                unjellier.hashing -= 1
                most = unjellier.collisions
                return self.finish(made, partial(membersOf, kind, most))
        unjellier.hashing -= 1
        if count > FEW_KEYS:
            _checkKeys(made, True, unjellier)
        return kind(made)

    cdef list later(self, list made, Py_ssize_t count):
        """
        The rest of a tuple or a set whose last item until now is not known
        yet.
        """
        cdef Py_ssize_t i = len(made) - 1
        made[i].addDependant(made, i)
        made += [None] * (count - i - 1)
        for i in range(i + 1, count):
            item = self.value()
            made[i] = item
            if isinstance(item, NotKnown):
                item.addDependant(made, i)
        return made

    cdef object finish(self, list made, kind):
        for item in made:
            if isinstance(item, NotKnown):
                return Unfinished(made, kind, self.unjellier().queue)
        return kind(made)  # what was not known became so meanwhile

    cdef object dictionary(self, Py_ssize_t count):
        cdef Token t
        cdef dict made = {}
        cdef Py_ssize_t behind, i
        # Of many, those that are not in it yet.
        cdef list keys = None, values = None
        if count > FEW_KEYS:
            keys, values = [], []
        for _ in range(count):
            behind = _whole(self.p, self.at, self.end, &t)
            self.at = behind
            if t.type != LIST:
                # Two bytes are two integers to Twisted.
                key, item = _atom(self.p, &t, &behind)
            elif t.number != 2:
                raise ValueError("a pair of a dictionary that is none")
            else:
                key = self.key()
                if self.waits and self.references and isinstance(key, NotKnown):
                    self.pairLater(made, key)
                    continue
                item = self.value()
                if self.waits and self.references and isinstance(item, NotKnown):
                    if keys is None:
                        _willBe(made, key, item)
                    else:
                        item.addDependant(values, len(values))
            if keys is None:
                made[key] = item
            else:
                keys.append(key)
                values.append(item)
        if keys is not None:
            _checkKeys(keys, False, self.unjellier())
            for i in range(len(keys)):
                item = values[i]
                if self.waits and isinstance(item, NotKnown):
                    _willBe(made, keys[i], item)
                made[keys[i]] = item
        return made

    cdef int pairLater(self, dict made, key) except -1:
        """
        Twisted hashes a key that is not known, unless its value makes it known.
        """
        pair = _DictKeyAndValue(made)
        key.addDependant(pair, 0)
        pair[0] = key
        item = self.value()
        if isinstance(item, NotKnown):
            item.addDependant(pair, 1)
        pair[1] = item
        return 0

    cdef object reference(self, number):
        self.unjellier().opened.add(number)
        found = self.value()
        named = self.references.get(number)
        if found is named or not (named is None or isinstance(named, Part)):
            raise LookupError("a reference to itself, or one of two with one number")
        self.references[number] = found
        if isinstance(found, NotKnown):
            found.addDependant(self.references, number)
            if named is not None:
                named.isLike(found)
        elif named is not None:
            named.resolveDependants(found)
            self.unjellier().goOn()
        return found

    cdef object dereference(self, number):
        unjellier = self.unjellier()
        if number not in self.references:
            if unjellier.hashing and number not in unjellier.opened:
                raise LookupError("a dereference before its reference, in a key")
            self.references[number] = Part(unjellier.queue)
        found = self.references[number]
        self.waits = self.waits or isinstance(found, NotKnown)
        return found

    cdef object moment(self, int word, bytes text):
        """
        A date, a time or a span of time.
        """
        if word == W_TIMEDELTA:
            days, seconds, microseconds = map(int, text.split())
            return datetime.timedelta(days, seconds, microseconds)
        return _moments[word](*map(int, text.split()))


@cython.final
cdef class _Filling:
    """
    Makes instances of a class as stock's C{RemoteCopy.setCopyableState} does.
    """

    cdef object cls

    def __cinit__(self, cls):
        self.cls = cls

    def __call__(self, state):
        return self.fill(state, 0)

    cdef object fill(self, state, Py_ssize_t alone):
        """
        @param alone: how many references there are to a state that nobody else
            has.
        """
        cls = self.cls
        if (<PyTypeObject *>cls).tp_new == (<PyTypeObject *>object).tp_new:
            made = (<PyTypeObject *>cls).tp_new(<PyTypeObject *>cls, (), NULL)
        else:
            made = cls.__new__(cls)
        if type(state) is not dict:
            made.setCopyableState(state)
            return made
        # Nobody else has it, most times.
        cdef dict own = <dict>state if Py_REFCNT(state) <= alone else state.copy()
        for name in <dict>state:
            if type(name) is not str and isinstance(name, bytes):
                own = {
                    (key.decode("utf8") if isinstance(key, bytes) else key): item
                    for key, item in (<dict>state).items()
                }
                break
        made.__dict__ = own
        return made


STATES[RemoteCopy.setCopyableState] = _Filling

cdef dict _tables = unjellyableRegistry
cdef dict _factories = unjellyableFactoryRegistry

# What reads the words of jelly, if it is not read here.
cdef dict _data = dict(DATA)
# The last registry's readers, in which each word of jelly means what it does in
# it: no tag can take the place of one.
cdef object _usual


cdef dict _moments = {
    W_DATETIME: datetime.datetime, W_DATE: datetime.date, W_TIME: datetime.time
}


def decodeTokens(bytes data not None):
    """
    See L{pbext.wire._decoder.decodeTokens}.
    """
    cdef Py_ssize_t at = 0
    return _lists(
        <const unsigned char *>PyBytes_AS_STRING(data), &at, PyBytes_GET_SIZE(data)
    )


def read(part, *terms):
    """
    See L{pbext.wire._unjelly.read}; without lists, if it is in bytes.
    """
    cdef _Reading reading
    if type(part) is not Encoded or part.cyclic:
        return readLists(part, *terms)
    reading = _Reading.__new__(_Reading, part.data, terms)
    try:
        result = reading.value()
    except PeerError as error:
        if type(error.where) is int:
            error.where = _placed(part.data, error.where)
        raise
    if reading._unjellier is not None:
        reading._unjellier.finish()
    return result


cdef object _placed(bytes data, Py_ssize_t offset):
    """
    @return: the path of the list that begins at an offset, and its first word.
    """
    cdef const unsigned char *p = <const unsigned char *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t at = 0, number = 0
    cdef Token t
    while at < offset:
        at = _whole(p, at, PyBytes_GET_SIZE(data), &t)
        number += t.type == LIST
    at = 0
    sexp = _lists(p, &at, PyBytes_GET_SIZE(data))
    part = _preorder(sexp)[number]
    return pathTo(sexp, part), part[0]


cdef list _preorder(sexp):
    """
    The lists in an expression, in the order in which they begin.
    """
    cdef list found = [], stack = [sexp]
    while stack:
        inner = stack.pop()
        found.append(inner)
        stack.extend([part for part in reversed(inner) if type(part) is list])
    return found


# What has been met on the way: where it begins in the bytes, and its number if
# it is referred to.
ctypedef struct Met:
    void *object
    Py_ssize_t at
    int64_t number

cdef enum:
    FEW = 8       # of what is met, without memory of its own
    FIRST_BYTES = 512

# The words of the vocabulary by a hash of theirs that keeps them apart.
cdef struct Symbol:
    const char *word
    Py_ssize_t size
    unsigned char number

cdef Symbol _symbols[256]


cdef inline unsigned char _hash(const char *word, Py_ssize_t size) noexcept:
    return <unsigned char>(
        <unsigned char>word[0] + 3 * <unsigned char>word[size - 1] + 17 * size
    )


cdef inline int _numberOf(const char *word, Py_ssize_t size) noexcept:
    """
    @return: the number of a word, or 0.
    """
    cdef Symbol *symbol
    if 4 <= size <= 13:
        symbol = &_symbols[_hash(word, size)]
        if symbol.size == size and memcmp(symbol.word, word, size) == 0:
            return symbol.number
    return 0


cdef int _fillSymbols() except -1:
    cdef bytes word
    cdef Symbol *symbol
    for number, word in enumerate(_words):
        if number:
            symbol = &_symbols[_hash(word, len(word))]
            assert symbol.word == NULL
            symbol.word = PyBytes_AS_STRING(word)  # _words keeps it
            symbol.size = len(word)
            symbol.number = number
    return 0

_fillSymbols()


@cython.final
@cython.freelist(8)
cdef class _Output:
    """
    Bytes that become more.
    """

    cdef unsigned char *data
    cdef Py_ssize_t size, capacity
    cdef Py_ssize_t limit
    cdef bint tooLong    # whether a string or a list is longer than the limit

    def __dealloc__(self):
        PyMem_Free(self.data)

    cdef inline unsigned char *room(self, Py_ssize_t more) except NULL:
        """
        @return: where so many more bytes may be put.
        """
        if self.capacity - self.size <= more:
            self.grow(more)
        return self.data + self.size

    cdef int grow(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t capacity
        cdef void *grown
        capacity = max(2 * self.capacity, self.size + more + 1, FIRST_BYTES)
        grown = PyMem_Realloc(self.data, capacity)
        if grown == NULL:
            raise MemoryError()
        self.data = <unsigned char *>grown
        self.capacity = capacity
        return 0

    cdef inline int raw(self, const void *data, Py_ssize_t size) except -1:
        memcpy(self.room(size), data, size)
        self.size += size
        return 0

    cdef inline int head(self, uint64_t number, unsigned char kind) except -1:
        """
        A number and a type byte.
        """
        cdef unsigned char *p = self.room(11)
        cdef Py_ssize_t digits = 1
        if number < 0x80:
            p[0] = number
            p[1] = kind
            self.size += 2
            return 0
        p[0] = number & 0x7F
        number >>= 7
        while number:
            p[digits] = number & 0x7F
            digits += 1
            number >>= 7
        p[digits] = kind
        self.size += digits + 1
        return 0

    cdef inline int list(self, Py_ssize_t count) except -1:
        if count > self.limit:
            self.tooLong = True
        return self.head(count, LIST)

    cdef int string(self, const char *word, Py_ssize_t size) except -1:
        """
        Bytes, or a word of PB's by its number.
        """
        cdef int number = _numberOf(word, size)
        if number:
            return self.head(number, VOCAB)
        if size > self.limit:
            self.tooLong = True
        self.head(size, STRING)
        return self.raw(word, size)

    cdef int integer(self, value) except -1:
        """
        @raise OverflowError: if it has more than 448 bits.
        """
        cdef int overflow = 0
        cdef long long small = PyLong_AsLongLongAndOverflow(value, &overflow)
        cdef unsigned char *p
        cdef Py_ssize_t digits
        cdef unsigned char kind
        if not overflow:
            if small >= 0:
                return self.head(small, INT if small <= 0x7FFFFFFF else LONGINT)
            kind = NEG if small >= -<long long>0x80000000 else LONGNEG
            return self.head(-<uint64_t>small, kind)
        cdef bytes whole = abs(value).to_bytes(56, "little")
        digits = (value.bit_length() + 6) // 7
        p = self.room(PREFIX + 1)
        _base128(<const unsigned char *>PyBytes_AS_STRING(whole), p, digits)
        p[digits] = LONGNEG if overflow < 0 else LONGINT
        self.size += digits + 1
        return 0

    cdef int float(self, double value) except -1:
        cdef uint64_t bits
        cdef unsigned char *p = self.room(9)
        cdef int i
        memcpy(&bits, &value, 8)
        p[0] = FLOAT
        for i in range(8):
            p[8 - i] = bits & 0xFF
            bits >>= 8
        self.size += 9
        return 0

    cdef bytes whole(self):
        return PyBytes_FromStringAndSize(<const char *>self.data, self.size)


cdef int _base128(
    const unsigned char *whole, unsigned char *p, Py_ssize_t digits
) noexcept:
    cdef unsigned int pending = 0
    cdef int bits = 0
    cdef Py_ssize_t i
    for i in range(digits):
        if bits < 7:
            pending |= <unsigned int>whole[0] << bits
            whole += 1
            bits += 8
        p[i] = pending & 0x7F
        pending >>= 7
        bits -= 7
    return 0


def encodeTokens(sexp, bint vocabulary, Py_ssize_t limit):
    """
    See L{pbext.wire._banana.encodeTokens}.
    """
    cdef _Output output = _Output.__new__(_Output)
    output.limit = limit
    _tokens(output, sexp, vocabulary)
    return output.whole()


cdef int _tokens(_Output output, value, bint vocabulary) except -1:
    cdef Py_ssize_t size
    cdef int number
    if isinstance(value, (list, tuple)):
        if len(value) > output.limit:
            raise BananaError(f"a list of {len(value)} items is too long to send")
        output.list(len(value))
        _deeper()
        try:
            for item in value:
                _tokens(output, item, vocabulary)
        finally:
            Py_LeaveRecursiveCall()
    elif isinstance(value, bytes):
        size = PyBytes_GET_SIZE(value)
        number = _numberOf(PyBytes_AS_STRING(value), size) if vocabulary else 0
        if number:
            return output.head(number, VOCAB)
        if size > output.limit:
            raise BananaError(f"a string of {size} bytes is too long to send")
        output.head(size, STRING)
        output.raw(PyBytes_AS_STRING(value), size)
    elif isinstance(value, int):
        try:
            output.integer(value)
        except OverflowError:
            raise BananaError(
                "an integer of more than 448 bits is too large to send"
            ) from None
    elif isinstance(value, float):
        output.float(value)
    elif type(value) is Encoded:
        if vocabulary:
            output.raw(PyBytes_AS_STRING(value.data), PyBytes_GET_SIZE(value.data))
        else:
            _tokens(output, decodeTokens(value.data), vocabulary)
    else:
        raise BananaError(f"Banana cannot send {qual(type(value))} objects")
    return 0


@cython.final
@cython.freelist(8)
cdef class Encoder:
    """
    See L{pbext.wire._encoder.Encoder}.
    """

    cdef public bint shared, perView
    cdef public object owner

    cdef object _broker
    cdef object _context, _outer
    # The last classes whose hooks were found not to be a user's, and what was found.
    cdef object _tagged, _tag, _gathered, _gather
    cdef dict _copiers
    cdef _Output _output
    cdef Met *_met
    cdef Met _few[FEW]
    cdef Py_ssize_t _metMask, _metCount
    cdef list _alive
    cdef int64_t _lastNumber
    cdef object _facade
    # What the bytes are not yet: from where on, how many bytes less, and which
    # bytes more, or, until the end, what they are made of.
    cdef list _edits

    def __cinit__(self, broker, context=None):
        self._broker = broker
        self._context = context
        self._copiers = broker.registry.copiers
        self._output = _Output.__new__(_Output)
        self._output.limit = broker.stringLimit
        self.shared = True
        self._met = self._few
        self._metMask = FEW - 1
        self._alive = []

    def __dealloc__(self):
        if self._met != self._few:
            PyMem_Free(self._met)

    def encode(self, value):
        """
        @raise NotSendable: if it holds something that cannot be sent.
        """
        try:
            return self._encode(value)
        finally:
            # It knows this encoder, so both would live on, with all that was met.
            self._facade = None
            if self._outer is not None:
                self._broker.leave(self._outer)

    cdef object _encode(self, value):
        cdef _Output output = self._output
        if not self._knowsKinds():
            return self._encodeLists(value)
        try:
            self._write(value)
        except Flaw as flaw:
            raise flaw.whole() from None
        data = output.whole() if self._edits is None else self._edited()
        encoded = _newEncoded(data, self._lastNumber != 0)
        if output.tooLong:
            checkSendable(encoded.sexp(), strict=False, limit=output.limit)
        return encoded

    cdef bint _knowsKinds(self) except -1:
        asked = self._broker.security.isTypeAllowed
        if not (_isMethod(asked, _byTable) or _isMethod(asked, _always)):
            return False
        if self._copiers:
            for kind in self._copiers:
                if kind in KINDS:
                    return False
        return True

    cdef object _encodeLists(self, value):
        limit = self._output.limit
        self.shared = False
        self._tellBroker()
        sexp = CopyingJellier(self._broker.security, self._broker).jellyFull(value)
        checkSendable(sexp, strict=False, limit=limit)
        return Encoded(encodeTokens(sexp, True, limit), True)

    cdef int _tellBroker(self) except -1:
        """
        Before a hook is called; it may do anything.
        """
        self._tagged = self._gathered = None
        if self._context is not None:
            self._outer = self._broker.enter(self._context)
            self._context = None
        return 0

    cdef bytes _edited(self):
        """
        The bytes with what was found out about them later.
        """
        cdef _Output whole = _Output.__new__(_Output)
        cdef Py_ssize_t at = 0, here, less
        self._edits.sort(key=_placeOf)
        for here, less, more in self._edits:
            whole.raw(self._output.data + at, here - at)
            if type(more) is not bytes:
                more = encodeTokens(more[0], True, self._output.limit)
            whole.raw(PyBytes_AS_STRING(more), PyBytes_GET_SIZE(more))
            at = here + less
        whole.raw(self._output.data + at, self._output.size - at)
        return whole.whole()

    cdef int _edit(self, Py_ssize_t at, Py_ssize_t less, more) except -1:
        if self._edits is None:
            self._edits = []
        self._edits.append((at, less, more))
        return 0

    def newNumber(self):
        """
        See L{IEncoder<pbext.wire._jellier.IEncoder>}.
        """
        self._lastNumber += 1
        return self._lastNumber

    def reference(self, obj):
        """
        See L{IEncoder<pbext.wire._jellier.IEncoder>}.
        """
        cdef int64_t number = self._numberOf(obj)
        return [b"dereference", number] if number else None

    cdef inline Met *_find(self, void *object) noexcept:
        cdef size_t place = (<size_t>object >> 4) * <size_t>0x9E3779B97F4A7C15
        place >>= 20
        while True:
            place &= self._metMask
            if self._met[place].object == object or self._met[place].object == NULL:
                return &self._met[place]
            place += 1

    cdef int64_t _numberOf(self, obj) except -1:
        """
        @return: the number of what was met before, or 0.
        """
        cdef Met *met = self._find(<void *>obj)
        cdef _Output wrapper
        if met.object == NULL:
            return 0
        if not met.number:
            self._lastNumber += 1
            met.number = self._lastNumber
            wrapper = _Output.__new__(_Output)
            wrapper.raw(b"\x03\x80\x04\x87", 4)
            wrapper.integer(met.number)
            self._edit(met.at, 0, wrapper.whole())
        return met.number

    cdef int _meet(self, obj) except -1:
        """
        What follows is this object.
        """
        cdef Met *met
        if 2 * self._metCount > self._metMask:
            self._growMet()
        met = self._find(<void *>obj)
        if met.object == NULL:
            self._metCount += 1
        met.object = <void *>obj
        met.at = self._output.size
        self._alive.append(obj)
        return 0

    cdef int _growMet(self) except -1:
        cdef Met *old = self._met
        cdef Py_ssize_t size = self._metMask + 1, i
        cdef Met *grown = <Met *>PyMem_Calloc(4 * size, sizeof(Met))
        if grown == NULL:
            raise MemoryError()
        self._met = grown
        self._metMask = 4 * size - 1
        for i in range(size):
            if old[i].object != NULL:
                self._find(old[i].object)[0] = old[i]
        if old != self._few:
            PyMem_Free(old)
        return 0

    cdef int _write(self, value) except -1:
        cdef type kind = type(value)
        cdef _Output output = self._output
        if kind is str:
            return self._text(value)
        if kind is int:
            try:
                return output.integer(value)
            except OverflowError:
                _leaves[int](value)  # says what is wrong
                raise
        if value is None:
            return output.raw(b"\x01\x80\x01\x87", 4)
        if value is True:
            return output.raw(b"\x02\x80\x07\x82boolean\x04\x82true", 17)
        if value is False:
            return output.raw(b"\x02\x80\x07\x82boolean\x05\x82false", 18)
        if kind is float:
            return output.float(value)
        if kind is bytes:
            return output.string(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        if kind is not dict and kind is not list and kind is not tuple:
            leaf = _leaves.get(kind)
            if leaf is not None:
                encoded = leaf(value)
                return output.raw(
                    PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded)
                )
        _deeper()
        try:
            return self._writeMeetable(value, kind)
        finally:
            Py_LeaveRecursiveCall()

    cdef int _text(self, str value) except -1:
        cdef _Output output = self._output
        output.raw(b"\x02\x80\x07\x82unicode", 11)
        if PyUnicode_IS_COMPACT_ASCII(value):
            return output.string(
                <const char *>PyUnicode_DATA(value), PyUnicode_GET_LENGTH(value)
            )
        try:
            encoded = PyUnicode_AsUTF8String(value)
        except UnicodeEncodeError:
            raise Flaw(notUTF8()) from None
        return output.string(PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded))

    cdef int _writeMeetable(self, value, type kind) except -1:
        cdef int64_t number = self._numberOf(value)
        cdef bint container = (
            kind is dict
            or kind is list
            or kind is tuple
            or kind is set
            or kind is frozenset
        )
        if not number and self._facade is not None:
            if container or self._isOwn(value, kind):
                known = self._facade.known(value)
                if known is not None:
                    number = known[1]
        if number:
            self._output.raw(b"\x02\x80\x03\x87", 4)
            return self._output.integer(number)
        if kind is dict:
            return self._writeDict(value)
        if kind is list:
            return self._writeList(value)
        if kind is tuple:
            return self._writeTuple(value)
        if container:
            return self._writeSet(value, kind is set)
        if self._isOwn(value, kind):
            return self._writeOwn(value, kind)
        return self._writeOther(value)

    cdef bint _isOwn(self, value, type kind) except -1:
        """
        Whether an object is written here: of a class with a copier, or one
        that is jellied as stock's Copyable.
        """
        if self._copiers and kind in self._copiers:
            return True
        return isinstance(value, Copyable) and _does(
            value, _attributesOf(value), "jellyFor", _jellyFor
        )

    cdef int _writeList(self, list value) except -1:
        cdef Py_ssize_t index = 0, announced = len(value)
        self._meet(value)
        cdef Py_ssize_t at = self._output.size
        self._output.list(announced + 1)
        cdef Py_ssize_t body = self._output.size
        self._output.raw(b"\x08\x87", 2)
        try:
            # Live, for a hook may change it.
            while index < len(value):
                item = value[index]
                self._write(item)
                index += 1
        except Flaw as flaw:
            flaw.steps.append(f"[{index}]")
            raise
        return self._recount(at, body, announced, index)

    cdef int _recount(
        self, Py_ssize_t at, Py_ssize_t body, Py_ssize_t announced, Py_ssize_t count
    ) except -1:
        """
        Correct how many items there are, if a hook has changed that.
        """
        cdef _Output head
        if count == announced:
            return 0
        head = _Output.__new__(_Output)
        head.limit = self._output.limit
        head.list(count + 1)
        self._output.tooLong |= head.tooLong
        return self._edit(at, body - at, head.whole())

    cdef int _writeTuple(self, tuple value) except -1:
        cdef Py_ssize_t index = 0
        self._meet(value)
        self._output.list(len(value) + 1)
        self._output.raw(b"\x0b\x87", 2)
        try:
            for index in range(len(value)):
                self._write(value[index])
        except Flaw as flaw:
            flaw.steps.append(f"[{index}]")
            raise
        return 0

    cdef int _writeSet(self, value, bint mutable) except -1:
        cdef Py_ssize_t index = 0, announced = len(value)
        self._meet(value)
        cdef Py_ssize_t at = self._output.size
        self._output.list(announced + 1)
        cdef Py_ssize_t body = self._output.size
        if mutable:
            self._output.raw(b"\x03\x82set", 5)
        else:
            self._output.raw(b"\x09\x82frozenset", 11)
        try:
            for item in value:
                self._write(item)
                index += 1
        except Flaw as flaw:
            flaw.steps.append(f"[{index}]")
            raise
        return self._recount(at, body, announced, index)

    cdef int _writeDict(self, dict value) except -1:
        cdef Py_ssize_t position = 0, announced = len(value), count = 0
        cdef PyObject *keyAt
        cdef PyObject *itemAt
        cdef object key = None
        cdef bint inKey = True
        self._meet(value)
        cdef Py_ssize_t at = self._output.size
        self._output.list(announced + 1)
        cdef Py_ssize_t body = self._output.size
        self._output.raw(b"\x05\x87", 2)
        try:
            while PyDict_Next(value, &position, &keyAt, &itemAt):
                # As Python's own iterators have it.
                if count == announced:
                    raise RuntimeError("dictionary keys changed during iteration")
                count += 1
                inKey = True
                key = <object>keyAt
                item = <object>itemAt
                self._output.raw(b"\x02\x80", 2)
                self._write(key)
                inKey = False
                self._write(item)
                if len(value) != announced:
                    raise RuntimeError("dictionary changed size during iteration")
        except Flaw as flaw:
            flaw.steps.append("{key}" if inKey else keyStep(key))
            raise
        return self._recount(at, body, announced, count)

    cdef int _writeOwn(self, value, type kind) except -1:
        outer = self.owner
        copier = self._copiers.get(kind) if self._copiers else None
        try:
            if copier is None:
                self._writeCopyable(value)
            else:
                self._writeCopied(value, copier)
        except NotSendable as error:
            if error.owner is None:
                raise
            raise Flaw(error) from None
        self.owner = outer
        return 0

    cdef int _writeCopyable(self, value) except -1:
        # Stock's own hooks do nothing but call the others, which may be stock's
        # as well (twisted.spread.flavors.Copyable).
        cdef dict own = _attributesOf(value)
        tag = None
        if not _does(value, own, "getTypeToCopyFor", _getTypeToCopyFor):
            tag = self._askFor(value.getTypeToCopyFor)
        elif not _does(value, own, "getTypeToCopy", _getTypeToCopy):
            tag = self._tagOf(value, own)
        if not _does(value, own, "getStateToCopyFor", _getStateToCopyFor):
            state = self._askFor(value.getStateToCopyFor)
        elif not _does(value, own, "getStateToCopy", _getStateToCopy):
            state = self._stateOf(value, own)
        else:
            state = value.__dict__ if own is None else own
        self._meet(value)
        self._output.raw(b"\x02\x80", 2)
        if tag is None:
            self._name(value.__class__)
        elif type(tag) is bytes:
            self._output.string(PyBytes_AS_STRING(tag), PyBytes_GET_SIZE(tag))
        else:
            try:
                checkSendable([tag], limit=self._output.limit)
            except NotSendable as error:
                raise Flaw(error) from None
            _tokens(self._output, tag, True)
        self.owner = value
        return self._write(state)

    cdef object _tagOf(self, value, dict own):
        find = _inTable(_tags, value, own, "getTypeToCopy")
        if find is None:
            self._tellBroker()
            return value.getTypeToCopy()
        if type(value) is not self._tagged:
            self._tag = find(value.__class__)
            self._tagged = type(value)
        return self._tag

    cdef object _stateOf(self, value, dict own):
        find = _inTable(_gatherers, value, own, "getStateToCopy")
        if find is not None:
            if type(value) is not self._gathered:
                self._gather = find(value.__class__)
                self._gathered = type(value)
            if self._gather is not None:
                return self._gather(value)
        self._tellBroker()
        return value.getStateToCopy()

    cdef object _askFor(self, hook):
        """
        @param hook: one that is asked for each perspective.
        """
        self.perView = True
        self._tellBroker()
        return hook(self._broker.serializingPerspective)

    cdef int _name(self, cls) except -1:
        """
        What stock's hook calls a class: twisted.python.reflect.qual.
        """
        cdef _Output output = self._output
        module, name = cls.__module__, cls.__name__
        if not (
            type(module) is str
            and type(name) is str
            and PyUnicode_IS_COMPACT_ASCII(module)
            and PyUnicode_IS_COMPACT_ASCII(name)
        ):
            tag = (module + "." + name).encode("utf-8")
            return output.string(PyBytes_AS_STRING(tag), PyBytes_GET_SIZE(tag))
        output.head(len(<str>module) + 1 + len(<str>name), STRING)
        output.raw(PyUnicode_DATA(module), len(<str>module))
        output.raw(b".", 1)
        return output.raw(PyUnicode_DATA(name), len(<str>name))

    cdef int _writeCopied(self, value, copier) except -1:
        self._tellBroker()
        _cls, toWire = copier.sender
        tag = copier.tag.encode("utf-8")
        self._meet(value)
        self._output.raw(b"\x02\x80", 2)
        self._output.string(PyBytes_AS_STRING(tag), PyBytes_GET_SIZE(tag))
        if isinstance(value, Copyable):
            self.owner = value
        return self._write(toWire(value))

    cdef int _writeOther(self, value) except -1:
        """
        What has hooks of its own, and what cannot be sent.
        """
        self.shared = False
        self._tellBroker()
        if self._facade is None:
            self._facade = Facade(self, self._broker)
        prepared = self._facade.prepared()
        sexp = self._facade.jellyPart(value)
        if self._facade.prepared() == prepared:
            return _tokens(self._output, sexp, True)
        self._edit(self._output.size, 1, (sexp,))
        return self._output.raw(b"\0", 1)  # a place of its own


cdef dict _leaves = LEAVES
cdef dict _tags = TAGS
cdef dict _gatherers = GATHERERS


def _placeOf(edit):
    # What is put before a list comes before what is changed in its head.
    return edit[0], edit[1]


cdef object _byTable = SecurityOptions.isTypeAllowed
cdef object _always = DummySecurityOptions.isTypeAllowed
cdef object _jellyFor = Copyable.jellyFor
cdef object _getTypeToCopyFor = Copyable.getTypeToCopyFor
cdef object _getTypeToCopy = Copyable.getTypeToCopy
cdef object _getStateToCopyFor = Copyable.getStateToCopyFor
cdef object _getStateToCopy = Copyable.getStateToCopy


cdef dict _attributesOf(value):
    """
    @return: those that are an object's own, if they are looked up as usual.
    """
    if Py_TYPE(value).tp_getattro == PyObject_GenericGetAttr:
        own = getattr(value, "__dict__", _NONE)
        if type(own) is dict:
            return own
    return None


cdef dict _NONE = {}


cdef bint _does(value, dict own, str name, function) except -1:
    """
    Whether a method of an object is a certain function.

    @param own: L{_attributesOf} the object.
    """
    if own is None:
        return _isMethod(getattr(value, name, None), function)
    # Without a bound method.
    return (
        _PyType_Lookup(Py_TYPE(value), name) == <PyObject *>function
        and name not in own
    )


cdef object _inTable(dict table, value, dict own, str name):
    """
    @param own: L{_attributesOf} the object.
    @return: what a table has of the function that is a method of an object.
    """
    cdef PyObject *hook
    if own is None or name in own:
        return None
    hook = _PyType_Lookup(Py_TYPE(value), name)
    if hook == NULL or not PyFunction_Check(<object>hook):
        return None
    return table.get(<object>hook)


cdef inline bint _isMethod(hook, function) noexcept:
    return PyMethod_Check(hook) and PyMethod_GET_FUNCTION(hook) == <PyObject *>function
