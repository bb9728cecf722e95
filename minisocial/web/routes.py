"""How a noun tells which addresses are its own."""

from collections.abc import Callable

from minisocial import wsgi

# Answers a visit; the names in the address come as keywords.
Handler = Callable[..., wsgi.Response]
# Adds a route: method, path as Bottle writes it, and who answers.
Add = Callable[[str, str, Handler], None]
