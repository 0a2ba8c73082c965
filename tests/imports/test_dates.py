"""Dates by stated formats, and the question where none is stated."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.imports.dates import DateFormat, DateReader, is_format, question


def day(text: str, *formats: str, zone: str | None = None, home: str = "UTC") -> str:
    return DateReader(formats, zone, home).day(text)


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("1/2/2013", "M/D/YYYY", "2013-01-02"),
        ("1/2/2013", "D/M/YYYY", "2013-02-01"),
        ("01.02.2013", "DD.MM.YYYY", "2013-02-01"),
        ("3-Feb-20", "D-MMM-YY", "2020-02-03"),
        ("3 february 2020", "D MMMM YYYY", "2020-02-03"),
        ("Sept. 3, 2020", "MMM D, YYYY", "2020-09-03"),
        ("20200203", "YYYYMMDD", "2020-02-03"),
        ("2020-02-03", "D/M/YYYY", "2020-02-03"),
        ("3/2/2020 23:59:59", "D/M/YYYY", "2020-02-03"),
        ("3/2/2020 11:59 PM", "D/M/YYYY", "2020-02-03"),
        ("2020-02-03T00:00:00Z", "YYYY-MM-DD", "2020-02-03"),
        ("2020-06-23 3:58:57", "YYYY-MM-DD", "2020-06-23"),
        ("1580688000", "epoch", "2020-02-03"),
        ("/Date(1580688000000+0000)/", "/Date(ms)/", "2020-02-03"),
    ],
)
def test_a_date_is_read_by_its_format(text: str, form: str, expected: str) -> None:
    assert day(text, form) == expected


@pytest.mark.parametrize(
    "text", ["31/2/2020", "2020-02-30", "1/2/20", "13/13/2020", "tomorrow", "1/2/2020x", "3/٣/2020"]
)
def test_what_is_no_date_of_the_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="real date of the form D/M/YYYY"):
        day(text, "D/M/YYYY")


def test_a_time_of_day_moves_the_day_only_from_a_stated_zone() -> None:
    late = "2020-02-03 02:00"
    assert day(late, "YYYY-MM-DD", home="America/New_York") == "2020-02-03"
    assert day(late, "YYYY-MM-DD", zone="UTC", home="America/New_York") == "2020-02-02"
    assert day("2020-02-03", "YYYY-MM-DD", zone="UTC", home="America/New_York") == "2020-02-03"
    assert day("2020-02-03T23:30:00-05:00", "YYYY-MM-DD", zone="UTC", home="Asia/Tokyo") == "2020-02-04"
    assert day("1580688000", "epoch", zone="UTC", home="America/New_York") == "2020-02-02"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-02-28 19:17:09.687 UTC", "2021-02-28T19:17:09.687Z"),
        ("2020-06-23 3:58:57", "2020-06-23T03:58:57Z"),
        ("2020-06-23T03:58:57-07:00", "2020-06-23T10:58:57Z"),
        ("2020-06-23", "2020-06-23T00:00:00Z"),
    ],
)
def test_moments_are_utc(text: str, expected: str) -> None:
    assert DateReader((), None, "Asia/Tokyo").moment(text) == expected


@pytest.mark.parametrize("form", ["YYYY", "MM/DD", "D/M/Y", "", "YYYY-MM-DD-YYYY", "date"])
def test_a_format_has_year_month_and_day(form: str) -> None:
    assert not is_format(form)


def test_an_ambiguous_date_is_a_question_with_both_readings() -> None:
    asked = question("Due", "1/2/2013")
    assert asked is not None
    for part in ('"Due"', "'1/2/2013'", "1 February 2013 (D/M/YYYY)", "2 January 2013 (M/D/YYYY)", "--dates"):
        assert part in asked


def test_a_date_with_one_reading_is_still_asked_about() -> None:
    asked = question("Due", "25.12.13")
    assert asked is not None
    assert "25 December 2013 (D.M.YY)" in asked
    assert "M.D.YY)" not in asked


@pytest.mark.parametrize("text", ["2013-01-02", "soon", "", "2013-01-02T00:00:00Z"])
def test_iso_and_what_is_no_date_are_no_question(text: str) -> None:
    assert question("Due", text) is None


@given(
    st.dates(date(1000, 1, 1)), st.sampled_from(["D/M/YYYY", "MM-DD-YYYY", "YYYYMMDD", "D MMM YYYY", "MMMM D, YYYY"])
)
def test_every_date_survives_every_format(when: date, form: str) -> None:
    written = {
        "D/M/YYYY": f"{when.day}/{when.month}/{when.year}",
        "MM-DD-YYYY": when.strftime("%m-%d-%Y"),
        "YYYYMMDD": when.strftime("%Y%m%d"),
        "D MMM YYYY": when.strftime("%-d %b %Y"),
        "MMMM D, YYYY": when.strftime("%B %-d, %Y"),
    }[form]
    found = DateFormat(form).read(written)
    assert found is not None
    assert found[0] == when
