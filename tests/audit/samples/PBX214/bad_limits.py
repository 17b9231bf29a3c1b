"""
Limits of the process.
"""

import twisted.spread.banana
from twisted.spread import banana, pb
from twisted.spread import pb as perspectives
from twisted.spread.banana import SIZE_LIMIT
from twisted.spread.pb import MAX_BROKER_REFS as most

from pbext import pb as ours

pb.MAX_BROKER_REFS = 4096  # finds: PBX214
perspectives.MAX_BROKER_REFS *= 4  # finds: PBX214
banana.SIZE_LIMIT = 10 * 1024 * 1024  # finds: PBX214
twisted.spread.banana.SIZE_LIMIT = 10 * 1024 * 1024  # finds: PBX214
setattr(banana, "SIZE_LIMIT", 10 * 1024 * 1024)  # finds: PBX214

# These do nothing.
most = 4096  # finds: PBX214
ours.MAX_BROKER_REFS = 4096  # finds: PBX214


def grow():
    global SIZE_LIMIT
    SIZE_LIMIT = 10 * 1024 * 1024  # finds: PBX214
