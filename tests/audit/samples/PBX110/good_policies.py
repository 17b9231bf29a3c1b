"""
What opens nothing.
"""

from twisted.spread import jelly, pb
from twisted.spread.jelly import DummySecurityOptions, globalSecurity

from pbext import pb as ours

registry = ours.Registry()


class Frog:
    pass


globalSecurity.allowBasicTypes()
jelly.globalSecurity.allowTypes("frog")  # a tag without a dot


class Logged(jelly.SecurityOptions):
    def isTypeAllowed(self, name):
        print("asked for a type")
        return super().isTypeAllowed(name)


class Narrow:
    def isModuleAllowed(self, name):
        return name == "pond"

    def isClassAllowed(self, cls):
        return True

    def isTypeAllowed(self, name):
        return True


class Unrelated:
    def isModuleAllowed(self, name):
        return True


def serve(root):
    policy = jelly.SecurityOptions()
    policy.allowBasicTypes()
    return pb.PBServerFactory(root, security=policy)


def serveOurs(root, **options):
    return [
        ours.PBServerFactory(root, registry=registry),
        ours.PBServerFactory(root, **options),
    ]


def connect():
    return ours.PBClientFactory()


def onDisk(frog):
    policy = jelly.SecurityOptions()
    policy.allowInstancesOf(Frog)
    return jelly.unjelly(jelly.jelly(frog, policy), policy)


def isOpen(broker):
    return isinstance(broker.security, DummySecurityOptions)


def forTheLog(thing):
    return jelly.jelly(thing, DummySecurityOptions())
