"""
What Perspective Broker has no word for.
"""

from __future__ import annotations

__all__ = ["ONLY_OURS", "UNSENDABLE"]

_NAMES = {
    "a lock": "threading.Lock threading.RLock threading.Event threading.Condition "
    "threading.Semaphore threading.BoundedSemaphore threading.Barrier _thread.lock "
    "_thread.allocate_lock _thread.RLock asyncio.Lock asyncio.Event "
    "asyncio.Condition asyncio.Semaphore "
    "twisted.internet.defer.DeferredLock twisted.internet.defer.DeferredSemaphore",
    "a thread": "threading.Thread threading.Timer threading.local "
    "concurrent.futures.Future concurrent.futures.ThreadPoolExecutor "
    "concurrent.futures.ProcessPoolExecutor concurrent.futures.Executor",
    "a socket": "socket.socket ssl.SSLSocket ssl.SSLContext socket.create_connection",
    "a file": "typing.IO typing.TextIO typing.BinaryIO io.IOBase io.TextIOWrapper "
    "io.BufferedReader io.BufferedWriter io.BytesIO io.StringIO io.open "
    "io.TextIOBase io.RawIOBase builtins.open _io.TextIOWrapper _io.BytesIO "
    "_io.StringIO tempfile.TemporaryFile tempfile.NamedTemporaryFile",
    "a process": "subprocess.Popen",
    "a function": "typing.Callable collections.abc.Callable types.FunctionType "
    "types.LambdaType types.MethodType types.BuiltinFunctionType functools.partial",
    "a module": "types.ModuleType importlib.import_module",
    "a generator": "typing.Generator typing.Iterator typing.AsyncIterator "
    "typing.AsyncGenerator collections.abc.Generator collections.abc.Iterator "
    "collections.abc.AsyncIterator collections.abc.AsyncGenerator "
    "types.GeneratorType builtins.iter builtins.map builtins.filter builtins.zip "
    "builtins.enumerate builtins.reversed itertools.count itertools.cycle "
    "itertools.chain",
    "a coroutine": "typing.Awaitable typing.Coroutine collections.abc.Awaitable "
    "collections.abc.Coroutine types.CoroutineType asyncio.Task asyncio.Future",
    "a Deferred": "twisted.internet.defer.Deferred twisted.internet.defer.succeed "
    "twisted.internet.defer.DeferredList twisted.internet.defer.fail "
    "twisted.internet.defer.DeferredQueue twisted.internet.defer.gatherResults",
    "a timer": "twisted.internet.task.LoopingCall twisted.internet.task.Clock "
    "twisted.internet.reactor.callLater",
    "a logger": "logging.Logger logging.LoggerAdapter logging.getLogger "
    "twisted.logger.Logger twisted.logger._logger.Logger",
    "a queue": "queue.Queue queue.LifoQueue queue.PriorityQueue queue.SimpleQueue "
    "asyncio.Queue multiprocessing.Queue",
    "a pattern": "re.Pattern typing.Pattern re.compile",
    "a database": "sqlite3.Connection sqlite3.Cursor sqlite3.connect",
    "a weak reference": "weakref.ref weakref.proxy weakref.WeakSet "
    "weakref.WeakKeyDictionary weakref.WeakValueDictionary weakref.ReferenceType "
    "_weakrefset.WeakSet",
    "a view of memory": "builtins.memoryview",
    "a range": "builtins.range",
    "a fraction": "fractions.Fraction",
    "an address": "ipaddress.IPv4Address ipaddress.IPv6Address "
    "ipaddress.IPv4Network ipaddress.IPv6Network ipaddress.ip_address "
    "ipaddress.ip_network",
    "a namespace": "types.SimpleNamespace argparse.Namespace",
}

#: By canonical name: what it is, in a word.  Nobody can send these.
UNSENDABLE = {name: word for word, names in _NAMES.items() for name in names.split()}

#: These travel as fields that pbext's classes declare, and in no other way.
ONLY_OURS = frozenset(
    "builtins.bytearray builtins.complex collections.Counter collections.OrderedDict "
    "collections.defaultdict collections.deque enum.Enum pathlib.Path "
    "pathlib.PosixPath pathlib.PurePath pathlib.PurePosixPath "
    "pathlib.PureWindowsPath pathlib.WindowsPath uuid.UUID uuid.uuid1 uuid.uuid3 "
    "uuid.uuid4 uuid.uuid5".split()
)
