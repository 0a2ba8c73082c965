"""A deployed Arrears as the command finds it: where it answers and which tables are its own."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from arrears_cli.output import Failed

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION = "us-east-1"
ADMINISTRATOR = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
"""The environment of who may do everything. What listens on loopback only has no secret to keep."""


def administrator() -> boto3.Session:
    """The session of who may do everything; a client made of it still needs the endpoint."""
    return boto3.Session(
        aws_access_key_id=ADMINISTRATOR["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ADMINISTRATOR["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployed stack: base URL, tables, event bus, import bucket; endpoint_url replaces AWS."""

    stack_name: str
    region: str
    base_url: str
    ledger_table: str
    access_table: str
    history_table: str
    counters_table: str = ""
    event_bus: str = ""
    import_bucket: str = ""
    endpoint_url: str | None = None

    def environment(self) -> dict[str, str]:
        """The variables under which the deployed functions run, for a process that works beside them."""
        variables = {
            "LEDGER_TABLE": self.ledger_table,
            "ACCESS_TABLE": self.access_table,
            "HISTORY_TABLE": self.history_table,
            "COUNTERS_TABLE": self.counters_table,
            "EVENT_BUS": self.event_bus,
            "IMPORT_BUCKET": self.import_bucket,
            "AWS_DEFAULT_REGION": self.region,
        }
        if self.endpoint_url is not None:
            variables |= ADMINISTRATOR | {"AWS_ENDPOINT_URL": self.endpoint_url}
        return variables


def deployed(stack_name: str, region: str | None = None, endpoint_url: str | None = None) -> Deployment:
    """The stack of that name, in AWS under its usual settings or in the emulator at `endpoint_url`.

    Raises botocore's ClientError where there is no such stack or it may not be read.
    """
    session = boto3.Session(region_name=region or chosen_region()) if endpoint_url is None else administrator()
    client = session.client("cloudformation", endpoint_url=endpoint_url)
    [stack] = client.describe_stacks(StackName=stack_name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
    return _deployment(stack_name, client.meta.region_name, outputs, endpoint_url)


def _deployment(stack_name: str, region: str, outputs: "Mapping[str, str]", endpoint_url: str | None) -> Deployment:
    base_url = outputs["ApiUrl"]
    if endpoint_url is not None:
        base_url = f"{endpoint_url}/_aws/execute-api/{outputs['ApiId']}/{outputs['StageName']}"
    return Deployment(
        stack_name=stack_name,
        region=region,
        base_url=base_url,
        ledger_table=outputs["LedgerTableName"],
        access_table=outputs["AccessTableName"],
        history_table=outputs["HistoryTableName"],
        counters_table=outputs["CountersTableName"],
        event_bus=outputs["EventBusName"],
        import_bucket=outputs["ImportBucketName"],
        endpoint_url=endpoint_url,
    )


def chosen_region() -> str | None:
    """The region that AWS_REGION names; None leaves it to AWS_DEFAULT_REGION and the profile, which boto3 reads."""
    return os.environ.get("AWS_REGION") or None


def find(stack_name: str, region: str | None) -> Deployment:
    """The stack in AWS that a person has named. Raises Failed with what is missing, and how to give it."""
    try:
        return deployed(stack_name, region)
    except NoRegionError:
        raise Failed(
            f"No region is known to look for the stack {stack_name} in: set AWS_REGION, or write --stack "
            f"{stack_name}@eu-central-1."
        ) from None
    except NoCredentialsError:
        raise Failed(
            "There are no AWS credentials: AWS_PROFILE names a profile, `aws configure` makes one. Without access to "
            "AWS, reports, `record` and `import` work with ARREARS_URL and ARREARS_API_KEY."
        ) from None
    except KeyError as lacking:
        raise Failed(f"The stack {stack_name} is not Arrears: it has no output {lacking.args[0]}.") from None
    except (BotoCoreError, ClientError) as error:
        raise Failed(_why_not_found(stack_name, region, error)) from None


def _why_not_found(stack_name: str, region: str | None, error: Any) -> str:
    if "does not exist" not in str(error):
        return f"AWS does not describe the stack {stack_name}: {error}"
    where = region or chosen_region() or boto3.Session().region_name
    return f"There is no stack {stack_name} in {where} of this AWS account."
