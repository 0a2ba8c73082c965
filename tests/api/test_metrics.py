"""The metrics of the functions, and what neither they nor the log say of whom it is about."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import batched
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from api.conftest import NOON, Api, invoice, load_function
from arrears.close.run import Closed, Closing
from arrears.ledger.known_at import moment_of
from arrears.metrics import NAMESPACE
from support.closing import RECORDING
from template import resources, template

STACK = "arrears-prod"


@pytest.fixture(autouse=True)
def environment_of_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the template sets for every function, in a stack of that name."""
    for name, value in template()["Globals"]["Function"]["Environment"]["Variables"].items():
        monkeypatch.setenv(name, STACK if value == {"Ref": "AWS::StackName"} else str(value))


def measured(out: str) -> dict[str, list[tuple[float, dict[str, str]]]]:
    """The values of each metric, with their dimensions but for the service, which is the stack's name."""
    found = defaultdict(list)
    for line in out.splitlines():
        entry = json.loads(line)
        if "_aws" not in entry:
            continue
        [directive] = entry["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Arrears"
        [dimensions] = directive["Dimensions"]
        assert entry["service"] == STACK
        for metric in directive["Metrics"]:
            value = entry[metric["Name"]]
            own = {name: entry[name] for name in dimensions if name != "service"}
            found[metric["Name"]].append((sum(value) if isinstance(value, list) else value, own))
    return found


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def close(api: Api) -> dict[str, Any]:
    """Runs the worker, once what is recorded at this moment is known."""
    api.clock.now += RECORDING
    event = {"Records": [{"messageId": "1", "body": json.dumps({"organisationId": api.organisation.id})}]}
    answer: dict[str, Any] = load_function("functions/close_worker").handler(event, Context())
    return answer


def test_records_written_and_rejected_are_counted(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.record(invoice("I1"), invoice("I2"), invoice("I3", total="1.005"))
    api.record(invoice("I1"))
    assert measured(capsys.readouterr().out) == {"RecordsWritten": [(2, {})], "RecordsRejected": [(1, {})]}


def test_the_log_of_a_write_names_the_organisation_and_the_key_and_not_the_secret(api: Api, log: StringIO) -> None:
    api.record(invoice("I1"), invoice("I2"))
    [written] = [entry for entry in map(json.loads, log.getvalue().splitlines()) if "key_id" in entry]
    _, _, key_id, secret = api.key.split("_")
    assert (written["organisation_id"], written["key_id"]) == (api.organisation.id, key_id)
    assert written["records"] == 2
    assert secret not in log.getvalue()


def test_escalations_are_counted_by_tier_and_no_tenants_money_is_measured(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.clock.now = datetime(2020, 7, 20, 12, tzinfo=UTC)
    api.stored(invoice("I1", due_on="2020-07-01"), invoice("I2", customer_id="C2", currency="JPY", total="700"))
    api.clock.now = datetime(2020, 7, 21, 12, tzinfo=UTC)
    capsys.readouterr()
    assert close(api) == {"batchItemFailures": []}
    found = measured(capsys.readouterr().out)
    assert found.keys() == {"Escalations"}
    # I2 was gentle and firm before the organisation's first day: history, and no news.
    entered = {own["tier"]: count for count, own in found["Escalations"]}
    assert entered == {"gentle": 1, "firm": 1, "final": 1}


def test_a_worker_without_time_to_send_all_escalations_asks_for_another_one_and_counts_its_own(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put: list[str] = []
    done = [Closed(1, entered={"firm": 2}, finished=False), Closed(1)]
    monkeypatch.setattr(Closing, "close", lambda *_: done.pop(0))
    monkeypatch.setattr(type(api.services), "close_queue", lambda _: SimpleNamespace(put=put.extend))
    assert close(api) == {"batchItemFailures": []}
    assert put == [api.organisation.id]
    assert measured(capsys.readouterr().out)["Escalations"] == [(2, {"tier": "firm"})]
    close(api)
    assert put == [api.organisation.id]


def test_the_days_that_the_organisation_most_behind_waits_for_are_measured(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api.stored(invoice("I1"))
    close(api)
    capsys.readouterr()
    put: list[str] = []

    class Queue:
        def put(self, ids: Any) -> int:
            put.extend(ids)
            return len(put)

    monkeypatch.setattr(type(api.services), "close_queue", lambda _: Queue())
    for moment, days in ((NOON, 0), (NOON + timedelta(days=1), 1), (NOON + timedelta(days=5), 5)):
        put.clear()
        api.clock.now = moment
        due = [api.organisation.id] if days else []
        assert load_function("functions/daily_run").handler({}, None) == {"queued": len(due)}
        assert put == due
        assert measured(capsys.readouterr().out)["SnapshotLag"] == [(days, {})]


def test_neither_log_nor_metrics_hold_personal_data(
    api: Api, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "Jane Roe Ltd"
    api.stored(
        {"type": "customer", "id": "C1", "name": name, "account_number": "ACC-77", "external_id": "ext-jane"},
        invoice("INV-SECRET", number="NO-SECRET"),
    )
    api.record(invoice("I3", customer_name=name, total="1.005"))
    for path in ("/receivables/overdue", "/escalations", "/receivables/overdue/history"):
        api.dolfin(path)
    api.lago("overdue_balance", external_customer_id="ext-jane")
    close(api)
    written = log.getvalue() + "".join(capsys.readouterr())
    assert written.count('"correlation_id"') >= 6
    for secret in (name, "ACC-77", "ext-jane", "INV-SECRET", "NO-SECRET"):
        assert secret not in written


# --- what alarms and the dashboard ask for is what is written

type Metric = tuple[str, frozenset[str]]
"""A metric's name and those of its dimensions: CloudWatch finds it by all of them together, never by fewer."""


def test_every_alarm_and_widget_asks_for_a_metric_that_the_functions_write(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work(api, monkeypatch)
    found = measured(capsys.readouterr().out)
    written = {(name, frozenset({"service", *own})) for name, values in found.items() for _, own in values}
    asked = {*asked_by_alarms(), *asked_by_widgets()}
    assert len(asked) == 7
    assert asked <= written


def work(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API, the schedule and the close do what each of them measures; then the table fails in every manner."""
    api.clock.now = datetime(2020, 7, 20, 12, tzinfo=UTC)
    api.record(invoice("I1", due_on="2020-07-01"), invoice("I2", total="1.005"))
    api.clock.now = datetime(2020, 7, 21, 12, tzinfo=UTC)
    close(api)
    monkeypatch.setattr(type(api.services), "close_queue", lambda _: mock.Mock(put=lambda due: len(list(due))))
    load_function("functions/daily_run").handler({}, None)
    for code in ("ThrottlingException", "InternalServerError", "AccessDeniedException"):
        failed = ClientError({"Error": {"Code": code}}, "Query")
        monkeypatch.setattr(api.services.client, "query", mock.Mock(side_effect=failed))
        api.dolfin()


def asked_by_alarms() -> Iterator[Metric]:
    for alarm in resources("AWS::CloudWatch::Alarm").values():
        if alarm["Namespace"] == NAMESPACE:
            values = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
            assert values["service"] == {"Ref": "AWS::StackName"}
            yield alarm["MetricName"], frozenset(values)


def asked_by_widgets() -> Iterator[Metric]:
    body = resources("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    for widget in json.loads(body)["widgets"]:
        previous: list[Any] = []
        for line in widget["properties"].get("metrics", []):
            if isinstance(line[0], dict):
                yield searched(line[0]["expression"])
                continue
            previous = spelt_out(line, previous)
            if previous[0] == NAMESPACE:
                dimensions = dict(batched(previous[2:], 2, strict=True))
                assert dimensions["service"] == "${AWS::StackName}"
                yield previous[1], frozenset(dimensions)


def spelt_out(line: list[Any], previous: list[Any]) -> list[Any]:
    """A line of a widget with what its dots take from the line before; options at its end are left out."""
    texts = [part for part in line if isinstance(part, str)]
    if texts[0] == "...":
        return [*previous[: len(previous) - len(texts) + 1], *texts[1:]]
    return [previous[number] if text == "." else text for number, text in enumerate(texts)]


def searched(expression: str) -> Metric:
    found = re.search(r"\{(.*?)\} MetricName=\"(\w+)\" service=\"\$\{AWS::StackName\}\"", expression)
    assert found is not None
    namespace, *dimensions = found[1].split(",")
    assert namespace == NAMESPACE
    return found[2], frozenset(dimensions)


def test_the_daily_run_removes_changes_that_are_older_than_the_parameter_says(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a run that comes after the one that has said so."""
    log = api.services.change_log(api.organisation.id)
    api.record(invoice("I1"))
    monkeypatch.setenv("CHANGE_LOG_DAYS", "2")
    api.forget()
    for days, left in ((30, True), (31, False)):
        api.clock.now = NOON + timedelta(days)
        assert close(api) == {"batchItemFailures": []}
        assert any(entry.moment < moment_of(NOON + timedelta(20)) for entry in log.entries()) == left
    first = api.services.organisations().get(api.organisation.id).known_from
    assert first == moment_of(NOON + timedelta(29) + RECORDING)
