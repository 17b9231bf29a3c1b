"""
Perspective Broker, made safe and observable: change C{from twisted.spread
import pb} to C{from pbext import pb}, and keep the program.

    >>> from pbext import pb
    >>> class DuckPond(pb.Cacheable):
    ...     def __init__(self):
    ...         self.ducks = []
    ...     def addDuck(self, duck):
    ...         self.ducks.append(duck)
    ...         self.observers.callRemote("addDuck", duck)

L{pbext.pb} is all of C{twisted.spread.pb}, ours where we have one.  This
package itself exports what is ours alone.
"""

from pbext._broker import Broker
from pbext._cacheable import Cacheable, RemoteCache
from pbext._copyable import Copyable, RemoteCopy
from pbext._factories import PBClientFactory, PBServerFactory
from pbext._fields import LocalOnly
from pbext._observers import Counters, Delivery, Observer, Observers
from pbext._opaque import OpaqueCache, OpaqueCopy
from pbext._referenceable import Avatar, Referenceable, Root, ViewPoint
from pbext._references import RemoteMethod, RemoteReference
from pbext._registry import (
    Registration,
    Registry,
    defaultRegistry,
    setUnjellyableFactoryForClass,
    setUnjellyableForClass,
    setUnjellyableForClassTree,
)
from pbext._reports import swallowDeadReference
from pbext._tables import CacheState, Change
from pbext.limits import Limits

__all__ = [
    "Avatar",
    "Broker",
    "CacheState",
    "Cacheable",
    "Change",
    "Copyable",
    "Counters",
    "Delivery",
    "Limits",
    "LocalOnly",
    "Observer",
    "Observers",
    "OpaqueCache",
    "OpaqueCopy",
    "PBClientFactory",
    "PBServerFactory",
    "Referenceable",
    "Registration",
    "Registry",
    "RemoteCache",
    "RemoteCopy",
    "RemoteMethod",
    "RemoteReference",
    "Root",
    "ViewPoint",
    "defaultRegistry",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
    "swallowDeadReference",
]

__version__ = "0.1.0.dev0"
