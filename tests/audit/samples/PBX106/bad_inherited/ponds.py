import bases


class Pond(bases.Watched):
    def state(self):
        found = dict(self.__dict__)
        found.pop("ducks", None)
        return found  # finds: PBX106
