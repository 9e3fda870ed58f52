"""A private RabbitMQ: a node of the installed server with its own name, ports, folders and cookie, as root or not.

It touches nothing of a RabbitMQ that the machine runs already, and can be killed, frozen and filled up without harm.
For tests and measurements; a market in use has a broker of its own (docs/operator.md).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from app.failure import Failure
from kernel.bus.broker import ERRORS, connect, drop

START_S = 120.0  # six where nobody else is at work
STOP_S = 30.0
COMMAND_S = 120.0  # one where nobody else is at work
# Debian's /usr/sbin/rabbitmq-server insists on an account of its own; the server's own scripts don't.
_FOLDERS = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin")


def scripts() -> Path | None:
    """The folder of the server's scripts, if RabbitMQ is installed."""
    found = shutil.which("rabbitmq-server")
    for folder in (*_FOLDERS, *([str(Path(found).resolve().parent)] if found else [])):
        if (Path(folder) / "rabbitmq-server").exists():
            return Path(folder)
    return None


class RabbitNode:
    """One node in `home`, a folder of its own. `close` ends it for good."""

    def __init__(self, home: Path) -> None:
        folder = scripts()
        if folder is None:
            raise Failure("RabbitMQ is not installed", "apt-get install rabbitmq-server")
        self._scripts = folder
        self._home = home
        self.port, distribution, self._names_port = _free_ports(3)
        self._pid_file = home / "pid"
        self._process: subprocess.Popen[bytes] | None = None
        configuration = home / "rabbitmq.conf"
        configuration.write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.file.level = warning\ndisk_free_limit.absolute = 50MB\n"
        )
        for empty in ("environment.conf", "plugins"):
            (home / empty).touch()
        self._environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(home),  # the cookie is there
            "RABBITMQ_NODENAME": f"market_{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_CONF_ENV_FILE": str(home / "environment.conf"),
            "RABBITMQ_CONFIG_FILE": str(configuration),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "data"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_PID_FILE": str(self._pid_file),
            # A name server of its own as well: the machine's may belong to somebody else.
            "ERL_EPMD_PORT": str(self._names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def url(self, vhost: str = "%2f") -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{vhost}"

    def start(self) -> None:
        """Start it, with what it held before; returns when it answers."""
        self._pid_file.unlink(missing_ok=True)
        output = (self._home / "output").open("ab")
        self._process = subprocess.Popen(
            [self._scripts / "rabbitmq-server"], env=self._environment, cwd=self._home, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        output.close()
        until = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.close()
                said = (self._home / "output").read_text(errors="replace")[-1000:]
                raise Failure(f"RabbitMQ did not start: {said}", f"see {self._home / 'log'}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Let it end in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as a machine does that loses its power."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def rabbitmqctl(self, *arguments: str) -> str:
        """What `rabbitmqctl ARGUMENTS` printed. Raises Failure when it failed."""
        done = self._run([str(self._scripts / "rabbitmqctl"), "--quiet", *arguments])
        if done.returncode != 0:
            raise Failure(f"rabbitmqctl {' '.join(arguments)}: {done.stderr.strip()}", "see its text")
        return done.stdout

    def add_vhost(self, name: str) -> str:
        """Make a virtual host; its URL."""
        self.rabbitmqctl("add_vhost", name)
        self.rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        return self.url(name)

    def ready(self) -> None:
        """Bring it back to where it answers and takes messages, whatever was done to it."""
        if self._process is None or self._process.poll() is not None:
            self.start()
        else:
            self.resume()

    def close(self) -> None:
        """End it and its name server."""
        if self._process is not None and self._process.poll() is None:
            self.resume()
            self._end(signal.SIGKILL)
        self._end_name_server()

    def _end_name_server(self) -> None:
        """It refuses until it has noticed that its node is gone."""
        until = time.monotonic() + 3
        while "Killed" not in self._run(["epmd", "-port", str(self._names_port), "-kill"]).stdout:
            if time.monotonic() > until:
                return
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            drop(connect(self.url(), "market: is it there?"), politely=True)
        except ERRORS:
            return False
        return self._pid_file.exists()

    def _signal(self, number: int) -> None:
        with suppress(OSError, ValueError):
            os.kill(int(self._pid_file.read_text()), number)

    def _end(self, number: int) -> None:
        process = self._process
        if process is None:
            return
        self._signal(number)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            pass
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self._environment, cwd=self._home, capture_output=True, text=True, timeout=COMMAND_S
        )


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens at now. Taken together, so that they differ."""
    tried = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in tried]
    for one in tried:
        one.close()
    return ports
