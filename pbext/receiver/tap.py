"""
C{pbreceiver} for twistd and twist: its options, and the service made of them.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any

from twisted.application.service import IService
from twisted.internet.endpoints import serverFromString
from twisted.logger import Logger
from twisted.python import usage

from pbext._broker import Broker
from pbext._factories import PBServerFactory
from pbext._registry import defaultRegistry
from pbext.errors import CannotRegister, RefusedTag
from pbext.receiver._audit import AUDITS
from pbext.receiver._load import allow, importModule, listing, loadRoot
from pbext.receiver._root import ReceiverRoot
from pbext.receiver._service import CannotStart, ReceiverService

__all__ = ["Options", "makeService"]

_log = Logger(namespace="pbreceiver")

DEFAULT_ENDPOINT = "tcp:8800:interface=127.0.0.1"


class Options(usage.Options):
    synopsis = "[--listen ENDPOINT] [--root NAME] [--import MODULE] [--allow TAG] ..."
    longdesc = (
        "Receives Perspective Broker copies and follows caches. Without --root "
        "it serves an object of its own with the remote methods take(name, "
        "object), names(), show(name), ignore(name) and shutdown(), which any "
        "PB client can call."
    )

    optParameters = [
        ["root", None, None, "package.module.Name of the root object to serve"],
        ["path", None, None, "directory of your modules (default: the current one)"],
        ["audit", None, "warn", "of what may arrive, at start: off, warn or strict"],
    ]

    optFlags = [
        ["no-path", None, "put no directory on the module search path"],
        ["allow-shutdown", None, "let a peer end the service, with shutdown()"],
        ["list-classes", None, "print which classes may arrive, and end"],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []
        self["import"] = []
        self["allow"] = []

    def opt_listen(self, endpoint: str) -> None:
        """
        Where to listen, repeatable (default: tcp:8800:interface=127.0.0.1)
        """
        self["listen"].append(endpoint)

    def opt_import(self, module: str) -> None:
        """
        A module that registers classes, repeatable
        """
        self["import"].append(module)

    def opt_allow(self, tag: str) -> None:
        """
        A tag to accept without its class, as fields alone, repeatable
        """
        self["allow"].append(tag)

    def postOptions(self) -> None:
        if self["path"] and self["no-path"]:
            raise CannotStart("--path and --no-path exclude each other")
        if self["audit"] not in AUDITS:
            raise CannotStart(
                f"--audit {self['audit']}: it has to be one of {', '.join(AUDITS)}"
            )


class _ReceiverBroker(Broker):
    def unserialize(self, sexp: Any, perspective: Any = None) -> Any:
        try:
            return super().unserialize(sexp, perspective)
        except RefusedTag as error:
            known = defaultRegistry.find(error.tag)
            factory: Any = self.factory
            if error.tag in factory.registry:
                _log.warn(
                    "{tag} may arrive when its sender has logged in", tag=error.tag
                )
            elif known is not None:
                _log.warn(
                    "{tag} is registered by the module {module}: --import {module}",
                    tag=error.tag,
                    module=known.module,
                )
            else:
                _log.warn(
                    "to accept it as fields alone, without its class: --allow {tag}",
                    tag=error.tag,
                )
            raise


def makeService(options: Options) -> IService:
    """
    @raise CannotStart: if the options cannot be carried out.
    """
    from twisted.internet import reactor as installed  # once twistd has chosen one

    reactor: Any = installed
    if not options["no-path"]:
        directory = os.path.abspath(options["path"] or os.getcwd())
        if not os.path.isdir(directory):
            raise CannotStart(f"--path {directory}: no such directory")
        sys.path.insert(0, directory)
    endpoints = []
    for description in options["listen"] or [DEFAULT_ENDPOINT]:
        try:
            endpoints.append((description, serverFromString(reactor, description)))
        except Exception as error:
            raise CannotStart(
                f"--listen {description}: {error}; an endpoint is written as "
                f"{DEFAULT_ENDPOINT}"
            ) from None
    for module in options["import"]:
        importModule(module)
    root = loadRoot(options["root"]) if options["root"] else None
    # Of these modules, what they register; not what they import does.
    modules = {*options["import"], (options["root"] or "").rpartition(".")[0]}
    try:
        registry = defaultRegistry.select(modules=modules)
    except CannotRegister as error:
        raise CannotStart(str(error)) from None
    for tag in options["allow"]:
        allow(tag, registry)
    if options["list-classes"]:
        lines = list(listing(registry)) or ["no class may arrive"]
        print(*lines, sep="\n", flush=True)
        raise SystemExit(0)
    AUDITS[options["audit"]](registry, modules)
    shutdown = None
    if options["allow-shutdown"]:
        # in the next turn, when the answer has been written
        shutdown = partial(reactor.callLater, 0, reactor.stop)
    factory = PBServerFactory(root or ReceiverRoot(shutdown), registry=registry)
    factory.protocol = _ReceiverBroker
    factory.noisy = False
    return ReceiverService(endpoints, factory, reactor)
