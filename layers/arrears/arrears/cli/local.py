"""The local stack: the real template, built and deployed with SAM into an emulator on this machine.

All it keeps lies in one folder: the emulator's data, and `stack.json`, which tells other programs where it answers.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from botocore.exceptions import ClientError
from filelock import FileLock

from arrears.cli.deployment import Deployment, deployed
from arrears.cli.emulator import ADMINISTRATOR, Emulator, EmulatorError, administrator

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

ROOT = Path(__file__).parents[4]
"""The checkout: the folder of template.yaml."""

BUILD = ROOT / ".aws-sam" / "build"
"""Where `sam build` leaves the template and the folders it names."""

STACK_NAME = "arrears"
DEFAULT_PORT = 4566

DIGEST_TAG = "arrears-digest"
"""The stack's tag with the digest of what was deployed: the stack itself tells whether it is current."""

app = typer.Typer(help="The local stack.", no_args_is_help=True, pretty_exceptions_enable=False)


class SamError(Exception):
    """SAM failed; the message is what it printed."""


def say(line: str) -> None:
    """Progress for a person, on stderr: stdout is for what programs read."""
    typer.echo(line, err=True)


@dataclass(frozen=True, slots=True)
class LocalStack:
    """The template deployed into an emulator, and the folder where both keep what they have."""

    home: Path
    port: int

    @classmethod
    def of_checkout(cls) -> "LocalStack":
        """The checkout's own stack, on `ARREARS_PORT` or 4566."""
        return cls(ROOT / ".local", int(os.environ.get("ARREARS_PORT", DEFAULT_PORT)))

    @property
    def emulator(self) -> Emulator:
        """What it runs in: installed once for the checkout, with this stack's data."""
        return Emulator(ROOT / ".local" / "ministack-venv" / "bin" / "python", self.home, self.port)

    @property
    def description(self) -> Path:
        """`stack.json`: what other programs need to know of the stack, one JSON object."""
        return self.home / "stack.json"

    def facts(self) -> dict[str, Any]:
        """What `stack.json` tells; nothing where there is none."""
        return json.loads(self.description.read_text()) if self.description.exists() else {}

    def describe(self, facts: dict[str, Any]) -> None:
        """Add facts to `stack.json`; those of other things stay."""
        self.description.write_text(json.dumps(self.facts() | facts, indent=2) + "\n")

    def up(self) -> Deployment:
        """Start it, deploy the checkout unless it is what runs already, and describe it."""
        self.home.mkdir(parents=True, exist_ok=True)
        with building():
            digest = build()
            if self.emulator.start():
                say(f"Started the local stack on 127.0.0.1:{self.port}")
            cloudformation = administrator().client("cloudformation", endpoint_url=self.emulator.endpoint_url)
            if _deployed_digest(cloudformation) != digest:
                say("Deploying into the local stack")
                self._deploy(digest)
                self._put_gateway_responses(cloudformation)
        deployment = deployed(STACK_NAME, endpoint_url=self.emulator.endpoint_url)
        self.describe(asdict(deployment))
        return deployment

    def down(self) -> None:
        """Stop it and keep its data."""
        if self.emulator.stop():
            say("Stopped the local stack; its data is kept")

    def reset(self) -> None:
        """Stop it and delete its data."""
        self.emulator.wipe()
        self.description.unlink(missing_ok=True)

    def _deploy(self, digest: str) -> None:
        environment = ADMINISTRATOR | {"AWS_ENDPOINT_URL": self.emulator.endpoint_url}
        stack = ["--stack-name", STACK_NAME, "--tags", f"{DIGEST_TAG}={digest}"]
        _sam(["deploy", "--config-env", "local", *stack], environment)

    def _put_gateway_responses(self, cloudformation: "CloudFormationClient") -> None:
        """The emulator imports an API's paths but not its gateway responses: hand it those of the deployed template."""
        template: Any = cloudformation.get_template(StackName=STACK_NAME, TemplateStage="Processed")["TemplateBody"]
        body = template["Resources"]["Api"]["Properties"]["Body"]
        described = cloudformation.describe_stack_resource(StackName=STACK_NAME, LogicalResourceId="Api")
        api_id = described["StackResourceDetail"]["PhysicalResourceId"]
        gateway = administrator().client("apigateway", endpoint_url=self.emulator.endpoint_url)
        for kind, response in body["x-amazon-apigateway-gateway-responses"].items():
            gateway.put_gateway_response(restApiId=api_id, responseType=kind, **response)
        [stage] = gateway.get_stages(restApiId=api_id)["item"]
        gateway.create_deployment(restApiId=api_id, stageName=stage["stageName"])


