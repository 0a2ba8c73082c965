"""The stack in AWS: deployed and deleted with SAM, with no question that the settings answer already.

A stack's parameters are kept by CloudFormation: one that was given once stays until it is given anew. Those that are to
be under version control go into samconfig.toml under the stage's name; `PARAMETERS` counts before both.
"""

import hashlib
import json
import os
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import typer
from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from arrears_cli.deployment import chosen_region
from arrears_cli.output import Failed, run_or_explain, say
from local_stack.sam import ROOT, build, building, started_sam

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

DEFAULT_ARCHITECTURE = "x86_64"
KEPT = ("LedgerTableName", "AccessTableName", "HistoryTableName", "ImportBucketName")
"""The outputs that name what deleting the stack leaves behind."""
MOST_BUCKET_NAME = 63
KEPT = ("LedgerTableName", "AccessTableName", "HistoryTableName", "ImportBucketName")
"""Outputs that name what a deletion of the stack leaves behind."""
_STAGE = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")

app = typer.Typer(help="The stack in AWS.", no_args_is_help=True, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a stage is deployed. settings: its section of samconfig.toml. session: the usual AWS settings."""

    stage: str
    region: str
    stack_name: str
    session: boto3.Session
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, stage: str) -> "Target":
        """The target of a stage. Raises Failed when it cannot be one, or the AWS settings lack something."""
        if not _STAGE.fullmatch(stage) or stage in ("local", "default"):
            raise Failed(
                f"Name a stage in AWS: STAGE=prod. It starts with a letter, and has small letters, digits and hyphens; "
                f"'{stage}' cannot be one."
            )
        settings = samconfig(stage)
        session = boto3.Session(region_name=settings.get("region") or chosen_region())
        if session.region_name is None:
            raise Failed(f"Name a region: AWS_REGION=eu-central-1 make deploy STAGE={stage}")
        if session.get_credentials() is None:
            raise Failed("There are no AWS credentials: AWS_PROFILE=… names a profile, aws configure makes one.")
        stack_name = settings.get("stack_name", f"arrears-{stage}")
        bucket = f"{stack_name}-imports-{'0' * 12}-{session.region_name}"
        if len(bucket) > MOST_BUCKET_NAME:
            raise Failed(
                f"The name of the stack's bucket would be {len(bucket)} characters long, and {MOST_BUCKET_NAME} are "
                f"allowed: shorten STAGE by {len(bucket) - MOST_BUCKET_NAME}."
            )
        return cls(stage, session.region_name, stack_name, session, settings)

    def client(self, service: str) -> Any:
        """A client for the target's account and region."""
        return self.session.client(service, region_name=self.region)  # type: ignore[call-overload]

    def stack(self) -> "StackTypeDef | None":
        """The stack as it is; None where there is none."""
        try:
            [found] = self.client("cloudformation").describe_stacks(StackName=self.stack_name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise Failed(f"AWS refused to describe {self.stack_name}: {error}") from error
        return found  # type: ignore[no-any-return]

    def sam(self, command: list[str]) -> None:
        """Runs SAM on this stack with the caller's AWS settings, its output shown. Raises Failed when it fails."""
        aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        stack = ["--stack-name", self.stack_name, "--region", self.region]
        configured = ["--config-env", self.stage] if self.settings else []
        if started_sam([*command, *stack, *configured], aws).wait() != 0:
            raise Failed(f"sam {command[0]} failed, see above.")


def samconfig(stage: str) -> dict[str, Any]:
    """What samconfig.toml says of deploying that stage."""
    sections = tomllib.loads((ROOT / "samconfig.toml").read_text())
    found: dict[str, Any] = sections.get(stage, {}).get("deploy", {}).get("parameters", {})
    return found


def given_parameters(settings: Mapping[str, Any], text: str, architecture: str | None) -> dict[str, str]:
    """The template's parameters as they are given: samconfig.toml, then `PARAMETERS`, then `ARCHITECTURE`.

    Raises Failed for text that is not a list of NAME=value, and for names that the template does not have.
    """
    configured = settings.get("parameter_overrides", [])
    words = [*(shlex.split(configured) if isinstance(configured, str) else configured), *shlex.split(text)]
    if any("=" not in word for word in words):
        raise Failed('Parameters are given as PARAMETERS="AlarmAddress=night@example.com MemorySize=512".')
    given = dict(word.split("=", 1) for word in words)
    # CloudFormation is never asked about a name that the template does not have: SAM leaves it out, and says nothing.
    unknown = given.keys() - yaml_parse((ROOT / "template.yaml").read_text())["Parameters"].keys()
    if unknown:
        raise Failed(f"There is no parameter {', '.join(sorted(unknown))}; docs/parameters.md lists them.")
    return given | ({"Architecture": architecture} if architecture else {})


def release(digest: str, parameters: Mapping[str, str]) -> str:
    """What the functions' versions are named after: another one for any change of code, template or parameters."""
    own = {name: value for name, value in parameters.items() if name != "Release"}
    return hashlib.sha256(json.dumps([digest, own], sort_keys=True).encode()).hexdigest()


def overrides(parameters: Mapping[str, str]) -> list[str]:
    """Parameters as SAM takes them on its command line."""
    return ["--parameter-overrides", *(f"{name}={json.dumps(value)}" for name, value in parameters.items())]


@app.command()
def deploy(
    stage: str,
    parameters: Annotated[str, typer.Option(envvar="PARAMETERS", help="NAME=value, several with spaces between")] = "",
    architecture: Annotated[str, typer.Option(envvar="ARCHITECTURE", help="x86_64 or arm64")] = "",
) -> None:
    """Build for the stack's own architecture, and deploy."""
    target = Target.of(stage)
    stack = target.stack()
    if stack is not None and stack["StackStatus"] == "ROLLBACK_COMPLETE":
        say(f"{target.stack_name} was never created whole: deleting what is left of it")
        _delete_remains(target)
        stack = None
    given = {"Stage": stage, **given_parameters(target.settings, parameters, architecture or None)}
    previous = {one["ParameterKey"]: one["ParameterValue"] for one in (stack["Parameters"] if stack else ())}
    effective = {"Architecture": DEFAULT_ARCHITECTURE, **previous, **given}
    with building():
        digest = build(effective["Architecture"])
        given |= {"Architecture": effective["Architecture"], "Release": release(digest, effective)}
        target.sam(["deploy", "--no-confirm-changeset", *overrides(given)])


def _delete_remains(target: Target) -> None:
    client = target.client("cloudformation")
    client.delete_stack(StackName=target.stack_name)
    client.get_waiter("stack_delete_complete").wait(StackName=target.stack_name)


@app.command()
def destroy(stage: str, yes: Annotated[bool, typer.Option(envvar="YES", help="Do not ask")] = False) -> None:
    """Delete the stack; its books and its bucket are kept, and named."""
    target = Target.of(stage)
    stack = target.stack()
    if stack is None:
        raise Failed(f"There is no stack {target.stack_name} in {target.region}.")
    if not yes:
        typer.confirm(f"Delete the stack {target.stack_name} in {target.region}?", abort=True)
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    if "EventBusName" in outputs:
        remove_rules(target, outputs["EventBusName"])
    target.sam(["delete", "--no-prompts"])
    say("Kept, with what is in them: " + ", ".join(outputs[name] for name in KEPT if name in outputs))


def remove_rules(target: Target, bus: str) -> None:
    """Removes the subscribers' rules: a bus that has any cannot be deleted."""
    events = target.client("events")
    pages = events.get_paginator("list_rules").paginate(EventBusName=bus)
    for name in [rule["Name"] for page in pages for rule in page["Rules"]]:
        say(f"Removing the rule {name} from {bus}")
        targets = events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
        if targets:
            events.remove_targets(Rule=name, EventBusName=bus, Ids=[one["Id"] for one in targets])
        events.delete_rule(Name=name, EventBusName=bus)


if __name__ == "__main__":
    run_or_explain(app)
