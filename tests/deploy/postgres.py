"""A private PostgreSQL of Debian's packages that is spoken to over TLS and with passwords alone, as in production."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg

from app.deploy.generate import DEPLOY
from app.deploy.secrets import SUPERUSER
from app.machine import debian_postgres
from app.postgres_place import place_for

START_S = 30.0


class TlsPostgres:
    """In `home`; `certificate` and `key` are PEM, the superuser's password as `./market secrets` made it."""

    def __init__(self, home: Path, certificate: bytes, key: bytes, password: str) -> None:
        programs = debian_postgres()
        assert programs is not None
        self._programs = programs
        self._place = place_for(home)
        folder, account = self._place.folder, self._place.account
        with socket.create_server(("127.0.0.1", 0)) as tried:
            self.port: int = tried.getsockname()[1]
        for name, content in (("password", password.encode()), ("server.crt", certificate), ("server.key", key)):
            path = folder / name
            path.touch(mode=0o600)
            path.write_bytes(content)
            with path.open() as opened:
                account.own_file(opened.fileno())
        initdb = [programs / "initdb", "--pgdata", folder / "data", "--username", SUPERUSER, "--no-sync"]
        initdb += ["--auth=scram-sha-256", "--pwfile", folder / "password", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run(initdb, check=True, capture_output=True, **account.run_options())
        (folder / "data" / "pg_hba.conf").write_text((DEPLOY / "postgres" / "pg_hba.conf").read_text())
        self._server: subprocess.Popen[bytes] | None = None

    def start(self, database_url: str) -> None:
        """Until it answers at `database_url`, whose database is made."""
        folder = self._place.folder
        told = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off",
            "ssl": "on", "ssl_cert_file": folder / "server.crt", "ssl_key_file": folder / "server.key",
        }  # fmt: skip
        with (folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", folder / "data", *(f"--{n}={v}" for n, v in told.items())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._place.account.run_options(),
            )  # fmt: skip
        address, _, how = database_url.partition("?")
        head, _, name = address.rpartition("/")
        until = time.monotonic() + START_S
        while True:
            try:
                with psycopg.connect(f"{head}/postgres?{how}", autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {name}")
                return
            except psycopg.OperationalError as problem:
                if self._server.poll() is not None or time.monotonic() > until:
                    raise AssertionError((folder / "log").read_text(errors="replace")[-2000:]) from problem
                time.sleep(0.1)

    def stop(self) -> None:
        if self._server:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(START_S)
