"""Fields: what people write, what we store for it, and that writing what we show gives the same again."""
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commerce.customers import customers
from app.commerce.orders import orders
from app.commerce.payments import payments
from app.commerce.products import products
from app.records import money
from app.records.fields import (
    Boolean,
    Choice,
    Currency,
    Date,
    DateTime,
    Email,
    Integer,
    Json,
    LongText,
    Money,
    Reading,
    Ref,
    State,
    Text,
)

US, GERMAN = Reading(), Reading(decimal=",", day_first=True)
READINGS = [US, GERMAN, Reading(day_first=True), Reading(decimal=",")]
STATUS = Choice("status", choices=(State("part_refunded"), State("held_up", label="Stuck")))


def read(field, raw, reading=US):
    return field.converter(reading)(raw)


def said(field, raw, reading=US):
    with pytest.raises(ValueError) as refused:
        read(field, raw, reading)
    return str(refused.value)


@pytest.mark.parametrize(("field", "raw", "value"), [
    (Text("t"), "  a  b ", "a  b"), (Text("t"), "", None), (Text("t"), None, None), (Text("t"), 12, "12"), (Text("t"), 12.0, "12"),
    (Text("t"), "a\r\nb\tc", "a b c"), (LongText("t"), " a\r\nb\rc ", "a\nb\nc"), (Text("t"), "مرحبا 👋", "مرحبا 👋"),
    (Email("e"), " Ada@Example.COM ", "ada@example.com"), (Currency("c"), "eur", "EUR"),
    (Integer("i"), "1,250", 1250), (Integer("i"), " 12 ", 12), (Integer("i"), 12.0, 12), (Integer("i"), "-3", -3), (Integer("i"), " ", None),
    (Money("m"), "1,234.50", Decimal("1234.50")), (Money("m"), "1 234", Decimal(1234)), (Money("m"), ".5", Decimal("0.5")), (Money("m"), "5.", Decimal(5)),
    (Money("m"), 12.5, Decimal("12.5")), (Money("m"), "-0.10", Decimal("-0.10")), (Money("m"), "1'000", Decimal(1000)),
    (Date("d"), "2026-05-31", date(2026, 5, 31)), (Date("d"), "31.5.2026", date(2026, 5, 31)), (Date("d"), "5/6/2026", date(2026, 5, 6)),
    (Date("d"), datetime(2026, 5, 31, 14, tzinfo=UTC), date(2026, 5, 31)), (Date("d"), "2026-05-31 00:00:00", date(2026, 5, 31)),
    (DateTime("d"), "2026-05-31 14:30", datetime(2026, 5, 31, 14, 30, tzinfo=UTC)), (DateTime("d"), "2026-05-31T14:30:00Z", datetime(2026, 5, 31, 14, 30, tzinfo=UTC)),
    (DateTime("d"), "2026-05-31T16:30+02:00", datetime(2026, 5, 31, 14, 30, tzinfo=UTC)), (DateTime("d"), date(2026, 5, 31), datetime(2026, 5, 31, tzinfo=UTC)),
    (DateTime("d"), "31.05.2026, 14:30", datetime(2026, 5, 31, 14, 30, tzinfo=UTC)),
    (Boolean("b"), "Yes", True), (Boolean("b"), "0", False), (Boolean("b"), True, True), (Boolean("b"), "", None),
    (STATUS, "part_refunded", "part_refunded"), (STATUS, "Part Refunded ", "part_refunded"), (STATUS, "stuck", "held_up"), (STATUS, "", None),
])
def test_what_people_write_is_understood(field, raw, value):
    assert read(field, raw) == value


@pytest.mark.parametrize(("raw", "reading", "value"), [
    ("1.234,50", GERMAN, Decimal("1234.50")), ("12,5", GERMAN, Decimal("12.5")), ("1.234", GERMAN, Decimal(1234)), ("1.234", US, Decimal("1.234"))])
def test_numbers_are_read_as_the_source_writes_them(raw, reading, value):
    assert read(Money("m"), raw, reading) == value


