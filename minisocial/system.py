"""The composition root: builds the boxes back to front, joins them, starts and stops them.

No logic lives here. Whoever wants to know what is connected to what reads `System.__init__` from top
to bottom; nothing is built at import, so two systems can live in one process.
"""

import gc
import secrets
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import minisocial
from minisocial import waiting, web
from minisocial.background import Background, Mailer
from minisocial.balancer import Balancer
from minisocial.cache import Caches
from minisocial.clock import Clock
from minisocial.console import Access, ConsoleContext, Operate, SystemSnapshot, build_console
from minisocial.database import Change, Cluster
from minisocial.nodes import Made, Node, Pool
from minisocial.process import read_process, share_memory_among_threads
from minisocial.proxy import Collapse, FrontDoor, PageCache, Proxy, StaticFiles
from minisocial.settings import Settings
from minisocial.social import Social
from minisocial.social.cached import keys_of
from minisocial.social.passwords import Hasher
from minisocial.social.tasks import Tasks
from minisocial.switchboard import switchboard
from minisocial.trace import Tracer
from minisocial.upkeep.desk import Desk
from minisocial.upkeep.jobs import Jobs
from minisocial.upkeep.nightly import Nightly
from minisocial.upkeep.operations import begin
from minisocial.upkeep.run_file import RunFile

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

GRACE = 3.0  # seconds for running requests to finish at a stop
SPARE_THREADS = 8  # for what needs no node: page-cache hits, static files
MOST_THREADS = 400  # one a connection up to here, or who waits for an answer would hold up all others; 15 KiB each
SWITCH_INTERVAL = 0.002  # seconds; at Python's 5 ms commits wait behind busy threads, 0.5 ms costs a third of all reads
PROBE_PATH = "/notifications/unread.json"  # a stranger gets a short refusal
CONSOLE_PATHS = ("/console", "/livez", "/readyz", "/metrics")


