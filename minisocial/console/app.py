"""The console's addresses: pages for the operator, answers for programs that watch over the system."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bottle

from minisocial.console import story
from minisocial.console.metrics import CONTENT_TYPE, metrics
from minisocial.console.status import SystemSnapshot, not_ready, status, warnings
from minisocial.console.tables import sections
from minisocial.diagram import draw
from minisocial.trace import Tracer
from minisocial.wsgi import Response, plain

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

TEMPLATES = Path(__file__).parent / "templates"
STYLE = Path(__file__).parent / "static" / "console.css"
HEADERS = [
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
]
NOT_HERE = "There is no page at this address."
FORGOTTEN = "The trace of this request is not kept any more: only those of the last few hundred requests and tasks are."

log = logging.getLogger("minisocial.console")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleContext:
    """What the console is handed: where to look, and who may look.

    `is_allowed` tells whether a request comes from this machine or from an admin; for all others the
    console does not exist. `static` gives the address of a static file, `error_page` a page that
    says what is wrong. `operate` answers those who may act, and has None for all others.
    """

    snapshot: Callable[[], SystemSnapshot]
    tracer: Tracer
    is_allowed: Callable[["WSGIEnvironment"], bool]
    static: Callable[[str], str]
    error_page: Callable[["WSGIEnvironment", int, str], Response]
    version: str
    operate: Callable[["WSGIEnvironment", str], Response | None] = lambda environ, what: None


def build_console(context: ConsoleContext) -> "WSGIApplication":
    """The console as a new application; its addresses are whole (`/console`), not below a prefix."""
    console = _Console(context)
    app = bottle.Bottle()
    app.get("/console", callback=console.for_operators(console.overview))
    app.get("/console/traces/<request_id>", callback=console.for_operators(console.trace))
    app.get("/console/status.json", callback=console.for_operators(console.status))
    app.get("/console/console.css", callback=console.for_operators(console.style))
    app.route("/console/operations/<what>", "ANY", callback=console.operation)
    app.get("/metrics", callback=console.for_operators(console.metrics))
    app.get("/livez", callback=console.alive)
    app.get("/readyz", callback=console.ready)
    app.default_error_handler = console.failed
    return app  # type: ignore[no-any-return]


class _Console:
    """One method for each address."""

    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._picture = draw()
        self._style = STYLE.read_text("utf-8")
        self._templates = {name: _template(name) for name in ("overview", "trace")}

    def for_operators(self, page: Callable[..., Any]) -> Callable[..., Any]:
        """The page for those who may see it; for anybody else there is none."""

        def guarded(**arguments: str) -> Any:
            return page(**arguments) if self._is_allowed() else self._refusal(404, NOT_HERE)

        return guarded

    def overview(self) -> Any:
        snapshot = self._context.snapshot()
        return self._page(
            "overview",
            title="Console",
            sections=sections(snapshot),
            reasons=[*not_ready(snapshot), *warnings(snapshot)],
            recent=story.lines(self._context.tracer.recent()),
            picture=self._picture,
        )

    def trace(self, request_id: str) -> Any:
        found = self._context.tracer.find(request_id)
        if not found:
            return self._refusal(404, FORGOTTEN)
        chapters = story.story(found)
        return self._page("trace", title=chapters[0].name, request_id=request_id, chapters=chapters)

    def style(self) -> Any:
        return _answer(self._style, "text/css; charset=utf-8")

    def status(self) -> Any:
        body = json.dumps({"version": self._context.version, **status(self._context.snapshot())}, default=str)
        return _answer(body, "application/json")

    def metrics(self) -> Any:
        return _answer(metrics(status(self._context.snapshot())), CONTENT_TYPE)

    def operation(self, what: str) -> Any:
        """Work for the host, asked for by a command; who may not ask is told what any wrong address tells."""
        answer = self._context.operate(bottle.request.environ, what)
        return _as_bottle(answer) if answer else self._refusal(404, NOT_HERE)

    def alive(self) -> Any:
        """The process answers; whether it can do its work is for `ready` to say."""
        return _as_bottle(plain("200 OK", "alive\n"))

    def ready(self) -> Any:
        """200, or 503 with the reasons; strangers are not told them."""
        reasons = not_ready(self._context.snapshot())
        if not reasons:
            return _as_bottle(plain("200 OK", "ready\n"))
        lines = ["not ready", *(reasons if self._is_allowed() else [])]
        return _as_bottle(plain("503 Service Unavailable", "\n".join(lines) + "\n", ("Retry-After", "2")))

    def failed(self, error: Any) -> Any:
        """What Bottle could not answer itself: an unknown address, a wrong method, a mistake of ours."""
        if error.status_code >= 500:
            log.error("the console failed at %s", bottle.request.path, exc_info=error.exception)
        sentences = {404: NOT_HERE, 405: "This address can only be read."}
        message = sentences.get(error.status_code, "Something broke on our side.")
        page = self._context.error_page(bottle.request.environ, error.status_code, message)
        for name, value in page.headers:
            bottle.response.set_header(name, value)
        return page.body

    def _page(self, template: str, **values: Any) -> Any:
        context = self._context
        html = self._templates[template].render(static=context.static, version=context.version, **values)
        return _answer(html, "text/html; charset=utf-8")

    def _is_allowed(self) -> bool:
        return self._context.is_allowed(bottle.request.environ)

    def _refusal(self, code: int, message: str) -> Any:
        return _as_bottle(self._context.error_page(bottle.request.environ, code, message))


def _template(name: str) -> Any:
    template = bottle.SimpleTemplate(name=f"{name}.html", lookup=[str(TEMPLATES)])
    _ = template.co  # compiles now, so that a mistake in it shows at start
    return template


def _answer(text: str, content_type: str) -> Any:
    return bottle.HTTPResponse(text.encode(), 200, [("Content-Type", content_type), *HEADERS])


def _as_bottle(response: Response) -> Any:
    return bottle.HTTPResponse(response.body, response.status, response.headers)
