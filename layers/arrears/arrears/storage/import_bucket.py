"""Files dropped into a bucket: they are read in pieces, and their results are written beside them."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, override

import boto3
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

PIECE_BYTES = 8 << 20
"""Read in one request: a file of any size needs this much memory, and no connection stays open for minutes."""
READ_ATTEMPTS = 4


class ObjectGone(FileNotFoundError):
    """The object is not there any more, or is another one now."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An object as it was when it was found: bucket, key and the version of its content."""

    client: "S3Client"
    bucket: str
    key: str
    etag: str
    size: int

    @property
    def name(self) -> str:
        """Its name, by which its kind may show."""
        return self.key.rpartition("/")[2]

    def open(self) -> io.BufferedReader:
        """A new stream over it. Reading it raises ObjectGone when it has been replaced."""
        return io.BufferedReader(_Pieces(self), 1 << 20)


class _Pieces(io.RawIOBase):
    """The bytes of an object, a piece at a time."""

    def __init__(self, file: StoredFile) -> None:
        self._file = file
        self._at = 0
        self._piece = b""
        self._used = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int:
        if self._used == len(self._piece):
            if self._at >= self._file.size:
                return 0
            self._piece, self._used = self._fetch(), 0
            self._at += len(self._piece)
        part = self._piece[self._used : self._used + len(buffer)]
        buffer[: len(part)] = part
        self._used += len(part)
        return len(part)

    def _fetch(self) -> bytes:
        file = self._file
        last = min(self._at + PIECE_BYTES, file.size) - 1
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                answer = file.client.get_object(
                    Bucket=file.bucket, Key=file.key, Range=f"bytes={self._at}-{last}", IfMatch=file.etag
                )
                return answer["Body"].read()
            except ClientError as error:
                raise _gone(error, file.key) from error
            except (BotoCoreError, OSError):
                # A connection that broke off in the middle: the client's own retries cover only its start.
                if attempt == READ_ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")


def _gone(error: ClientError, key: str) -> Exception:
    if error.response["Error"]["Code"] in ("NoSuchKey", "404", "PreconditionFailed", "412", "InvalidRange"):
        return ObjectGone(f"{key} is gone or has been replaced")
    return error


class ImportBucket:
    """Objects in the import bucket, and the queue that hands an import on."""

    def __init__(self, queue_url: str, s3: "S3Client | None" = None, sqs: "SQSClient | None" = None) -> None:
        self._s3: S3Client = s3 or boto3.client("s3")
        self._sqs: SQSClient = sqs or boto3.client("sqs")
        self._queue_url = queue_url

    def file(self, bucket: str, key: str) -> StoredFile:
        """The object as it is now. Raises ObjectGone when there is none."""
        file = self._find(bucket, key)
        if file is None:
            raise ObjectGone(f"{key} is gone")
        return file

    def _find(self, bucket: str, key: str) -> StoredFile | None:
        """By listing: asked for an object that is not there, S3 says so only to who may list the whole bucket."""
        listed = self._s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
        if not listed or listed[0]["Key"] != key:
            return None
        return StoredFile(self._s3, bucket, key, listed[0]["ETag"], listed[0]["Size"])

    def beside(self, bucket: str, key: str) -> Iterator[StoredFile]:
        """Every object in the same folder, itself included."""
        folder = key.rpartition("/")[0] + "/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder, Delimiter="/")
        for page in pages:
            for found in page.get("Contents", []):
                yield StoredFile(self._s3, bucket, found["Key"], found["ETag"], found["Size"])

    def read(self, bucket: str, key: str, max_bytes: int) -> bytes | None:
        """A small object: all of it, or one byte more than `max_bytes` of it; None when there is none."""
        if self._find(bucket, key) is None:
            return None
        return self._s3.get_object(Bucket=bucket, Key=key)["Body"].read(max_bytes + 1)

    def write(self, bucket: str, key: str, content: bytes, content_type: str) -> None:
        """Puts a small object."""
        self._s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type)

    def upload(self, bucket: str, key: str, path: Path) -> None:
        """Puts a file of any size."""
        self._s3.upload_file(str(path), bucket, key, ExtraArgs={"ContentType": "text/csv; charset=utf-8"})

    def download(self, bucket: str, key: str, path: Path) -> None:
        """Gets an object of any size into a file."""
        self._s3.download_file(bucket, key, str(path))

    def remove(self, bucket: str, key: str) -> None:
        """Deletes an object, if there is one."""
        self._s3.delete_object(Bucket=bucket, Key=key)

    def hand_over(self, message: dict[str, Any], delay_seconds: int = 0) -> None:
        """Queues a message for the next run, which gets it after so many seconds (900 at most)."""
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(message), DelaySeconds=delay_seconds)
