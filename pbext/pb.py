"""
All of L{twisted.spread.pb}, ours where we have one: C{from pbext import pb}
is the one line that a program changes.

A class that receives (L{RemoteCopy}, L{RemoteCache}) may say these, for itself
and its subclasses:

  - C{copyUnknown}, a C{str}: what is done with fields that it does not
    declare: C{"ignore"}, the default, or C{"forbid"}, which refuses the object.
  - C{copyConstruct}, a C{bool}: whether a constructor that is written by hand
    is called, with the fields as keyword arguments.  C{False} by default:
    running a class's own code on a stranger's data is a power that registering
    the class does not give.
  - C{copyChecked}, a C{bool}: whether its fields are checked, and a generated
    constructor called.  C{True} by default.
  - C{copyVersion}, an C{int}: the version of its state, to which
    C{upgradeStateToVersionN(cls, state)}, for each number on the way, brings an
    older one.  By default it has none.
  - C{copyNewer}, a C{str}: what is done with a newer state: C{"refuse"}, the
    default, or C{"read"}.

What is no such state is refused, by an error of L{pbext.errors}: a
C{RefusedField} if a field is missing, not of its annotation, or unknown and
forbidden; a C{RefusedVersion} if there is no way from the one version to the
other; a C{RefusedObject} if a constructor or an upgrade fails.  What a class
says that makes no sense is a C{BadDeclaration} when it is registered.
"""

from twisted.spread.interfaces import IJellyable, IUnjellyable
from twisted.spread.jelly import globalSecurity, jelly, unjelly
from twisted.spread.pb import (
    MAX_BROKER_REFS,
    AsReferenceable,
    CopiedFailure,
    CopyableFailure,
    DeadReferenceError,
    Error,
    IPBRoot,
    IPerspective,
    IUsernameMD5Password,
    Jellyable,
    Local,
    NoSuchMethod,
    PBConnectionLost,
    ProtocolError,
    RemoteCacheObserver,
    RemoteError,
    Serializable,
    Viewable,
    challenge,
    copyTags,
    failure2Copyable,
    portno,
    respond,
)

from pbext import (
    Avatar,
    Broker,
    Cacheable,
    CacheState,
    Change,
    Copyable,
    Counters,
    Delivery,
    Limits,
    LocalOnly,
    Observer,
    Observers,
    OpaqueCache,
    OpaqueCopy,
    PBClientFactory,
    PBServerFactory,
    Referenceable,
    Registration,
    Registry,
    RemoteCache,
    RemoteCopy,
    RemoteMethod,
    RemoteReference,
    Root,
    ViewPoint,
    defaultRegistry,
    setUnjellyableFactoryForClass,
    setUnjellyableForClass,
    setUnjellyableForClassTree,
    swallowDeadReference,
)

setCopierForClass = setUnjellyableForClass
setCopierForClassTree = setUnjellyableForClassTree
setFactoryForClass = setUnjellyableFactoryForClass

__all__ = [
    "AsReferenceable",
    "Avatar",
    "Broker",
    "CacheState",
    "Cacheable",
    "Change",
    "CopiedFailure",
    "Copyable",
    "CopyableFailure",
    "Counters",
    "DeadReferenceError",
    "Delivery",
    "Error",
    "IJellyable",
    "IPBRoot",
    "IPerspective",
    "IUnjellyable",
    "IUsernameMD5Password",
    "Jellyable",
    "Limits",
    "Local",
    "LocalOnly",
    "MAX_BROKER_REFS",
    "NoSuchMethod",
    "Observer",
    "Observers",
    "OpaqueCache",
    "OpaqueCopy",
    "PBClientFactory",
    "PBConnectionLost",
    "PBServerFactory",
    "ProtocolError",
    "Referenceable",
    "Registration",
    "Registry",
    "RemoteCache",
    "RemoteCacheObserver",
    "RemoteCopy",
    "RemoteError",
    "RemoteMethod",
    "RemoteReference",
    "Root",
    "Serializable",
    "ViewPoint",
    "Viewable",
    "challenge",
    "copyTags",
    "defaultRegistry",
    "failure2Copyable",
    "globalSecurity",
    "jelly",
    "portno",
    "respond",
    "setCopierForClass",
    "setCopierForClassTree",
    "setFactoryForClass",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
    "swallowDeadReference",
    "unjelly",
]
