"""
A base that gives away its own dict.
"""

from twisted.spread.pb import Copyable


class Base(Copyable):
    def getStateToCopy(self):
        return self.__dict__