@pytest.mark.parametrize(("field", "raw", "sentence"), [
    (Text("t", limit=3), "four", "This has 4 characters. Shorten it to 3."),
    (Text("t"), "a\x00b", "This contains characters that cannot be kept. Type it again without them."),
    (Text("t"), ["a"], "This is not text. Write a single value."),
    (Email("e"), "ada", "This is not an e-mail address. Write it like name@example.com."),
    *((Email("e"), raw, "This is not an e-mail address. Write it like name@example.com.")
      for raw in ("a@b", "a@b.", "a@.de", "a@b..de", "a@b@c.de", "a b@c.de", "<a@b.de>")),
    (Currency("c"), "Euro", "This is not a currency. Write its three letters, like EUR."),
    (Integer("i"), "1.5", "This is not a whole number. Write it like 12."),
    (Integer("i", least=0), "-1", "This number is too small. Write 0 or more."),
    (Integer("i"), "9" * 30, "This number is too large to keep. Write a smaller one."),
    (Money("m"), "12,50", "This is not a number. Write it like 12.50."),
    (Money("m"), "1,2,3", "This is not a number. Write it like 12.50."),
    (Date("d"), "2026-02-30", "This is not a date. Write it like 2026-05-31."),
    (Date("d"), "31/31/2026", "This is not a date with the month first. Write it like 05/31/2026, or 2026-05-31."),
    (DateTime("d"), "soon", "This is not a date and time. Write it like 2026-05-31 14:30."),
    (Boolean("b"), "maybe", "This is neither yes nor no. Write one of the two."),
    (STATUS, "lost", "This is not one of the choices. Write one of: Part refunded, Stuck."),
    (Json("j"), {"a": 1}, "This is kept by the provider. Leave it out."),
])
def test_what_is_wrong_is_said_with_what_to_write_instead(field, raw, sentence):
    assert said(field, raw) == sentence


def test_a_program_hears_the_names_it_must_send_and_a_person_the_titles():
    assert said(STATUS, "lost", Reading(ids=True)) == "This is not one of the choices. Write one of: part_refunded, held_up."


@pytest.mark.parametrize("mark", [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))])
def test_marks_that_turn_the_rest_of_a_line_around_are_no_part_of_a_text(mark):
    assert read(Text("t"), f"{mark} invoice{mark}gpj.exe {mark}") == "invoicegpj.exe"
    assert read(LongText("t"), f"one\n{mark}two") == "one\ntwo"
    assert read(Email("e"), f"a{mark}da@x.org") == "ada@x.org"
    assert read(Text("t"), mark) is None
    assert read(Text("t"), "\u200fשלום") == "\u200fשלום", "a mark that turns nothing else around stays"


def test_the_example_is_written_as_the_source_writes():
    assert said(Money("m"), "12.5.0", GERMAN) == "This is not a number. Write it like 12,50."


@pytest.mark.parametrize("raw", ["1e5", "NaN", "Infinity", "1_000", "0x10", "١٢", float("nan"), float("inf"), True, "", "--1", "1" * 50])
def test_nothing_but_plain_numbers_is_a_number(raw):
    if raw == "":
        assert read(Money("m"), raw) is None
    else:
        assert said(Money("m"), raw).endswith(".")


FIELDS = [Text("t"), LongText("t"), Email("e"), Currency("c"), Integer("i"), Money("m"), Date("d"), DateTime("d"), Boolean("b"), STATUS, orders.require("lines")]


@given(raw=st.one_of(st.text(), st.none(), st.integers(), st.floats(), st.booleans(), st.decimals(), st.datetimes(), st.lists(st.text(), max_size=2),
                     st.dictionaries(st.text(), st.text(), max_size=2), st.binary()), reading=st.sampled_from(READINGS))
def test_whatever_is_written_is_a_value_or_a_sentence(raw, reading):
    sentences = [refusal(field, raw, reading) for field in FIELDS]
    assert all(sentence == "" or sentence.endswith(".") and sentence[0].isupper() for sentence in sentences)