class Box(Protocol):
    """What every box can do."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


class System:
    """The whole of minisocial: every box, joined.

    `start()` opens the files and answers when it returns; `stop()` takes no new requests, lets the
    running ones finish, then stops the boxes front to back, so that nothing is half done.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock = clock or Clock()
        self.tracer = Tracer(enabled=settings.tracing)
        self._began = clock.monotonic()
        self._setup_code = secrets.token_urlsafe(9)

        # at the back: what is kept
        self.cluster = Cluster(
            settings.data / "database",
            shards=settings.shards,
            replicas=settings.replicas,
            durability=settings.durability,
            clock=clock,
        )
        self.caches: Caches[Change] = Caches(
            settings.data / "cache",
            keys_of,
            self.cluster.floor_position,
            head_position=self.cluster.position,
            local_entries=settings.local_cache_entries,
            global_bytes=settings.global_cache_bytes,
            local_enabled=settings.local_cache,
            global_enabled=settings.global_cache,
            form=settings.global_cache_form,
            nearby=settings.nearby,
            clock=clock,
        )
        self.cluster.subscribe(self.caches.invalidation, self.caches.invalidation.forget_everything)

        # beside them: what need not happen before the answer
        self.mailer = Mailer(
            smtp_url=settings.smtp_url, mail_from=settings.mail_from, folder=settings.data / "mail", clock=clock
        )
        self.background = Background(
            self.cluster,
            settings.data,
            workers=settings.workers,
            queue_limit=settings.queue_limit,
            outbox_limit=settings.outbox_limit,
            tracer=self.tracer,
            clock=clock,
        )
        self.hasher = Hasher(settings.password_cost)
        self.social = self._social("worker")
        tasks = Tasks(
            self.social,
            self.mailer.send,
            self.public_url,
            settings.merge_above,
            has_server=self.mailer.has_server,
        )
        self.background.handle(tasks.handlers())
        self.background.schedule([*tasks.jobs(), *self.mailer.jobs()])
        self.desk = Desk(self.background, self.social.audit)

        # in front: nodes, balancer, proxy, front door
        self.static = StaticFiles(web.STATIC)
        self.error_page = web.ErrorPage(self.static.url)
        self.limits = web.Limits(clock, enabled=settings.rate_limits)
        self.balancer = Balancer(
            {"read": (), "write": ()},
            policy=settings.policy,
            form=settings.services,
            wait_ms=settings.wait_ms,
            error_page=self.error_page,
            clock=clock,
        )
        self.pool = Pool(
            self._make_node,
            self.balancer,
            slots={"read": settings.read_slots, "write": settings.write_slots},
            write_delay_ms=settings.write_delay_ms,
            probe_path=PROBE_PATH,
            resized=self._fit_threads,
        )
        self.proxy = Proxy(
            self.balancer,
            page_cache=PageCache(settings.page_cache_bytes, enabled=settings.page_cache, clock=clock),
            collapse=Collapse(enabled=settings.collapse, clock=clock),
            static=self.static,
            error_page=self.error_page,
            tracer=self.tracer,
        )
        self.caches.invalidation.subscribe(self.proxy.purge, self.proxy.page_cache.clear)

        # beside it: work for the host, and how a command asks for it
        self.jobs = Jobs(clock)
        self.run_file = RunFile(settings.data, clock)
        self.nightly = Nightly(self.cluster, settings.data, settings.nightly_backups, clock)
        self._behind_the_door: list[Box] = [
            self.cluster, self.caches, self.mailer, self.background, self.pool, self.balancer, self.proxy,
            self.nightly, self.jobs, self.run_file,
        ]  # fmt: skip
        self.front_door = FrontDoor(
            self._beside_console(self.proxy),
            host=settings.host,
            port=settings.port,
            threads=SPARE_THREADS,
            connections=settings.connections,
            body_bytes=settings.body_bytes,
            trusted_proxy=settings.trusted_proxy,
            tracer=self.tracer,
            error_page=self.error_page,
            at_once=settings.at_once,
        )
        self.pool.fill(read=settings.read_nodes, write=settings.write_nodes)
        self.switches = switchboard(self)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The request nodes there are now."""
        return self.pool.nodes

    @property
    def url(self) -> str:
        """The address it answers at, once started."""
        return self.front_door.url

    @property
    def setup_code(self) -> str | None:
        """The one-time code for the set-up page; None when the community is set up."""
        return None if self.social.community.get().is_set_up else self._setup_code

    def start(self, prepare: "Callable[[System], object] | None" = None, is_served: bool = True) -> None:
        """Open everything, back to front; raises an error with a sentence for people when it cannot.

        `prepare` is called when all but the front door is open: to fill a new data folder. The front door
        stays shut if it is not to be served: it is opened for one command alone.
        """
        sys.setswitchinterval(SWITCH_INTERVAL)
        share_memory_among_threads()
        try:
            for box in self._behind_the_door:
                box.start()
            if prepare:
                prepare(self)
                self.caches.invalidation.forget_everything()  # a bulk load tells nobody of its rows
            if is_served:
                self.front_door.start()
                self.run_file.announce(self.url)
        except BaseException:
            self.stop()
            raise
        gc.collect()
        gc.freeze()  # what is here now stays: the collector need not look at it again

    def stop(self) -> None:
        """Stop everything, front to back; what runs is finished first."""
        self.front_door.stop(GRACE)
        for box in reversed(self._behind_the_door):
            box.stop()

    def snapshot(self) -> SystemSnapshot:
        """The state of every box at one moment."""
        background, caches = self.background.snapshot(), self.caches.snapshot()
        return SystemSnapshot(
            database=self.cluster.snapshot(),
            local_caches=caches.local,
            global_cache=caches.shared,
            proxy=self.proxy.snapshot(),
            nodes=self.pool.snapshot(),
            balancer=self.balancer.snapshot(),
            queue=background.queue,
            outbox=background.outbox,
            workers=background.workers,
            jobs=background.jobs,
            mail=self.mailer.snapshot(),
            process=read_process(self._began, self.clock.monotonic()),
            backups=self.nightly.snapshot(),
            switches=self.switches.snapshot(),
        )

    def _social(self, node: str) -> Social:
        return Social(self.cluster, self.caches.for_node(node), self.background, self.hasher, self.clock)

    def _make_node(self, name: str) -> Made:
        """A new application on an empty local cache, which is told of changes until the node is gone."""
        local = self.caches.for_node(name)
        social = Social(self.cluster, local, self.background, self.hasher, self.clock)
        context = web.WebContext(
            static=self.static.url,
            limits=self.limits,
            clock=self.clock,
            public_url=self.settings.public_url,
            sends_mail=self.mailer.has_server,
            secure=self.settings.public_url.startswith("https:"),
            teach=self.settings.teach,
            check_setup_code=self._is_setup_code,
            letters=self.mailer.letters,
            desk=self.desk,
            node=name,
        )
        return Made(web.build_app(social, context), partial(self.caches.without_node, local))

    def _fit_threads(self) -> None:
        enough = self.balancer.capacity + SPARE_THREADS
        self.front_door.resize(max(enough, min(self.settings.connections, MOST_THREADS)))

    def public_url(self) -> str:
        """How links that work from elsewhere begin."""
        return self.settings.public_url.rstrip("/") or self.url

    def _is_setup_code(self, code: str) -> bool:
        return secrets.compare_digest(code.encode(), self._setup_code.encode())

    def _beside_console(self, pages: "WSGIApplication") -> "WSGIApplication":
        """The console stands beside the boxes it shows, so that it answers when they do not."""
        running = self.run_file.running
        console = build_console(
            ConsoleContext(
                snapshot=self.snapshot,
                tracer=self.tracer,
                is_allowed=Access(self.social),
                static=self.static.url,
                error_page=self.error_page,
                version=minisocial.__version__,
                operate=Operate(running.is_token, running.proof, partial(begin, self, self.jobs), self.jobs.find),
            )
        )
        return partial(_dispatch, console, pages)


def _dispatch(
    console: "WSGIApplication", pages: "WSGIApplication", environ: "WSGIEnvironment", start_response: "StartResponse"
) -> "Iterable[bytes]":
    path = environ["PATH_INFO"]
    if path in CONSOLE_PATHS or path.startswith("/console/"):
        waiting.ahead()
        return console(environ, start_response)
    return pages(environ, start_response)
