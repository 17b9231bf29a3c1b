from twisted.spread.pb import RemoteCache as Cache


class Watching(Cache):
    def __init__(self, app):
        self.app = app
