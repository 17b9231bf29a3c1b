from twisted.application.service import ServiceMaker

pbreceiver = ServiceMaker(
    "pbext receiver",
    "pbext.receiver.tap",
    "Receive Perspective Broker copies, and follow caches.",
    "pbreceiver",
)
