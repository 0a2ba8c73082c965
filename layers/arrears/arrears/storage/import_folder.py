"""The folders of organisations in the import bucket, as a whole."""

from collections.abc import Iterator
from itertools import batched
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_ROOT = "imports/"
_BATCH = 1_000
"""Objects that one request deletes at most."""


class NotDeleted(Exception):
    """The bucket kept an object."""


class ImportFolders:
    """The folders of one bucket; none has files where there is no bucket (an empty name)."""

    def __init__(self, bucket: str, client: "S3Client | None" = None) -> None:
        self._bucket = bucket
        self._client = client

    def delete(self, organisation: str) -> int:
        """Deletes every version of every file of an organisation; how many. Raises NotDeleted if the bucket keeps one.

        A folder's name may have the organisation's id in capitals.
        """
        if not self._bucket:
            return 0
        client = self._client or boto3.client("s3")
        deleted = 0
        for folder in list(self._folders(client)):
            if folder.removeprefix(_ROOT).rstrip("/").lower() == organisation:
                for batch in batched(self._versions(client, folder), _BATCH, strict=False):
                    answer = client.delete_objects(Bucket=self._bucket, Delete={"Objects": list(batch), "Quiet": True})
                    if answer.get("Errors"):
                        raise NotDeleted(f"the import bucket kept {len(answer['Errors'])} of the files")
                    deleted += len(batch)
        return deleted

    def _folders(self, client: "S3Client") -> Iterator[str]:
        pages = client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=_ROOT, Delimiter="/")
        for page in pages:
            yield from (found["Prefix"] for found in page.get("CommonPrefixes", []))

    def _versions(self, client: "S3Client", folder: str) -> Iterator[Any]:
        pages = client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=folder)
        for page in pages:
            for found in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                yield {"Key": found["Key"], "VersionId": found["VersionId"]}
