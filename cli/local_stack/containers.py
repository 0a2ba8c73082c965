"""Functions in containers, as Lambda runs them, on a local stack's data: `sam local` with a connection to the stack.

The stack listens on loopback, which a container cannot reach: while functions run, a relay on the containers' network
passes their connections on.
"""

import gc
import ipaddress
import socket
import socketserver
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import docker
import yaml
from botocore.exceptions import ClientError
from docker.errors import DockerException

from arrears_cli.deployment import ADMINISTRATOR, administrator
from arrears_cli.output import Failed
from local_stack.sam import BUILD, architecture, building, sam, started_sam

if TYPE_CHECKING:
    from arrears_cli.deployment import Deployment

HOST = "host.docker.internal"
"""The name under which a container knows this machine."""

STOP_SECONDS = 10

ENDPOINT = "AWS_ENDPOINT_URL"


def invoke(deployment: "Deployment", function: str, event: str) -> subprocess.CompletedProcess[str]:
    """Run a built function (its logical id) in a container on an event (JSON text); its answer is on stdout."""
    with building(), _way(deployment) as (options, environment):
        variables = _variables(deployment, function)
        return sam(["local", "invoke", function, "--event", "-", *options], variables | environment, event)


@contextmanager
def serving(deployment: "Deployment", port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the built API on a port of loopback, each function in a container of its own, while this is open.

    Yields the serving process once it answers. Raises Failed where the port is taken, or the process ends before.
    """
    if _listens(port):
        raise Failed(f"Something else answers on port {port}; choose another.")
    arguments = ["local", "start-api", "--host", "127.0.0.1", "--port", str(port), "--warm-containers", "LAZY"]
    with _way(deployment) as (options, environment):
        others = {container.id for container in _containers()}
        process = started_sam([*arguments, *options], deployment.environment() | environment)
        try:
            _await_answer(process, port)
            yield process
        finally:
            _end(process, others)


def _end(process: subprocess.Popen[bytes], others: set[str]) -> None:
    """SAM removes its containers when it is ended. Now and then it hangs instead, and they are removed here."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        for container in _containers():
            if container.id not in others:
                container.remove(force=True)


def _containers() -> list[docker.models.containers.Container]:
    """SAM's containers of this checkout."""
    return [
        container
        for container in docker_engine().containers.list(filters={"label": "sam.cli.container.type=lambda"})
        if any(Path(mount["Source"]).is_relative_to(BUILD.resolve()) for mount in container.attrs["Mounts"])
    ]


def _await_answer(process: subprocess.Popen[bytes], port: int) -> None:
    while not _listens(port):
        if process.poll() is not None:
            raise Failed(f"sam local start-api ended before it answered on port {port}.")
        time.sleep(0.1)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _way(deployment: "Deployment") -> Iterator[tuple[list[str], dict[str, str]]]:
    """SAM's options and variables with which functions in containers reach the stack, as long as this is open."""
    engine = docker_engine()
    stack_port = urlsplit(str(deployment.endpoint_url)).port or 80
    with relay(_bridge_address(engine), stack_port) as (address, port):
        options = ["--template", str(_template()), "--add-host", f"{HOST}:{address}"]
        if _has_image(engine):
            options.append("--skip-pull-image")
        # SAM itself asks who it is, from this side of the relay.
        identity = {"AWS_ENDPOINT_URL_STS": str(deployment.endpoint_url)}
        yield options, ADMINISTRATOR | identity | {ENDPOINT: f"http://{HOST}:{port}"}


def _variables(deployment: "Deployment", function: str) -> dict[str, str]:
    """The variables that the deployed function has: which tables and queues are this stack's."""
    session, endpoint_url = administrator(), deployment.endpoint_url
    stack = session.client("cloudformation", endpoint_url=endpoint_url)
    try:
        found = stack.describe_stack_resource(StackName=deployment.stack_name, LogicalResourceId=function)
    except ClientError:
        raise Failed(f"The stack has no function {function}; template.yaml names them.") from None
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    configuration = session.client("lambda", endpoint_url=endpoint_url).get_function_configuration(FunctionName=name)
    return configuration["Environment"]["Variables"]


def with_values(event: str, description: dict[str, Any]) -> str:
    """A sample event with what it leaves open (`$api_key`) from what the stack says of itself."""
    return Template(event).safe_substitute(description)


def docker_engine() -> docker.DockerClient:
    """The Docker engine of this machine. Raises Failed where none answers."""
    with warnings.catch_warnings():
        # docker leaves open the socket that it could not connect, and Python warns of it whenever it finds it.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            engine = docker.from_env()
            engine.ping()
        except DockerException as error:
            reason = str(error)
        else:
            return engine
        gc.collect()
    raise Failed(f"No Docker engine answers, and a function in a container needs one: {reason}")


def _bridge_address(engine: docker.DockerClient) -> str:
    """This machine's address on the network that containers are on by default."""
    [network] = engine.networks.get("bridge").attrs["IPAM"]["Config"]
    first = next(ipaddress.ip_network(network["Subnet"]).hosts())
    return str(network.get("Gateway", first))


def _has_image(engine: docker.DockerClient) -> bool:
    """Whether the runtime's image is here already, so that nothing needs to be downloaded."""
    name = f"lambda/python:3.13-{architecture()}"
    return any(tag.endswith(name) for image in engine.images.list() for tag in image.tags)


def _template() -> Path:
    """The built template with a variable for the endpoint that replaces AWS: SAM passes on declared variables only."""
    with building():
        content = yaml.safe_load((BUILD / "template.yaml").read_text())
        content["Globals"]["Function"]["Environment"]["Variables"][ENDPOINT] = ""
        template = BUILD / "local-template.yaml"
        template.write_text(yaml.safe_dump(content, sort_keys=False))
    return template


@contextmanager
def relay(address: str, port: int) -> Iterator[tuple[str, int]]:
    """Pass connections to the yielded address on to a port on loopback."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as stack:
                back = threading.Thread(target=_pass_on, args=(stack, self.request), daemon=True)
                back.start()
                _pass_on(self.request, stack)
                back.join()

    class Relay(socketserver.ThreadingTCPServer):
        # A container that is gone leaves its connections open: nobody waits for them.
        daemon_threads = True
        block_on_close = False

    with Relay((address, 0), Connection) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield address, server.server_address[1]
        finally:
            server.shutdown()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