def refusal(field, raw, reading):
    """Why it cannot be read; "" if it can."""
    try:
        field.converter(reading)(raw)
    except ValueError as error:
        return str(error)
    return ""


@given(amount=st.integers(-(2**63) + 1, 2**63 - 1), code=st.sampled_from(["EUR", "JPY", "KWD", "CLF", None]))
def test_money_reads_what_it_writes_at_any_size(amount, code):
    written = money.from_minor(amount, code)
    assert money.to_minor(Decimal(written), code) == amount
    assert "e" not in written.lower()


def test_money_says_which_currency_has_how_many_decimals():
    assert money.from_minor(1250, "EUR") == "12.50"
    assert money.from_minor(-5, "EUR") == "-0.05"
    assert money.from_minor(1250, "JPY") == "1250"
    with pytest.raises(ValueError, match="This has more decimals than JPY has. Write a whole number."):
        money.to_minor(Decimal("12.5"), "JPY")
    with pytest.raises(ValueError, match="This has more decimals than EUR has. Write at most 2."):
        money.to_minor(Decimal("12.505"), "EUR")
    with pytest.raises(ValueError, match="too large"):
        money.to_minor(Decimal(10) ** 30, "EUR")


VALUES = {
    "text": st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=50).map(str.strip).filter(bool),
    "longtext": st.text(st.sampled_from("ab \n"), min_size=1).map(str.strip).filter(bool), "integer": st.integers(-(2**63) + 1, 2**63 - 1),
    "date": st.dates(), "datetime": st.datetimes(timezones=st.just(UTC)), "boolean": st.booleans(), "choice": st.sampled_from(STATUS.names)}


@given(data=st.data(), field=st.sampled_from([Text("f"), LongText("f"), Integer("f"), Date("f"), DateTime("f"), Boolean("f"),
                                              Choice("f", choices=STATUS.choices)]))
def test_reading_what_a_field_writes_gives_the_same_value(data, field):
    value = data.draw(VALUES[field.kind])
    assert read(field, field.written({"f": value})) == value


def test_an_empty_value_is_written_as_nothing():
    for resource in (customers, products, orders, payments):
        for field in resource.fields:
            assert field.written({}) == ""
            assert field.json({}) in (None, [])


def test_the_api_shows_money_as_a_string_times_with_a_zone_and_references_with_their_key():
    row = {"total_minor": 1250, "currency": "EUR", "placed_at": datetime(2026, 5, 31, 14, 30, tzinfo=UTC), "customer_id": 7,
           "customer": Ref(7, "ada@x.org", "Ada"), "lines": [{"product_id": 3, "product": Ref(3, "A", "Ant"), "quantity": 2, "unit_price_minor": 250}]}
    shown = {field.name: field.json(row) for field in orders.fields}
    assert shown["total"] == "12.50"
    assert shown["placed_at"] == "2026-05-31T14:30:00Z"
    assert shown["customer"] == {"id": 7, "key": "ada@x.org", "label": "Ada"}
    assert shown["lines"] == [{"product": {"id": 3, "key": "A", "label": "Ant"}, "quantity": 2, "unit_price": "2.50"}]
    assert orders.require("customer").written(row) == "ada@x.org"


def test_who_is_not_here_yet_is_shown_without_an_id():
    row = {"order_id": None, "order_ref": "number=ORD-1"}
    order = payments.require("order")
    assert order.json(row) == {"id": None, "key": "ORD-1", "label": "ORD-1"}
    assert order.written(row) == ""


def test_a_field_is_found_by_its_name_its_column_and_by_what_it_waits_for():
    assert orders.field("customer") is orders.field("customer_id") is orders.field("customer_ref")
    assert orders.field("nothing") is None
    assert orders.require("total").column == "total_minor"
    assert (orders.require("number").sort_column, orders.require("total").sort_column) == ("number_key", "total_minor")
