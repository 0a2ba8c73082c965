"""Tables and a queue behind a socket on loopback, for functions and commands in processes of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from botocore.awsrequest import AWSRequest

from bench.table import Tables

SENT = b'{"MessageId": "1"}'
"""What a queue answers to a message."""


@contextmanager
def served(table: Tables) -> Iterator[str]:
    """The table behind HTTP, as long as it is needed: its address. What is sent to a queue is taken and forgotten."""
    lock = Lock()

    def _answered(operation: str, body: bytes) -> tuple[int, bytes]:
        answered = table.answer(operation, AWSRequest("POST", "http://table", data=body).prepare())
        return answered.status_code, answered.content

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body of an answer go in two packets; the second would wait 40 ms for the first one's receipt.
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service, _, operation = self.headers["X-Amz-Target"].partition(".")
            with lock:
                status, answer = _answered(operation, body) if service.startswith("DynamoDB") else (200, SENT)
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Says nothing of every request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
