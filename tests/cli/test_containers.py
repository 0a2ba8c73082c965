"""The way from a container to the local stack."""

import gc
import socket
import threading
import warnings

import pytest

from arrears_cli.output import Failed
from local_stack.containers import docker_engine, relay, with_values


def test_a_relay_passes_on_both_ways_and_the_end_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stack:

        def echo() -> None:
            connection, _ = stack.accept()
            with connection:
                received = b""
                while part := connection.recv(1024):
                    received += part
                connection.sendall(received[::-1])

        threading.Thread(target=echo).start()
        with (
            relay("127.0.0.1", stack.getsockname()[1]) as address,
            socket.create_connection(address) as client,
        ):
            client.sendall(b"a" * 100_000 + b"b")
            client.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: client.recv(65_536), b"")) == b"b" + b"a" * 100_000


def test_an_event_is_filled_with_what_the_stack_knows_and_nothing_else() -> None:
    assert with_values('{"key": "${api_key}", "token": "${user_token}", "cost": "5 $"}', {"api_key": "ar_1"}) == (
        '{"key": "ar_1", "token": "${user_token}", "cost": "5 $"}'
    )


def test_without_an_engine_the_command_says_so_and_leaves_no_socket_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket left open fails whichever test runs when Python finds it."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        with pytest.raises(Failed, match="No Docker engine answers"):
            docker_engine()
        gc.collect()
    assert [str(warning.message) for warning in found] == []
