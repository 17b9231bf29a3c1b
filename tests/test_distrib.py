"""
C{twisted.web.distrib}, which carries HTTP requests between processes by
Perspective Broker, on pbext's factories (rule 21 of the classic guide).
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase
from twisted.web import distrib, http, resource, server
from twisted.web.client import Agent, HTTPConnectionPool, readBody
from twisted.web.iweb import IBodyProducer

from pbext import pb


class Page(resource.Resource):
    """
    Says what it was asked for; a body that is posted comes back.
    """

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        request.setHeader(b"x-pond", b"lily")
        return b"at " + request.path + b" for " + request.args[b"who"][0]

    def render_POST(self, request: Any) -> bytes:
        request.setResponseCode(http.CREATED)
        body: bytes = request.content.read()
        return body


class Large(resource.Resource):
    """
    More than one message of Perspective Broker's can carry.
    """

    isLeaf = True
    content = bytes(range(256)) * 3_000

    def render_GET(self, request: Any) -> bytes:
        return self.content


@implementer(IBodyProducer)
class Body:
    """
    A request's body.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        consumer.write(self._content)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def stopProducing(self) -> None:
        pass

    pauseProducing = resumeProducing = stopProducing


class DistribTests(TestCase):
    """
    A web server hands its requests to another server, by either's factories.
    """

    timeout = 30

    async def listen(self, factory: Any) -> int:
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
            factory
        )
        self.addCleanup(port.stopListening)
        number: int = port.getHost().port
        return number

    async def serve(self, publishing: Any, subscribing: Any) -> str:
        """
        @param publishing: the module whose factory the pages are served by.
        @param subscribing: the module whose factory the web server uses.
        @return: the address of the web server.
        """
        pages = resource.Resource()
        pages.putChild(b"page", Page())
        pages.putChild(b"large", Large())
        publisher = distrib.ResourcePublisher(server.Site(pages))
        there = await self.listen(publishing.PBServerFactory(publisher))
        subscription = distrib.ResourceSubscription("127.0.0.1", there)
        client = subscribing.PBClientFactory()
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", there)
        broker = await endpoint.connect(client)
        self.addCleanup(self.leave, broker)
        subscription.connected(await client.getRootObject())
        root = resource.Resource()
        root.putChild(b"there", subscription)
        return f"http://127.0.0.1:{await self.listen(server.Site(root))}/there/"

    async def leave(self, broker: Any) -> None:
        gone: Deferred[None] = Deferred()
        broker.notifyOnDisconnect(lambda: gone.callback(None))
        broker.transport.loseConnection()
        await gone

    async def test_rule21_pages(self) -> None:
        """
        Arguments, headers and bodies travel both ways, in each pairing with a
        factory of ours; a page larger than a message arrives in parts.
        """
        pool = HTTPConnectionPool(reactor, persistent=False)
        agent = Agent(reactor, pool=pool)
        for publishing, subscribing in (pb, stock), (stock, pb), (pb, pb):
            there = await self.serve(publishing, subscribing)
            got = await agent.request(b"GET", f"{there}page?who=you".encode())
            self.assertEqual(b"at /there/page for you", await readBody(got))
            self.assertEqual([b"lily"], got.headers.getRawHeaders(b"x-pond"))
            got = await agent.request(
                b"POST", f"{there}page".encode(), bodyProducer=Body(b"frogs" * 9)
            )
            self.assertEqual(http.CREATED, got.code)
            self.assertEqual(b"frogs" * 9, await readBody(got))
            got = await agent.request(b"GET", f"{there}large".encode())
            self.assertEqual(Large.content, await readBody(got))
