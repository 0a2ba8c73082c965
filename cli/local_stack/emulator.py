"""MiniStack, the emulator of AWS that the local stack runs in, as a background process with data of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from arrears_cli.output import Failed

START_SECONDS = 60
STOP_SECONDS = 300
"""The emulator writes its data to disk when it stops; cut short, a large book would be lost."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """One emulator: the Python that has it installed, the folder of its data, and its port on loopback."""

    python: Path
    home: Path
    port: int

    @property
    def endpoint_url(self) -> str:
        """The endpoint that replaces AWS."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> bool:
        """Start it on its kept data and wait until it answers; False when it was running already."""
        running = self._process()
        if running is not None and running[1] == self.port:
            return False
        self.stop()
        self._refuse_taken_port()
        scratch = self.home / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                [self.python, "-m", "ministack"],
                env=self._environment(),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._pid_file.write_text(f"{process.pid} {self.port}")
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"The local stack did not start; its log is {self._log}")
            time.sleep(0.1)
        return True

    def stop(self) -> bool:
        """Stop it and wait until its data is on disk; False when it was not running."""
        running = self._process()
        if running is None:
            return False
        os.kill(running[0], signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._process() is not None:
            if time.monotonic() > deadline:
                raise Failed(f"The local stack, process {running[0]}, does not stop; its log is {self._log}")
            time.sleep(0.1)
        return True

    def wipe(self) -> None:
        """Stop it and delete all it has kept."""
        self.stop()
        for folder in ("state", "s3", "tmp"):
            shutil.rmtree(self.home / folder, ignore_errors=True)
        for file in (self._log, self._pid_file):
            file.unlink(missing_ok=True)

    @property
    def _log(self) -> Path:
        return self.home / "ministack.log"

    @property
    def _pid_file(self) -> Path:
        return self.home / "ministack.pid"

    def _process(self) -> tuple[int, int] | None:
        """Process id and port, if it runs. A process that only came to have its id by chance does not count."""
        try:
            pid, port = map(int, self._pid_file.read_text().split())
        except FileNotFoundError:
            return None
        shown = subprocess.run(
            ["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        state, _, command = shown.stdout.strip().partition(" ")
        alive = "ministack" in command and not state.startswith("Z")
        return (pid, port) if alive else None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint_url}/_ministack/health", timeout=5):  # noqa: S310 - our own
                return True
        except OSError:
            return False

    def _refuse_taken_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                raise Failed(
                    f"Port {self.port} is taken by another program. Choose another one, say ARREARS_PORT=4600 make up"
                ) from error

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's own AWS settings reaches it, nor the functions, which inherit its environment."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.home / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home / "s3"),
            # Functions may do what their statements in the template allow, as in AWS, and nothing else.
            "AUTH": "true",
            # Services that would open ports of their own.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
        }
