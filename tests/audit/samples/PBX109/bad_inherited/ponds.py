import base


class Pond(base.Followed):
    def getStateToCopy(self):
        return {}


class Lake(base.Quiet):
    def __init__(self):
        self.ducks = []

    def addDuck(self, duck):
        self.ducks.append(duck)
