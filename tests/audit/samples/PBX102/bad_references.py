from twisted.spread import pb


class Board(pb.Avatar):
    def __init__(self):
        self.readers = []

    def perspective_join(self, reader):
        self.readers.append(reader)

    def listen(self, reader):
        reader.notifyOnDisconnect(self.lost)
        self.readers.append(reader)

    def lost(self, reader):
        self.readers = [r for r in self.readers if r is not reader]

    def say(self, text):
        for reader in list(self.readers):
            reader.callRemote("say", text).addErrback(print)  # finds: PBX102
