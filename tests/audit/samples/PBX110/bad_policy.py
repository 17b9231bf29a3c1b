"""
A policy of one factory's own, which allows too much.
"""

from twisted.spread import jelly, pb
from twisted.spread.jelly import SecurityOptions


class Frog:
    pass


class Duck:  # finds: PBX110
    """
    Says yes to whatever it is asked.
    """

    def isModuleAllowed(self, name):
        return True

    def isClassAllowed(self, cls):
        return issubclass(cls, Frog)

    def isTypeAllowed(self, name):
        return 1


class Loose(SecurityOptions):  # finds: PBX110
    def isModuleAllowed(self, name):
        return True

    def isClassAllowed(self, cls):
        return True


def serve(root):
    policy = SecurityOptions()
    policy.allowBasicTypes()
    policy.allowInstancesOf(Frog)  # finds: PBX110
    return pb.PBServerFactory(root, security=policy)


class Client:
    def __init__(self):
        self.security = jelly.SecurityOptions()
        self.security.allowInstancesOf(Frog)  # finds: PBX110
