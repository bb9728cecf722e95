"""The only box a client meets: the front door's limits, the page cache, collapsed forwarding."""

from minisocial.proxy.collapse import Collapse
from minisocial.proxy.front_door import FrontDoor, FrontDoorSnapshot
from minisocial.proxy.page_cache import PageCache
from minisocial.proxy.proxy import ErrorPage, Proxy, ProxySnapshot
from minisocial.proxy.static_files import StaticFiles

__all__ = [
    "Collapse",
    "ErrorPage",
    "FrontDoor",
    "FrontDoorSnapshot",
    "PageCache",
    "Proxy",
    "ProxySnapshot",
    "StaticFiles",
]
