"""Mappings: what they may say, and what is said when they are wrong."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.imports.errors import FileRefused
from arrears.imports.mapping import FIELDS, load, parse, shipped
from arrears.imports.numbers import read_number
from support.files import outcomes, records, text_file

OWN = """
title = "Own"
[[table]]
name = "invoices"
columns = ["no", "who", "sum", "on"]
optional = ["due", "state", "paid", "kind", "money"]
dates = "D.M.YYYY"
decimal = ","
[[table.skip]]
when = { kind = "quote" }
reason = "a quote"
[[table.record]]
type = "invoice"
id = "INV-{no}"
customer_id = "{who}"
currency = "EUR"
total = "{sum}"
issued_on = "{on}"
due_on = "{due|on}"
status = { from = "{state}", map = { D = "draft", "" = "finalized" } }
[[table.record]]
type = "payment"
when = { paid = { above = 0 }, state = { not = ["D"] } }
id = "INV-{no}/paid"
invoice_id = "INV-{no}"
amount = { from = "{paid}", negate = true }
paid_on = "{on}"
"""


def own(rows: str, mapping: str = OWN) -> list[dict[str, object]]:
    return records(text_file("no;who;sum;on;due;state;paid;kind\n" + rows), mapping)


def refused(rows: str, mapping: str = OWN) -> tuple[str | None, str]:
    [found] = outcomes(text_file("no;who;sum;on;due;state;paid;kind\n" + rows), mapping)
    assert found.rejected is not None
    return found.rejected


def test_a_row_makes_the_records_whose_conditions_hold() -> None:
    assert own("7;A;1.234,50;3.2.2020;;;100;\n") == [
        {
            "type": "invoice",
            "id": "INV-7",
            "customer_id": "A",
            "currency": "EUR",
            "total": "1234.50",
            "issued_on": "2020-02-03",
            "due_on": "2020-02-03",
            "status": "finalized",
        },
        {"type": "payment", "id": "INV-7/paid", "invoice_id": "INV-7", "amount": "-100", "paid_on": "2020-02-03"},
    ]
    assert [record["type"] for record in own("7;A;5;3.2.2020;4.2.2020;D;100;\n")] == ["invoice"]


def test_a_skipped_row_says_why() -> None:
    [found] = outcomes(text_file("no;who;sum;on;kind\n7;A;x;y;Quote\n"), OWN)
    assert (found.skipped, found.made) == ("a quote", [])


@pytest.mark.parametrize(
    ("row", "about", "reason"),
    [
        ("7;A;5;31.2.2020;;;;", "on", "'31.2.2020' is not a real date of the form D.M.YYYY"),
        ("7;A;5,5,5;3.2.2020;;;;", "sum", "'5,5,5' is not a number"),
        ("7;A;;3.2.2020;;;;", "sum", "total is required"),
        ("7;A;-5;3.2.2020;;;;", "sum", "total is below zero"),
        ("7;A;5,001;3.2.2020;;;;", "sum", "total has more decimals than EUR has"),
        ("7;;5;3.2.2020;;;;", "who", "customer_id is required"),
        ("7;A;5;3.2.2020;;X;;", "state", "'X' is not a value that the mapping knows"),
        ("7;A;5;3.2.2020;;;much;", "paid", "'much' is not a number"),
        ("7;" + "A" * 300 + ";5;3.2.2020;;;;", "who", "customer_id "),
    ],
)
def test_a_bad_row_names_its_column(row: str, about: str, reason: str) -> None:
    found = refused(row + "\n")
    assert found[0] == about
    assert reason in found[1]


def test_a_row_that_no_rule_is_about_is_rejected() -> None:
    mapping = OWN.replace('type = "invoice"', 'type = "invoice"\nwhen = { kind = "invoice" }')
    about, reason = refused("7;A;5;3.2.2020;;;;order\n", mapping)
    assert about is None
    assert "no rule" in reason


def test_a_file_that_fits_no_table_says_what_is_missing() -> None:
    with pytest.raises(FileRefused, match="invoices: who, on"):
        outcomes(text_file("no;sum\n1;2\n"), OWN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"{due|on}"', '"{DueDat}"'),
        ("{ paid = { above", "{ piad = { above"),
        ('from = "{paid}"', 'from = "{payd}"'),
        ('kind = "quote"', 'knid = "quote"'),
    ],
)
def test_a_mapping_that_names_a_column_the_file_lacks_is_refused(old: str, new: str) -> None:
    assert old in OWN
    with pytest.raises(FileRefused, match=r"names the column '(DueDat|piad|payd|knid)'") as refused:
        own("7;A;5;3.2.2020;;;;\n", OWN.replace(old, new))
    assert ("Is it 'paid'?" in str(refused.value)) == (new == 'from = "{payd}"' or "piad" in new)


def test_a_row_can_say_its_line() -> None:
    mapping = OWN.replace('id = "INV-{no}"\ncustomer_id', 'id = "{no}/{row.line}"\ncustomer_id')
    assert [record["id"] for record in own("7;A;5;3.2.2020;;;;\n\n7;A;6;3.2.2020;;;;\n", mapping)] == ["7/2", "7/4"]


@pytest.mark.parametrize(
    ("text", "currency", "total"),
    [("5,005", "EUR", "5.01"), ("5,0049", "EUR", "5.00"), ("2,5", "JPY", "3"), ("7", "EUR", "7.00")],
)
def test_an_amount_can_be_rounded_to_what_its_currency_has(text: str, currency: str, total: str) -> None:
    mapping = OWN.replace('"{sum}"', '{ from = "{sum}", round = true }').replace('"EUR"', f'"{currency}"')
    assert own(f"7;A;{text};3.2.2020;;;;\n", mapping)[0]["total"] == total


@pytest.mark.parametrize("days", ["30", '"{state}"'])
def test_a_date_can_be_so_many_days_later(days: str) -> None:
    mapping = OWN.replace('"{due|on}"', f'{{ from = "{{on}}", plus_days = {days} }}')
    mapping = mapping.replace('status = { from = "{state}", map = { D = "draft", "" = "finalized" } }\n', "")
    assert own("7;A;5;31.1.2020;;30;;\n", mapping)[0]["due_on"] == "2020-03-01"


def test_days_that_are_no_number_are_a_bad_row() -> None:
    mapping = OWN.replace('"{due|on}"', '{ from = "{on}", plus_days = "{kind}" }')
    assert refused("7;A;5;31.1.2020;;;;soon\n", mapping) == ("on", "'soon' is not a number of days that can be added")


def test_lines_in_front_of_the_header_are_passed_over() -> None:
    mapping = OWN.replace('title = "Own"', 'title = "Own"\nskip_lines = 2')
    file = text_file("Invoices of Acme\n;;as of today\nno;who;sum;on\n7;A;5;3.2.2020\n8;A;x;3.2.2020\n")
    found = outcomes(file, mapping)
    assert [(row.line, bool(row.rejected)) for row in found] == [(4, False), (5, True)]


def test_the_question_about_dates_proposes_the_form_that_fits_all_rows() -> None:
    rows = "".join(f"{number};A;5;3/2/2020;;;;\n" for number in range(3_000)) + "9;A;5;3/25/2020;;;;\n"
    with pytest.raises(FileRefused) as refused:
        own(rows, OWN.replace('dates = "D.M.YYYY"\n', ""))
    assert "2 March 2020" in str(refused.value)
    assert "--dates M/D/YYYY" in str(refused.value)
    assert "D/M/YYYY" not in str(refused.value).replace("M/D/YYYY", "")


def test_dates_that_nobody_explained_are_a_question_before_anything_is_read() -> None:
    with pytest.raises(FileRefused, match='"on" has dates such as'):
        own("7;A;5;3/2/2020;;;;\n", OWN.replace('dates = "D.M.YYYY"\n', ""))


def test_a_lone_odd_date_among_plain_ones_is_a_bad_row() -> None:
    rows = "".join(f"{number};A;5;2020-02-03;;;;\n" for number in range(5)) + "9;A;5;3/2/2020;;;;\n"
    found = outcomes(text_file("no;who;sum;on;due;state;paid;kind\n" + rows), OWN.replace('dates = "D.M.YYYY"\n', ""))
    assert [outcome.line for outcome in found if outcome.rejected] == [7]


def test_the_command_line_answers_the_question() -> None:
    mapping = OWN.replace('dates = "D.M.YYYY"\n', "")
    file = text_file("no;who;sum;on;due;state;paid;kind\n7;A;5;3/2/2020;;;;\n")
    [record] = records(file, mapping, dates=("M/D/YYYY",))
    assert record["issued_on"] == "2020-03-02"


def test_the_organisation_stands_in_where_no_column_says_it() -> None:
    mapping = OWN.replace('currency = "EUR"', 'currency = "{money|organisation.currency}"')
    [record] = records(text_file("no;who;sum;on\n7;A;5;3.2.2020\n"), mapping, currency="SEK")
    assert record["currency"] == "SEK"


def test_the_first_case_that_holds_counts() -> None:
    cases = 'status = [{ when = { state = "V" }, from = "voided" }, { when = { state = "D" }, from = "draft" }]'
    mapping = OWN.replace('status = { from = "{state}", map = { D = "draft", "" = "finalized" } }', cases)
    assert [own(f"7;A;5;3.2.2020;;{state};;\n", mapping)[0].get("status") for state in "VDX"] == [
        "voided",
        "draft",
        None,
    ]


def test_minor_units_follow_the_currency_and_its_exceptions() -> None:
    mapping = OWN.replace('decimal = ","', "minor_units = true\ndecimals = { ISK = 2 }")
    mapping = mapping.replace('currency = "EUR"', 'currency = "{kind}"')
    totals = [own(f"7;A;12300;3.2.2020;;;12300;{code}\n", mapping) for code in ("eur", "JPY", "CLF", "isk")]
    assert [made[0]["total"] for made in totals] == ["123.00", "12300", "1.2300", "123.00"]
    assert [made[1]["amount"] for made in totals] == ["-123.00", "-12300", "-1.2300", "-123.00"]


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1250", None, "1250"),
        ("1250.5", None, "1250.5"),
        ("-3", None, "-3"),
        ("(3.50)", None, "-3.50"),
        ("3-", ".", "-3"),
        ("1,250.5", ".", "1250.5"),
        ("12,34,567.5", ".", "1234567.5"),
        ("1 250.5", ".", "1250.5"),
        ("1'250", ".", "1250"),
        ("1.250,5", ",", "1250.5"),
        ("1\u202f250,5", ",", "1250.5"),
        ("1250,5", ",", "1250.5"),
        ("1.250", ",", "1250"),
        (",5", ",", "0.5"),
        ("123456789012345678.01", None, "123456789012345678.01"),
    ],
)
def test_a_number_is_read_with_its_decimal_mark(text: str, decimal: str | None, number: str) -> None:
    assert read_number(text, decimal) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("1,250", None),
        ("1.250,5", None),
        ("1,2", "."),
        ("1.25", ","),
        ("1,250,50", "."),
        ("", None),
        ("-", None),
        ("1e5", None),
        ("NaN", None),
        ("$5", "."),
        ("٣", None),
        ("1 2", "."),
    ],
)
def test_what_is_no_number_or_may_be_two(text: str, decimal: str | None) -> None:
    with pytest.raises(ValueError):
        read_number(text, decimal)


def test_a_number_of_two_meanings_asks_for_the_decimal_mark() -> None:
    with pytest.raises(ValueError, match=r"say decimal"):
        read_number("1,250", None)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15))
def test_a_grouped_number_is_the_plain_one(number: Decimal) -> None:
    assert read_number(f"{number:,}", ".") == number
    swapped = f"{number:,}".translate(str.maketrans(",.", ".,"))
    assert read_number(swapped, ",") == number
    assert read_number(f"{number}", None) == number


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('type = "invoice"', 'type = "order"', "'order' is no type of record"),
        ("customer_id =", "customer =", "invoice has no field 'customer'"),
        ('total = "{sum}"\n', "", "invoice needs total"),
        ("D.M.YYYY", "day first", "is no date format"),
        ('name = "invoices"\n', "", "table.0.name"),
        ('reason = "a quote"', 'why = "a quote"', "table.0.skip.0"),
        ("above", "over", "table.0.record.1.when"),
        ("negate = true", "negated = true", "negated"),
        ('title = "Own"', "title = Own", "cannot be read"),
        ('decimal = ","', 'decimal = "."\nlookup = { x = { table = "y", by = "{no}" } }', "'y', which is no table"),
        ('title = "Own"', 'title = "Own"\nencoding = "klingon"', "klingon"),
    ],
)
def test_a_wrong_mapping_says_where(old: str, new: str, reason: str) -> None:
    assert old in OWN
    with pytest.raises(FileRefused) as refusal:
        parse(OWN.replace(old, new).encode(), "own.toml")
    assert "own.toml" in str(refusal.value)
    assert reason in str(refusal.value)


def test_a_mapping_may_be_json() -> None:
    import tomllib

    mapping = parse(json.dumps(tomllib.loads(OWN)).encode(), "own.json")
    assert mapping.table == parse(OWN.encode(), "own.toml").table


def test_an_unknown_mapping_names_the_known_ones() -> None:
    with pytest.raises(FileRefused, match="lago, quickbooks, sage-intacct, stripe, xero"):
        load("freshbooks")


@pytest.mark.parametrize("name", list(shipped()))
def test_shipped_mappings_are_whole(name: str) -> None:
    mapping = load(name)
    assert mapping.name == name
    for table in mapping.table:
        assert table.record or table.skip, table.name


def test_every_type_of_record_can_be_mapped() -> None:
    assert set(FIELDS) == {
        "customer", "supplier", "invoice", "bill", "payment", "credit", "allocation", "reminder", "promise",
        "dispute",
    }  # fmt: skip


def test_the_ledgers_own_records_as_csv() -> None:
    file = text_file(
        "type,id,customer_id,invoice_id,currency,total,amount,issued_on,paid_on,pdf_available,name,invoice_ids,sent_at\n"
        "invoice,1,A,,usd,10.50,,2020-01-01,,true,,,\n"
        "payment,2,,1,,,-3,,2020-01-05,,,,\n"
        "customer,A,,,,,,,,,Acme,,\n"
        'reminder,3,A,,,,,,,,,"[""1"",""2""]",2020-02-01T10:00:00Z\n'
    )
    assert records(file) == [
        {
            "type": "invoice", "id": "1", "customer_id": "A", "currency": "USD", "total": "10.50",
            "issued_on": "2020-01-01", "pdf_available": True,
        },
        {"type": "payment", "id": "2", "invoice_id": "1", "amount": "-3", "paid_on": "2020-01-05"},
        {"type": "customer", "id": "A", "name": "Acme"},
        {
            "type": "reminder", "id": "3", "customer_id": "A", "invoice_ids": ["1", "2"],
            "sent_at": "2020-02-01T10:00:00Z",
        },
    ]  # fmt: skip


def test_the_ledgers_own_records_as_csv_may_be_deletions() -> None:
    file = text_file('type,id,name,credit_limit,deleted\ncustomer,A,Ada,"{""EUR"": ""5""}",\ncustomer,B,,,true\n')
    assert records(file) == [
        {"type": "customer", "id": "A", "name": "Ada", "credit_limit": {"EUR": "5"}},
        {"type": "customer", "id": "B", "deleted": True},
    ]


def test_a_column_that_is_no_field_is_refused_and_not_left_out() -> None:
    with pytest.raises(FileRefused, match="'due_date' is no field"):
        outcomes(text_file("type,id,due_date\ninvoice,1,2020-01-01\n"))


def test_somebody_elses_export_without_a_mapping_is_refused() -> None:
    with pytest.raises(FileRefused, match="--mapping"):
        outcomes(text_file("Invoice,Amount\n1,2\n"))


def test_a_field_of_another_record_is_a_bad_row() -> None:
    [found] = outcomes(text_file("type,id,name,total\nsupplier,1,A,5\n"))
    assert found.rejected == ("total", "is not a field of this record")


def test_json_records_are_taken_as_the_api_takes_them() -> None:
    envelope = (
        '{"records": [{"type": "supplier", "id": "1", "name": "A"}, {"type": "supplier", "id": "2"}, {"id": "3"}]}'
    )
    for name, text in (("file.json", envelope), ("file.ndjson", envelope.replace("\n", ""))):
        found = outcomes(text_file(text, name))
        assert [made.record["id"] for outcome in found for made in outcome.made][:1] in (["1"], [])
        assert any(outcome.rejected for outcome in found)


def test_own_records_with_dates_of_another_form_throughout_are_a_question() -> None:
    rows = "type,id,customer_id,currency,total,issued_on\ninvoice,1,A,EUR,1,1/2/2020\ninvoice,2,A,EUR,1,3/4/2020\n"
    with pytest.raises(FileRefused, match='"issued_on" has dates such as'):
        outcomes(text_file(rows))
    assert [record["issued_on"] for record in records(text_file(rows), dates=("D/M/YYYY",))] == [
        "2020-02-01",
        "2020-04-03",
    ]