# --- building -------------------------------------------------------------------------------------------------------


def building() -> FileLock:
    """Held by who builds, or reads what is built: there is one build of a checkout at a time."""
    BUILD.parent.mkdir(exist_ok=True)
    return FileLock(BUILD.parent / "lock")


def build() -> str:
    """`sam build`, unless the last one was of the same inputs. Returns the digest of what is built."""
    digest = _digest()
    mark = BUILD / ".digest"
    if not mark.exists() or mark.read_text() != digest:
        say("Building the functions and their layer")
        _sam(["build", "--parameter-overrides", f"Architecture={architecture()}"], {"ARCHITECTURE": architecture()})
        mark.write_text(digest)
    return digest


def architecture() -> str:
    """The instruction set that is built for: `ARCHITECTURE`, or this machine's, in Lambda's words."""
    machine = os.environ.get("ARCHITECTURE", platform.machine())
    return "arm64" if machine in ("aarch64", "arm64") else "x86_64"


def _digest() -> str:
    """A digest of all that a deployed stack is made of."""
    digest = hashlib.sha256(architecture().encode())
    for path in sorted(_inputs()):
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _inputs() -> Iterator[Path]:
    yield ROOT / "template.yaml"
    yield ROOT / "samconfig.toml"
    for folder in (ROOT / "functions", ROOT / "layers"):
        for path in folder.rglob("*"):
            generated = "__pycache__" in path.parts or ".egg-info" in str(path)
            if path.is_file() and not generated and not path.is_relative_to(Path(__file__).parent):
                yield path


def _sam(arguments: list[str], environment: dict[str, str]) -> None:
    """Run SAM quietly in the checkout; what it prints is shown when it fails."""
    tools = Path(sys.executable).parent
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # The layer's Makefile finds the environment's Python, and with it uv, by name.
    own |= {"PATH": f"{tools}:{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0"}
    run = subprocess.run(
        [tools / "sam", *arguments],
        cwd=ROOT,
        env=own | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise SamError(f"sam {arguments[0]} failed:\n{run.stdout}")


def _deployed_digest(cloudformation: "CloudFormationClient") -> str | None:
    """The digest of what is deployed; None when nothing is, or only half."""
    try:
        [stack] = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
    except ClientError:
        return None
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return None
    return next((tag["Value"] for tag in stack["Tags"] if tag["Key"] == DIGEST_TAG), None)


# --- the commands ---------------------------------------------------------------------------------------------------


@app.command()
def up() -> None:
    """Build, start and deploy; quick and harmless when nothing has changed."""
    deployment = LocalStack.of_checkout().up()
    typer.echo(f"Base URL  {deployment.base_url}")


@app.command()
def down() -> None:
    """Stop; the data is kept."""
    LocalStack.of_checkout().down()


@app.command()
def reset() -> None:
    """Stop and delete the data."""
    LocalStack.of_checkout().reset()


@app.command(name="build")
def build_command() -> None:
    """Build what is deployed into .aws-sam/build."""
    with building():
        build()


def main() -> None:
    """Run a command; what a person can mend is one message, not a traceback."""
    try:
        app()
    except (EmulatorError, SamError) as error:
        say(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
