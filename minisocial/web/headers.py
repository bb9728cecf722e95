"""What every answer says beside its body: who may keep it, and what a browser may do with it."""

# Public pages: fresh for a minute, then shown once more while a new one is made, and for ten minutes if
# that fails. The proxy answers browsers `no-cache`, since only it can be told when something changes.
PUBLIC = ("Cache-Control", "public, max-age=60, stale-while-revalidate=60, stale-if-error=600")
PRIVATE = ("Cache-Control", "private, no-cache")
HTML = ("Content-Type", "text/html; charset=utf-8")
JSON = ("Content-Type", "application/json; charset=utf-8")

SECURITY = [
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
]

# For pages whose address holds a secret: not even our own server is told where one came from. `no-referrer` would
# say less, but takes `Origin` from the form on such a page, by which we see that it is ours.
UNTRACED = ("Referrer-Policy", "strict-origin")

_REASONS = {
    200: "OK",
    303: "See Other",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def status_line(code: int) -> str:
    """ "404 Not Found"; a code without a name of its own gets its class's."""
    return f"{code} {_REASONS.get(code) or _REASONS.get(code // 100 * 100) or 'Unknown'}"
