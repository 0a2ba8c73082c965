"""Who works on the tables, as AWS knows them."""

from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

if TYPE_CHECKING:
    from mypy_boto3_sts.client import STSClient

UNKNOWN_IDENTITY = "unknown AWS identity"
"""Stands in the audit where AWS does not say who the caller is; the act itself is never held up by that."""


def caller_arn() -> str:
    """The ARN of the user or role whose credentials this process has; UNKNOWN_IDENTITY where AWS does not say."""
    try:
        config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
        client = cast("STSClient", get_session().create_client("sts", config=config))
        return client.get_caller_identity()["Arn"]
    except (BotoCoreError, ClientError):
        return UNKNOWN_IDENTITY
