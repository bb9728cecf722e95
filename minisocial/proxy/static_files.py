"""Static files, read once at start and served from memory under an address that changes with them."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from minisocial.proxy.page import SMALLEST_GZIP, Variant, takes_gzip
from minisocial.wsgi import Headers, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PREFIX = "/static/"
FOREVER = "public, max-age=31536000, immutable"

# our own table: the machine's would make answers depend on what is installed
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
PACKED = (".png", ".jpg", ".webp", ".woff2")  # gzip gains nothing on these


class StaticFiles:
    """The files of one folder, under `/static/<hash>/<name>`.

    The hash is of all files together, so that one file may name another relative to itself. A name under
    another hash (a page from before an update) gets today's file, and may not be kept. Files are looked
    up in a dictionary: no path from outside ever reaches the disk.
    """

    def __init__(self, folder: Path) -> None:
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _regular_files(folder)}
        self._hash = _digest(files)
        self._kept = {name: _variants(name, body, FOREVER) for name, body in files.items()}
        self._passing = {name: _variants(name, body, "no-cache") for name, body in files.items()}

    def url(self, name: str) -> str:
        """The address of a file, for templates; raises KeyError if there is no such file."""
        if name not in self._kept:
            raise KeyError(f"There is no static file {name!r}.")
        return f"{PREFIX}{self._hash}/{name}"

    def answer(self, environ: "WSGIEnvironment", refuse: Callable[[int, str, Headers], Response]) -> Response:
        """The file; or what `refuse(status, sentence, headers)` makes of a wrong name or method."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return refuse(405, "A file can only be read.", [("Allow", "GET, HEAD")])
        hash, _, name = environ["PATH_INFO"][len(PREFIX) :].partition("/")
        variants = (self._kept if hash == self._hash else self._passing).get(name)
        if not variants:
            return refuse(404, "There is no such file.", [])
        wants_gzip = len(variants) > 1 and takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
        return variants[wants_gzip].answer(environ, ("Cache-Status", "minisocial; hit"))


def _regular_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _digest(files: dict[str, bytes]) -> str:
    digest = hashlib.blake2b(digest_size=6)
    for name, body in files.items():
        digest.update(f"{name}\n{len(body)}\n".encode() + body)
    return digest.hexdigest()


def _variants(name: str, body: bytes, control: str) -> tuple[Variant, ...]:
    """The file as it is and, where that is shorter, gzipped."""
    suffix = Path(name).suffix
    digest = hashlib.blake2b(body, digest_size=12).hexdigest()
    headers = [
        ("Content-Type", TYPES.get(suffix, "application/octet-stream")),
        ("Cache-Control", control),
        ("X-Content-Type-Options", "nosniff"),
    ]
    packed = b"" if suffix in PACKED or len(body) < SMALLEST_GZIP else gzip.compress(body, 9, mtime=0)
    if not packed or len(packed) >= len(body):
        return (Variant.of(f'"{digest}"', headers, body),)
    headers.append(("Vary", "Accept-Encoding"))
    return (
        Variant.of(f'"{digest}"', headers, body),
        Variant.of(f'"{digest}-gz"', [*headers, ("Content-Encoding", "gzip")], packed),
    )
