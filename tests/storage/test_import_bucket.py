"""Objects read in pieces, and what is written beside them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from arrears.storage import import_bucket
from arrears.storage.import_bucket import ImportBucket, ObjectGone

KEY = "imports/x/folder/a.csv"


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="drops")
        yield client


@pytest.fixture
def store(s3: Any) -> ImportBucket:
    return ImportBucket("", s3, boto3.client("sqs"))


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_bucket, "PIECE_BYTES", 1_000)


def put(s3: Any, content: bytes, key: str = KEY) -> None:
    s3.put_object(Bucket="drops", Key=key, Body=content)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("size", [0, 1, 999, 1_000, 1_001, 5_432])
def test_a_file_is_read_whole_and_again(s3: Any, store: ImportBucket, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    put(s3, content)
    file = store.file("drops", KEY)
    assert (file.name, file.size) == ("a.csv", size)
    for _ in range(2):
        with file.open() as stream:
            assert stream.read() == content
    with file.open() as stream:
        assert stream.peek(10)[:10] == content[:10]
        assert b"".join(iter(lambda: stream.read(77), b"")) == content


@pytest.mark.usefixtures("small_pieces")
def test_a_file_replaced_while_it_is_read_is_gone(s3: Any, store: ImportBucket) -> None:
    put(s3, b"a" * 5_000)
    stream = store.file("drops", KEY).open()
    assert stream.read(10) == b"a" * 10
    put(s3, b"b" * 5_000)
    with pytest.raises(ObjectGone):
        stream.read()


def test_what_is_not_there_is_gone(store: ImportBucket) -> None:
    with pytest.raises(ObjectGone):
        store.file("drops", KEY)
    assert store.read("drops", KEY, 100) is None


@pytest.mark.usefixtures("small_pieces")
def test_a_connection_that_breaks_off_is_made_again(
    s3: Any, store: ImportBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(range(256)) * 20
    put(s3, content)
    file = store.file("drops", KEY)
    original, calls = s3.get_object, []

    class Broken:
        def read(self) -> bytes:
            raise ReadTimeoutError(endpoint_url="s3")

    def flaky(**asked: Any) -> Any:
        calls.append(asked["Range"])
        return {"Body": Broken()} if len(calls) % 2 else original(**asked)

    monkeypatch.setattr(s3, "get_object", flaky)
    assert file.open().read() == content
    assert len(calls) == 2 * 6
    monkeypatch.setattr(s3, "get_object", lambda **_: {"Body": Broken()})
    with pytest.raises(ReadTimeoutError):
        file.open().read()


def test_files_beside_are_found_and_results_are_written(s3: Any, store: ImportBucket, tmp_path: Path) -> None:
    for key in (KEY, "imports/x/folder/b.csv", "imports/x/folder/deeper/c.csv", "imports/x/d.csv"):
        put(s3, key.encode(), key)
    assert [file.name for file in store.beside("drops", KEY)] == ["a.csv", "b.csv"]
    store.write("drops", "imports/x/results.json", b"{}", "application/json")
    assert store.read("drops", "imports/x/results.json", 2) == b"{}"
    assert store.read("drops", KEY, 3) == KEY.encode()[:4]
    rejected = tmp_path / "rejected.csv"
    rejected.write_bytes(b"line\n")
    store.upload("drops", "r.csv", rejected)
    rejected.unlink()
    store.download("drops", "r.csv", rejected)
    assert rejected.read_bytes() == b"line\n"
    store.remove("drops", "r.csv")
    store.remove("drops", "r.csv")
    assert store.read("drops", "r.csv", 100) is None


def test_an_import_is_handed_over_through_the_queue(s3: Any) -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="imports")["QueueUrl"]
    ImportBucket(url, s3, sqs).hand_over({"job": {"key": "a"}})
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"job": {"key": "a"}}
