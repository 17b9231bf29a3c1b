"""
What belongs to the process, opened by one of its modules.
"""

from twisted.spread import jelly, pb
from twisted.spread import pb as perspectives
from twisted.spread.jelly import globalSecurity
from twisted.spread.jelly import globalSecurity as everybody


class Frog:
    pass


class Toad:
    pass


jelly.globalSecurity.allowInstancesOf(Frog)  # finds: PBX110
everybody.allowInstancesOf(Toad)  # finds: PBX110
perspectives.globalSecurity.allowModules("pond")  # finds: PBX110
globalSecurity.allowTypes("frog", "class")  # finds: PBX110
globalSecurity.allowedClasses[Toad] = 1  # finds: PBX110
globalSecurity.isTypeAllowed = lambda name: True  # finds: PBX110


def replace():
    pb.globalSecurity = jelly.SecurityOptions()  # finds: PBX110


def local():
    policy = jelly.globalSecurity
    policy.allowInstancesOf(Frog)  # finds: PBX110
