"""An import bucket in memory, and what S3 says of its files."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from support.files import MemoryFile


@dataclass(frozen=True)
class Dropped(MemoryFile):
    """An object in memory."""

    key: str = ""
    etag: str = ""


@dataclass
class Bucket:
    """A bucket and a queue in memory."""

    objects: dict[str, bytes] = field(default_factory=dict)
    queue: list[dict[str, Any]] = field(default_factory=list)

    def file(self, bucket: str, key: str) -> Dropped:
        content = self.objects[key]
        return Dropped(key.rpartition("/")[2], content, key, str(hash(content)))

    def beside(self, bucket: str, key: str) -> list[Dropped]:
        folder = key.rpartition("/")[0]
        return [self.file(bucket, other) for other in list(self.objects) if other.rpartition("/")[0] == folder]

    def read(self, bucket: str, key: str, max_bytes: int) -> bytes | None:
        found = self.objects.get(key)
        return None if found is None else found[: max_bytes + 1]

    def write(self, bucket: str, key: str, content: bytes, content_type: str) -> None:
        self.objects[key] = content

    def upload(self, bucket: str, key: str, path: Path) -> None:
        self.objects[key] = path.read_bytes()

    def download(self, bucket: str, key: str, path: Path) -> None:
        path.write_bytes(self.objects[key])

    def remove(self, bucket: str, key: str) -> None:
        self.objects.pop(key, None)

    def hand_over(self, message: dict[str, Any]) -> None:
        self.queue.append(json.loads(json.dumps(message)))


def notification(key: str, sequencer: str = "0A") -> dict[str, Any]:
    about = {"key": quote_plus(key, safe="/"), "size": 1, "eTag": "x", "sequencer": sequencer}
    at = "2026-01-31T09:29:58.123Z"
    return {
        "Records": [{"eventSource": "aws:s3", "eventTime": at, "s3": {"bucket": {"name": "drops"}, "object": about}}]
    }
