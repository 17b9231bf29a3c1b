from twisted.spread import publish  # finds: PBX208


def wait(ref):
    return publish.whenReady(ref.callRemote("pond"))
