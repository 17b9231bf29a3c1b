from twisted.spread import pb


class Board(pb.Root):
    def __init__(self):
        self.readers = []
        self.names = {}
        self.words = []

    def remote_join(self, reader, name):
        self.readers.append(reader)
        self.names[reader] = name  # finds: PBX101
        self.words.append(name)

    def remote_leave(self, reader, name):
        self.readers.remove(reader)  # finds: PBX101
        self.names.pop(reader)  # finds: PBX101
        self.words.remove(name)

    def say(self, text):
        for reader in list(self.readers):
            try:
                reader.callRemote("say", text)
            except pb.DeadReferenceError:
                pass
        for reader in self.names:
            reader.callRemoteOnly = reader.callRemote("bye")
