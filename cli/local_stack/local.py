"""The local stack: the real template, built and deployed with SAM into an emulator on this machine.

All it keeps lies in one folder: the emulator's data, and `stack.json`, which says to other programs where it answers.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from botocore.exceptions import ClientError

from arrears_cli.deployment import ADMINISTRATOR, Deployment, administrator, deployed
from arrears_cli.output import run_or_explain, say
from local_stack import demo
from local_stack.containers import invoke, serving, with_values
from local_stack.emulator import Emulator
from local_stack.sam import ROOT, build, building, sam

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

STACK_NAME = "arrears"
DEFAULT_PORT = 4566

API_PORT = 3000
"""Where SAM serves an API by default."""

DIGEST_TAG = "arrears-digest"
"""The stack's tag with the digest of what was deployed: by it the stack shows whether it is current."""

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700

app = typer.Typer(help="The local stack.", no_args_is_help=True, pretty_exceptions_enable=False)


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

    def read_description(self) -> dict[str, Any]:
        """What `stack.json` says; nothing where there is none."""
        return json.loads(self.description.read_text()) if self.description.exists() else {}

    def describe(self, description: dict[str, Any]) -> None:
        """Add to `stack.json`; what else it says stays. Only its owner may read it: it holds credentials."""
        self._make_home()
        known = json.dumps(self.read_description() | description, indent=2) + "\n"
        new = self.description.with_suffix(".new")
        new.touch(mode=PRIVATE_FILE)
        new.chmod(PRIVATE_FILE)
        new.write_text(known)
        new.replace(self.description)

    def _make_home(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(PRIVATE_FOLDER)

    def up(self) -> Deployment:
        """Start it, deploy the checkout unless it is what runs already, and describe it."""
        self._make_home()
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
        sam(["deploy", "--config-env", "local", *stack], environment)

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
    """Build, start, deploy and fill; quick and harmless when nothing has changed."""
    stack = LocalStack.of_checkout()
    stack.up()
    stack.describe(demo.fill(stack.read_description()))
    typer.echo(demo.shown(stack.read_description()))


@app.command(name="demo")
def demo_command() -> None:
    """Load the demo company anew, as of today, beside what is there."""
    stack = LocalStack.of_checkout()
    stack.up()
    stack.describe(demo.load(stack.read_description()))
    typer.echo(demo.shown(stack.read_description()))


@app.command()
def down() -> None:
    """Stop; the data is kept."""
    LocalStack.of_checkout().down()


@app.command()
def reset() -> None:
    """Stop and delete the data."""
    LocalStack.of_checkout().reset()


@app.command(name="invoke")
def invoke_command(function: str, event: Path) -> None:
    """Run a function in a container on a sample event and the local stack's data."""
    stack = LocalStack.of_checkout()
    run = invoke(stack.up(), function, with_values(event.read_text(), stack.read_description()))
    say(run.stderr)
    typer.echo(run.stdout)


@app.command()
def api(port: int = API_PORT) -> None:
    """Serve the API with every function in a container, on the local stack's data, until it is interrupted."""
    deployment = LocalStack.of_checkout().up()
    with suppress(KeyboardInterrupt), serving(deployment, port) as process:
        say(f"The API answers on http://127.0.0.1:{port}; Ctrl-C ends it")
        process.wait()


@app.command(name="build")
def build_command() -> None:
    """Build what is deployed into .aws-sam/build."""
    with building():
        build()


if __name__ == "__main__":
    run_or_explain(app)
