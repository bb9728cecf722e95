"""One node's pages: the domain it speaks to, its templates and its memory of rendered posts."""

from itertools import product
from typing import TYPE_CHECKING

from minisocial.web.context import WebContext
from minisocial.web.fragments import Fragments
from minisocial.web.html import Templates
from minisocial.web.layout import Layout
from minisocial.web.pieces import pieces

if TYPE_CHECKING:
    from minisocial.social import Social


class Site:
    """What every page of a node is made with. Safe from any thread."""

    def __init__(self, social: "Social", context: WebContext) -> None:
        self.social = social
        self.context = context
        self.templates = Templates(static=context.static)
        self.templates.offer(**pieces(self.templates))
        self.fragments = Fragments(self.templates, context.clock)
        self.layout = Layout(self.templates, self.fragments, context)
        # the page asked for most often, rendered once for each way it can look
        self.home = {
            ways: self.templates.frame("home", is_first=ways[0], is_empty=ways[1], is_complete=ways[2])
            for ways in product((True, False), repeat=3)
        }
