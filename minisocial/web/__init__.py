"""Pages: one module per noun, plain forms and plain links."""

from pathlib import Path

from minisocial.web.app import build_app
from minisocial.web.context import WebContext
from minisocial.web.error_pages import ErrorPage
from minisocial.web.limits import Limits

STATIC = Path(__file__).parent / "static"  # the files the pages need, to be served under `context.static`

__all__ = ["STATIC", "ErrorPage", "Limits", "WebContext", "build_app"]
