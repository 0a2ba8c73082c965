"""Unattended imports: a file dropped under `imports/<organisation id>/`, with its results written beside it.

The folder selects the mapping: `imports/<organisation id>/xero/...` means the mapping xero, and a `mapping.toml` in the
same folder means that one. Without either, rows are the ledger's own records. A run that is out of time passes the rest
to the next run, with the row at which it stopped. A run that dies starts again from the row before; nothing is written
twice.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote_plus

from arrears.imports.errors import FileRefused
from arrears.imports.field import ReadingDefaults
from arrears.imports.file_reader import Reader
from arrears.imports.file_rows import CSV_SUFFIXES, Source
from arrears.imports.import_run import Progress, Write, run
from arrears.imports.mapping import MAX_MAPPING_BYTES, Mapping, load, parse, shipped
from arrears.imports.rejected_rows import RejectedRows
from arrears.ledger.import_ids import import_id
from arrears.ledger.organisation import Organisation

RESULTS = "results.json"
REJECTED = "rejected.csv"
MAPPINGS = ("mapping.toml", "mapping.json")
SHOWN_REJECTIONS = 20
"""Rejected rows that the results show; all of them are in the file of rejected rows."""
MAX_RESULTS_BYTES = 1 << 20

_KEY = re.compile(r"imports/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(.*[^/])", re.IGNORECASE)


class DroppedFile(Source, Protocol):
    """A dropped object. etag: the version of its content."""

    @property
    def key(self) -> str:
        """Its whole name in the bucket."""
        ...

    @property
    def etag(self) -> str:
        """The version of its content."""
        ...


class ImportBucket(Protocol):
    """The bucket and the queue."""

    def file(self, bucket: str, key: str) -> DroppedFile:
        """The object as it is now. Raises FileNotFoundError when it is gone, and so does reading it once it is."""
        ...

    def beside(self, bucket: str, key: str) -> Iterable[DroppedFile]:
        """Every object in the same folder."""
        ...

    def read(self, bucket: str, key: str, max_bytes: int) -> bytes | None:
        """A small object: all of it, or one byte more than `max_bytes` of it; None when there is none."""
        ...

    def write(self, bucket: str, key: str, content: bytes, content_type: str) -> None:
        """Puts a small object."""
        ...

    def upload(self, bucket: str, key: str, path: Path) -> None:
        """Puts a file."""
        ...

    def download(self, bucket: str, key: str, path: Path) -> None:
        """Gets an object into a file."""
        ...

    def remove(self, bucket: str, key: str) -> None:
        """Deletes an object, if there is one."""
        ...

    def hand_over(self, message: dict[str, Any]) -> None:
        """Queues a message for the next run."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One file to import.

    sequencer: differs between one upload under a key and the next. progress: where an earlier run stopped. import_id:
    the same in all runs, and when a notification comes again; "" of one that an earlier version handed over.
    """

    bucket: str
    key: str
    sequencer: str
    started_at: str
    etag: str | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    first_rejections: list[dict[str, Any]] = field(default_factory=list)
    import_id: str = ""

    @property
    def organisation_id(self) -> str:
        """The organisation that the key names."""
        match = _KEY.fullmatch(self.key)
        return match[1].lower() if match else ""

    @property
    def folder(self) -> str:
        """The key up to its last slash."""
        return self.key.rpartition("/")[0] + "/"


def jobs(message: dict[str, Any], now: datetime) -> list[Job]:
    """What a message asks for: a handed-over import, or every dropped file that a notification of S3 names."""
    if "job" in message:
        return [Job(**message["job"])]
    found = []
    for record in message.get("Records", []):
        notified = record["s3"]["object"]
        key = unquote_plus(notified["key"])
        if is_input(key):
            bucket, sequencer = record["s3"]["bucket"]["name"], notified.get("sequencer", "")
            id_ = import_id(_notified_at(record, now), sha256(f"{bucket}/{key}#{sequencer}".encode()).hexdigest())
            found.append(Job(bucket, key, sequencer, now.isoformat(timespec="seconds"), import_id=id_))
    return found


def _notified_at(record: dict[str, Any], now: datetime) -> datetime:
    """When the file was dropped, as the notification says."""
    try:
        return datetime.fromisoformat(record["eventTime"])
    except (KeyError, ValueError):
        return now


def is_input(key: str) -> bool:
    """Whether an object is a file to import, and not a mapping or what an import wrote."""
    return _KEY.fullmatch(key) is not None and not key.endswith((RESULTS, REJECTED, *MAPPINGS))


@dataclass(frozen=True, slots=True)
class Importer:
    """Imports dropped files. scratch: a folder for the rejected rows of a run. out_of_time: whether to hand over."""

    bucket: ImportBucket
    clock: Callable[[], datetime]
    out_of_time: Callable[[], bool]
    scratch: Path = Path(tempfile.gettempdir())

    def take(self, job: Job, organisation: Organisation | None, write: Write) -> str:
        """Imports a file as far as there is time, and says what came of it: done, refused, handed over, known or gone.

        Raises when the file cannot be read or the ledger not be written; the same job may then be taken again.
        """
        try:
            return self._take(job, organisation, write)
        except FileNotFoundError:
            return "gone"

    def _take(self, job: Job, organisation: Organisation | None, write: Write) -> str:
        if not job.progress and self._is_known(job):
            return "known"
        file = self.bucket.file(job.bucket, job.key)
        if job.etag not in (None, file.etag):
            return "known"
        try:
            if organisation is None:
                raise FileRefused(f"There is no organisation {job.organisation_id}.")
            reader = Reader(self._mapping(job), ReadingDefaults(organisation.timezone, organisation.currency))
            return self._import(job, file, reader, write)
        except FileRefused as refused:
            self._report(job, "refused", {"reason": str(refused)})
            return "refused"

    def _is_known(self, job: Job) -> bool:
        """A notification may come twice; the second must not say that nothing was new."""
        stored = self.bucket.read(job.bucket, f"{job.key}.{RESULTS}", MAX_RESULTS_BYTES)
        return stored is not None and bool(job.sequencer) and _sequencer(stored) == job.sequencer

    def _mapping(self, job: Job) -> Mapping | None:
        for name in MAPPINGS:
            content = self.bucket.read(job.bucket, job.folder + name, MAX_MAPPING_BYTES)
            if content is not None:
                return parse(content, name)
        under = job.key.split("/")[2]
        return load(under) if under in shipped() else None

    def _import(self, job: Job, file: DroppedFile, reader: Reader, write: Write) -> str:
        if not job.progress:
            reader.check_dates(file)
        progress = Progress(**{"import_id": job.import_id, **job.progress})
        beside = self.bucket.beside(job.bucket, job.key)
        others = (other for other in beside if is_input(other.key) and other.name.lower().endswith(CSV_SUFFIXES))
        companions = reader.with_companions(others)
        opened = reader.open(file)
        rejected = RejectedRows(self._rejected(job, progress), opened.table.columns, progress.rejected_bytes)
        refusal = None
        ended = True
        try:
            ended = run(opened, progress, write, rejected, lambda _: not self.out_of_time())
        except FileRefused as refused:
            refusal = refused
        finally:
            opened.close()
            rejected.close()
            companions.close()
        if progress.rejected_rows:
            self.bucket.upload(job.bucket, f"{job.key}.{REJECTED}", rejected.path)
        first = [*job.first_rejections, *(row.to_json() for row in rejected.first)]
        if not ended:
            self._hand_over(job, file, progress, first)
            return "handed over"
        self._finish(job, progress, rejected.path, first, refusal)
        rejected.path.unlink(missing_ok=True)
        return "done" if refusal is None else "refused"

    def _rejected(self, job: Job, progress: Progress) -> Path:
        """The rejected rows so far, here."""
        path = self.scratch / "rejected.csv"
        if progress.rejected_bytes:
            self.bucket.download(job.bucket, f"{job.key}.{REJECTED}", path)
        return path

    def _hand_over(self, job: Job, file: DroppedFile, progress: Progress, first: list[dict[str, Any]]) -> None:
        self.bucket.hand_over(
            {
                "job": {
                    "bucket": job.bucket,
                    "key": job.key,
                    "sequencer": job.sequencer,
                    "started_at": job.started_at,
                    "etag": file.etag,
                    "progress": progress.to_json(),
                    "first_rejections": first[:SHOWN_REJECTIONS],
                    "import_id": job.import_id,
                }
            }
        )

    def _finish(
        self,
        job: Job,
        progress: Progress,
        rejected: Path,
        first: list[dict[str, Any]],
        refusal: FileRefused | None,
    ) -> None:
        """Writes what came of all rows, or of those before the one at which the file was refused."""
        latest, own = job.folder + REJECTED, f"{job.key}.{REJECTED}"
        if progress.rejected_rows:
            self.bucket.upload(job.bucket, latest, rejected)
        else:
            self.bucket.remove(job.bucket, latest)
            self.bucket.remove(job.bucket, own)
        rejected_key = own if progress.rejected_rows else None
        summary = {**progress.summary(), "rejected_file": rejected_key, "first_rejections": first[:SHOWN_REJECTIONS]}
        if refusal is None:
            self._report(job, "done", summary)
        else:
            self._report(job, "refused", {"reason": str(refusal), **summary})

    def _report(self, job: Job, status: str, content: dict[str, Any]) -> None:
        """Writes the results: of this file under its own name, and as the latest of its folder."""
        results = {
            "status": status,
            "file": job.key,
            "sequencer": job.sequencer,
            "started_at": job.started_at,
            "finished_at": self.clock().isoformat(timespec="seconds"),
            **content,
        }
        body = json.dumps(results, indent=2).encode()
        for key in (job.folder + RESULTS, f"{job.key}.{RESULTS}"):
            self.bucket.write(job.bucket, key, body, "application/json")


def _sequencer(stored: bytes) -> str | None:
    """Which upload the results are of; None where somebody else wrote something else there."""
    try:
        results = json.loads(stored)
    except (ValueError, RecursionError):
        return None
    sequencer = results.get("sequencer") if isinstance(results, dict) else None
    return sequencer if isinstance(sequencer, str) else None
