from twisted.spread import pb


class Board(pb.Root):
    def __init__(self):
        self.readers = {}
        self.topics = set()

    def remote_join(self, name, reader, topic):
        self.readers[name] = reader
        if topic not in self.topics:
            self.topics.add(topic)

    def remote_leave(self, name, topic):
        del self.readers[name]
        self.topics.remove(topic)

    def say(self, text):
        for reader in list(self.readers.values()):
            try:
                reader.callRemote("say", text)
            except pb.DeadReferenceError:
                pass
