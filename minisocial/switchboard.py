"""The switchboard: every setting that can be changed while the system runs, and the box it acts on."""

from functools import partial
from typing import TYPE_CHECKING

from minisocial.upkeep.switches import Switch, Switches, attribute

if TYPE_CHECKING:
    from minisocial.system import System


def switchboard(system: "System") -> Switches:
    """The switches of this system; off, or at any other value, they cost speed and nothing else."""
    caches, pool, balancer, proxy = system.caches, system.pool, system.balancer, system.proxy
    return Switches(
        system.settings,
        attribute("page_cache", proxy.page_cache, "enabled"),
        attribute("at_once", system.front_door),
        attribute("tracing", system.tracer, "enabled"),
        attribute("collapse", proxy.collapse, "enabled"),
        attribute("local_cache", caches, "local_enabled"),
        attribute("global_cache", caches.shared, "enabled"),
        attribute("global_cache_form", caches, "form"),
        attribute("nearby", caches.invalidation.nearby, "enabled"),
        attribute("policy", balancer),
        attribute("services", balancer, "form"),
        Switch("read_slots", partial(pool.slots, "read"), partial(pool.resize_all, "read")),
        Switch("write_slots", partial(pool.slots, "write"), partial(pool.resize_all, "write")),
        attribute("wait_ms", balancer),
        attribute("write_delay_ms", pool),
    )
