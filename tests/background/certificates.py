"""Certificates that nobody but a test trusts."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def make(folder: Path, *, name: str = "IP:127.0.0.1", days: int = 2) -> Path:
    """A key and a certificate for `name`, as `key.pem` and `cert.pem`; with -1 day it has expired."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "extensions").write_text(f"subjectAltName={name}\n")
    run("req", *KEY, "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "request.pem")
    signed = ("-signkey", folder / "key.pem", "-days", str(days), "-extfile", folder / "extensions")
    run("x509", "-req", "-in", folder / "request.pem", *signed, "-out", folder / "cert.pem")
    return folder


def run(*command: str | Path) -> None:
    subprocess.run(["openssl", *command], check=True, capture_output=True)


def server_side(folder: Path) -> ssl.SSLContext:
    """What a server needs to show it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def trusting(folder: Path) -> ssl.SSLContext:
    """A client that trusts it, and nobody else."""
    return ssl.create_default_context(cafile=folder / "cert.pem")
