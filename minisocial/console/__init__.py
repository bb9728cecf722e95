"""The operator's page: every box with its numbers, and the story of each request."""

from minisocial.console.access import Access
from minisocial.console.app import ConsoleContext, build_console
from minisocial.console.operate import Operate
from minisocial.console.status import SystemSnapshot, status

__all__ = ["Access", "ConsoleContext", "Operate", "SystemSnapshot", "build_console", "status"]
