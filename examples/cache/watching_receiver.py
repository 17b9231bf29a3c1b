"""
The same with pbext, whose caches say what happens to them:
python watching_receiver.py [ENDPOINT]
"""

import sys

from twisted.internet.task import react

from receiver import Receiver, serve


class Watcher(Receiver):
    def remote_take(self, name, pond):
        pond.notifyOnChange(self.changed)
        pond.notifyOnStale(self.stale)
        return super().remote_take(name, pond)

    def changed(self, pond, change):
        print(f"{change.name}: {', '.join(pond.ducks)} ({pond.cacheState.value})")

    def stale(self, pond, reason):
        print(reason)


async def main(reactor, *argv):
    await serve(reactor, Watcher(), *argv)


if __name__ == "__main__":
    react(main, sys.argv[1:])
