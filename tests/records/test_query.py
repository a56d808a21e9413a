"""The grammar of lists: what each filter finds, and that nothing is ever ignored."""
from datetime import UTC, date, datetime, timedelta

import pytest
from werkzeug.datastructures import MultiDict

from app.audit import SYSTEM, Actor
from app.errors import BadRequest, Forbidden
from app.extensions import db
from app.records import filters, query
from app.records.fields import Choice, Country, Currency
from app.records.operators import OPERATORS, span
from app.records.registry import named
from tests.records.shops import shop_to_ask
from tests.records.stock import NAMES, ask, fill, found, put, statements

HOUR = timedelta(hours=1)


@pytest.fixture
def shop(app):
    shop_to_ask()


FINDS = [
    ("", {1, 2, 3, 4, 5}),
    # choices: their word or their title, several with commas or repeated
    ("status=placed", {2, 4}), ("status=Placed", {2, 4}), ("status=placed,draft", {1, 2, 4}), ("status=placed&status=draft", {1, 2, 4}),
    ("status.ne=placed", {1, 3, 5}), ("status.ne=placed,draft", {3, 5}), ("status.eq=draft", {1}),
    # ids and numbers
    ("id=1,3", {1, 3}), ("id.gte=4", {4, 5}), ("id.ne=1", {2, 3, 4, 5}), ("weight=500", {4}), ("weight.empty=true", {1, 2, 3, 5}),
    ("weight.ne=500", {1, 2, 3, 5}), ("weight.gt=499&weight.lt=501", {4}), ("weight.gt=500", set()),
    # amounts: in major units of the installation's currency, or of the one asked for
    ("total.gte=10", {1, 2}), ("total.gt=10", {2}), ("total=20.50", {2}), ("total.lt=10.00&currency=EUR", set()), ("total=10,20.5", {1, 2}),
    ("currency=JPY&total=300", {3}), ("currency=jpy&total.gte=299", {3}), ("currency=KWD&total=0.005", {5}), ("total.empty=true", {4}),
    # … and with no other currency's: 300 JPY and 0.005 KWD are neither below nor above 3 EUR
    ("total.lt=100", {1, 2}), ("total.gte=0", {1, 2}), ("total=3.00", set()), ("total.ne=10", {2, 4}), ("any.1.total.gte=3&any.1.number=X-4", {1, 2, 4}),
    ("currency=EUR&currency=USD&total.gte=10", {1, 2}), ("total.empty=false", {1, 2, 3, 5}), ("lines.unit_price.gte=0&currency=JPY", set()),
    ("lines.unit_price.gte=0", {1, 2}),
    # text: exact; repeated, since it may hold a comma; parts of it in any case and alphabet
    ("number=ORD-1", {1}), ("number=ord-1", set()), ("number=ORD-1&number=X-4", {1, 4}), ("number.ne=ORD-1", {2, 3, 4, 5}),
    ("number.starts=ord", {1, 2, 3, 5}), ("number.starts=X", {4}), ("number.contains=D-", {1, 2, 3, 5}), ("number.contains=-4&number.contains=-5", {4, 5}),
    ("city.contains=łód", {3}), ("city.contains=ŁÓD", {3}), ("city.starts=ŁÓ", {3}), ("note.contains=DÉJÀ", {4}), ("note.starts=déjà", {4}),
    ("note.contains=50%25", {2}), ("note.contains=0%25 off_", {2}), ("note.contains=_", {2}), ("note.contains=%25", {2}), ("note.empty=false", {2, 4}),
    ("note.contains=vu&status=placed", {4}),
    # moments: days are all of their moments, in UTC or with an offset
    ("placed_at=2026-03-01", {1, 2}), ("placed_at=2026-03-01T00:00:00Z", {1}), ("placed_at=2026-03-01T01:00:00%2B01:00", {1}),
    ("placed_at=2026-03-01T01:00:00 01:00", {1}), ("placed_at.gte=2026-03-01", {1, 2, 5}), ("placed_at.gt=2026-03-01", {5}),
    ("placed_at.lt=2026-03-01", {3}), ("placed_at.lte=2026-03-01", {1, 2, 3}), ("placed_at.lte=2026-03-01T00:00:00Z", {1, 3}),
    ("placed_at.lt=2026-03-01%2B01:00", set()), ("placed_at=2026-03-01%2B01:00", {1, 2, 3}), ("placed_at.empty=true", {4}),
    ("placed_at.ne=2026-03-01", {3, 4, 5}), ("placed_at=2026-03-01&placed_at=2026-03-02", {1, 2, 5}), ("created_at=2026-03-01", {1, 2, 3, 4, 5}),
    # references: by id, by what they are shown by, one step through
    ("customer=1", {1, 5}), ("customer=1,2", {1, 2, 5}), ("customer=ada@acme.example", {1, 5}), ("customer=ADA@acme.example", {1, 5}),
    ("customer=2,eve@acme.example", {2, 3}), ("customer=nobody@acme.example", set()), ("customer.ne=1", {2, 3, 4}), ("customer.empty=true", {4}),
    ("customer.empty=false", {1, 2, 3, 5}), ("customer.email.contains=@acme.", {1, 3, 5}), ("customer.name=Bob, the second", {2}),
    ("customer.country=DE", {1, 5}), ("customer.country.empty=true", {2, 3}), ("customer.id.gt=1", {2, 3}), ("customer.name.contains=È", {3}),
    ("customer.created_at.lt=2026-03-02", {1, 2, 3, 5}),
    # references: whom the search finds by words, as a picker does; also by short ones
    ("customer.contains=ada", {1, 5}), ("customer.contains=ACME eve", {3}), ("customer.contains=second bob", {2}), ("customer.contains=Bob, the", {2}),
    ("customer.contains=eve@acme&customer.contains=bob", {2, 3}), ("customer.contains=bo", {2}), ("customer.contains=OB", {2}), ("customer.contains=b z", set()), ("customer.contains=e v", {3}), ("customer.contains=È", {1, 2, 3, 5}), ("customer.contains=ë v", {3}), ("customer.contains=èv", {3}), ("customer.contains=100%25", set()),
    ("customer.contains=0%25", set()), ("customer.contains=_", set()),
    ("lines.product.contains=cup", {2}), ("any.1.customer.contains=ada&any.1.status=shipped", {1, 3, 5}),
    # lines: of any line
    ("lines.empty=true", {3, 4, 5}), ("lines.empty=false", {1, 2}), ("lines.quantity.gte=10", {2}), ("lines.product=1", {1, 2}),
    ("lines.product=CUP", {2}), ("lines.unit_price=5", {1}),
    # alternatives: what shares a number; the groups all hold
    ("any.1.status=draft&any.1.total.gt=15", {1, 2}), ("any.1.status=draft&any.2.total.gt=15", set()),
    ("any.1.status=draft&any.1.status=cancelled&any.1.customer.empty=true", {1, 4, 5}),
    ("any.1.status=placed&any.1.status.ne=placed&number.starts=ord", {1, 2, 3, 5}), ("any.1.currency=KWD&any.1.total=0.005", {5}),
]


@pytest.mark.parametrize(("asked", "ids"), FINDS, ids=[asked or "nothing" for asked, _ in FINDS])
def test_a_filter_finds_what_it_says(shop, asked, ids):
    assert set(found("orders", asked)) == ids
    assert query.count(db.session(), ask("orders", asked)).number == len(ids)
    assert query.ids(db.session(), ask("orders", asked), 100) == sorted(ids)


REFUSED = {
    "statsu=draft": ("statsu", "Did you mean status?"),
    "nothing_like_it=1": ("nothing_like_it", "Choose from number, customer, status"),
    "status=lost": ("status", "Write one of: draft, placed"),
    "status=placed,": ("status", "write .empty=true"),
    "status=": ("status", "write .empty=true"),
    "status.like=x": ("status.like", "Choose from .ne, .empty"),
    "customer.starts=a": ("customer.starts", "no field starts"),
    "status.gte=draft": ("status.gte", "Choose from .ne, .empty"),
    "total.gte=cheap": ("total.gte", "Write it like 12.50"),
    "total.gte=1.005": ("total.gte", "more decimals"),
    "total.gte=NaN": ("total.gte", "not a number"),
    "total.gte=1e400": ("total.gte", "not a number"),
    "total.gte=12,50": ("total.gte", "Write 12.50: in a web address a comma separates values."),
    "total.gte=1,2,3": ("total.gte", "Write one number: in a web address a comma separates values."),
    "weight.lt=1,500": ("weight.lt", "a comma separates values"),
    "total.gte=1&total.gte=2": ("total.gte", "takes one value"),
    "total=99999999999999999999": ("total", "too large"),
    "currency=EUR,JPY": ("currency", "for several, repeat currency=."),
    "customer.country=DE,FR,IT": ("customer.country", "for several, repeat customer.country=."),
    "any.1.currency=EUR,JPY": ("any.1.currency", "for several, repeat any.1.currency=."),
    "currency=EUR&currency=JPY&total.gte=1": ("total.gte", "different decimals"),
    "total_minor=5": ("total_minor", "no field total_minor"),
    "customer_id=1": ("customer_id", "no field customer_id"),
    "number_key=x": ("number_key", "no field"),
    "said=x": ("said", "no field"),
    "version=1": ("version", "no field"),
    "weight=1.5": ("weight", "whole number"),
    "weight.empty=perhaps": ("weight.empty", "neither true nor false"),
    "weight.empty=true&weight.empty=true": ("weight.empty", "neither true nor false"),
    "placed_at=yesterday": ("placed_at", "Write it like 2026-05-31"),
    "placed_at=2026-02-30": ("placed_at", "Write it like 2026-05-31"),
    "placed_at.gte=0001-01-01T00:00:00%2B14:00": ("placed_at.gte", "Write it like"),
    "placed_at.lte=9999-12-31": ("placed_at.lte", "Write it like"),
    "placed_at.gte=2026-01-01,2026-02-01": ("placed_at.gte", "Write it like"),
    "placed_at=2026-01-01,2026-02-01": ("placed_at", "for several, repeat placed_at=."),
    "customer.contains=%20": ("customer.contains", "write .empty=true"),
    "placed_at.gte=2026-01-01&placed_at.gte=2026-02-01": ("placed_at.gte", "takes one value"),
    "id=0x1": ("id", "whole number"),
    "id=-1": ("id", "too small"),
    "id=9223372036854775808": ("id", "too large"),
    "customer=0": ("customer", "not the id"),
    "customer=99999999999999999999": ("customer", "not the id"),
    "customer=٣": ("customer", "not the id"),
    "customer=no-address": ("customer", "not an e-mail address"),
    "customer.gte=1": ("customer.gte", "no field gte"),
    "customer.nobody=1": ("customer.nobody", "Customers have no field"),
    "customer.email.gte=1": ("customer.email.gte", "knows no .gte"),
    "lines=1": ("lines", "knows no .eq"),
    "lines.sku=1": ("lines.sku", "have no field sku"),
    "lines.product.name=x": ("lines.product.name", "knows no .name"),
    "number.contains=": ("number.contains", "write .empty=true"),
    "number.contains=%00": ("number.contains", "never kept"),
    "note=%07": ("note", "never kept"),
    "any.status=draft": ("any.status", "no field any"),
    "any.1.nothing=1": ("any.1.nothing", "no field nothing"),
    "any.1.any.2.status=draft": ("any.1.any.2.status", "no field any"),
    ".=1": (".", "no field"), "=1": ("", "no field"), "status..ne=1": ("status..ne", "knows no ."),
    "sort=note": ("sort", "Choose from number"), "sort=--id": ("sort", "cannot be sorted"), "sort=": ("sort", "cannot be sorted"),
    "sort=id&sort=-id": ("sort", "more than once"),
    "limit=0": ("limit", "from 1 to 200"), "limit=201": ("limit", "from 1 to 200"), "limit=ten": ("limit", "from 1 to 200"), "limit=٣": ("limit", "from 1 to 200"),
    "trashed=yes": ("trashed", "Write one of: with, only"),
    "after=x": ("after", "start at the first page"), "before=x": ("before", "start at the first page"), "after=": ("after", "start at the first page"),
    "after=x&before=y": ("before", "one of the two"),
    "q=": ("q", "nothing to search for"), "q=%20": ("q", "nothing to search for"), "q=%00": ("q", "never kept"), "q=" + "x" * 201: ("q", "201 characters"),
    "offset=10": ("offset", "no field offset"), "page=2": ("page", "no field page"),
}


@pytest.mark.parametrize("asked", REFUSED, ids=[asked[:30] for asked in REFUSED])
def test_what_cannot_be_read_is_refused_with_a_sentence_at_its_parameter(shop, asked):
    with pytest.raises(BadRequest) as caught:
        ask("orders", asked)
    param, part = REFUSED[asked]
    assert part in caught.value.errors[param]
    assert caught.value.errors[param].endswith((".", "?"))


def test_all_that_is_wrong_is_said_at_once(shop):
    with pytest.raises(BadRequest) as caught:
        ask("orders", "statsu=1&total.gte=x&limit=0&status=placed")
    assert set(caught.value.errors) == {"statsu", "total.gte", "limit"}


def test_there_is_an_end_to_what_one_may_ask(shop):
    with pytest.raises(BadRequest):
        ask("orders", "&".join(f"any.{number}.status=draft" for number in range(101)))
    with pytest.raises(BadRequest):
        ask("orders", f"id={','.join(map(str, range(1, 1_002)))}")
    assert set(found("orders", f"id={','.join(map(str, range(1, 1_001)))}")) == {1, 2, 3, 4, 5}


SAMPLES = {"text": "x", "longtext": "x", "email": "ada@acme.example", "integer": "1", "money": "1", "date": "2026-03-01",
           "datetime": "2026-03-01", "boolean": "true", "reference": "1"}


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_every_record_type_answers_every_operator_it_has(app, name):
    """Whatever is declared can be asked for; a value and its opposite find every row once between them."""
    fill(named(name), 30)
    for field in (*named(name).fields, *filters.BUILT_IN):
        sample = "EUR" if isinstance(field, Currency) else "DE" if isinstance(field, Country) else field.names[0] if isinstance(field, Choice) else SAMPLES.get(field.kind, "")
        for op in OPERATORS[field.kind]:
            asked = f"{field.name}.{op}={'true' if op == 'empty' else sample}"
            ids = found(name, asked)
            assert query.count(db.session(), ask(name, asked)).number == len(ids)
            opposite = {"eq": f".ne={sample}", "empty": ".empty=false"}.get(op)
            if opposite:
                assert sorted(ids + found(name, f"{field.name}{opposite}")) == list(range(1, 31)), asked


@pytest.mark.parametrize(("raw", "start", "end"), [
    ("2026-05-31", datetime(2026, 5, 31, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)),
    ("2026-05-31Z", datetime(2026, 5, 31, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)),
    ("2026-05-31+02:00", datetime(2026, 5, 30, 22, tzinfo=UTC), datetime(2026, 5, 31, 22, tzinfo=UTC)),
    ("2026-05-31-05:30", datetime(2026, 5, 31, 5, 30, tzinfo=UTC), datetime(2026, 6, 1, 5, 30, tzinfo=UTC)),
    ("2026-05-31T10:00", datetime(2026, 5, 31, 10, tzinfo=UTC), datetime(2026, 5, 31, 10, tzinfo=UTC)),
    ("2026-05-31T10:00:00.5 02:00", datetime(2026, 5, 31, 8, 0, 0, 500_000, tzinfo=UTC), datetime(2026, 5, 31, 8, 0, 0, 500_000, tzinfo=UTC)),
])
def test_a_day_is_read_as_all_of_it_a_moment_as_itself(raw, start, end):
    assert span(raw)[:2] == (start, end)


SHOWN = {
    "status=placed,draft": ("Status", "Placed or Draft"), "status.ne=placed": ("Status", "not Placed"), "total.gte=100": ("Total", "at least 100.00 EUR"),
    "currency=JPY&total.lt=100": ("Total", "below 100 JPY"), "currency=EUR&currency=USD&total.lt=100": ("Total", "below 100.00 EUR or USD"),
    "customer.contains=ada": ("Customer", "contains “ada”"), "placed_at.gte=2026-03-01": ("Placed", "since 2026-03-01"),
    "placed_at.lt=2026-03-01": ("Placed", "before 2026-03-01"), "customer=1,2": ("Customer", "#1 or #2"),
    "customer.email.contains=@acme.": ("Customer e-mail", "contains “@acme.”"), "note.empty=true": ("Note", "is empty"), "note.empty=false": ("Note", "is filled in"),
    "number.starts=ORD": ("Order number", "starts with “ORD”"), "id=1,2,3": ("ID", "1, 2 or 3"), "customer.external_id=x": ("Customer customer ID", "x"),
}


@pytest.mark.parametrize("asked", SHOWN)
def test_a_filter_says_what_it_asks_in_words(shop, asked):
    last = ask("orders", asked).filters[-1]
    assert (last.title, last.shown) == SHOWN[asked]


def test_a_query_says_the_same_again_without_where_the_page_was(shop):
    first = query.page(db.session(), ask("orders", "limit=2"))
    asked = ask("orders", f"status=placed&q=x&sort=-id&limit=2&after={first.next}")
    assert asked.args == MultiDict([("status", "placed"), ("q", "x"), ("sort", "-id"), ("limit", "2")])
    assert query.parse(asked.resource, asked.args, SYSTEM).filters == asked.filters


def test_a_form_with_untouched_fields_asks_for_nothing_by_them():
    assert query.tidied(MultiDict([("status", ""), ("q", " "), ("total.gte", "1")])) == MultiDict([("total.gte", "1")])


def test_parameters_that_belong_to_somebody_else_are_left_to_them(shop):
    assert query.parse(named("orders"), MultiDict([("fields", "id"), ("status", "placed")]), SYSTEM, extra=("fields",)).args == MultiDict([("status", "placed")])


def test_references_come_with_their_key_and_title(shop):
    rows = {row["id"]: row for row in query.page(db.session(), ask("orders")).rows}
    assert rows[1]["customer"] == (1, "ada@acme.example", "Ada")
    assert rows[4]["customer"] is None


def test_a_page_costs_one_statement_and_a_count_another_however_many_rows_it_has(shop):
    fill(named("orders"), 120, start=100)
    for limit in (1, 10, 100):
        with statements() as seen:
            query.page(db.session(), ask("orders", f"limit={limit}"))
            query.count(db.session(), ask("orders", f"limit={limit}"))
        assert len(seen) == 2


@pytest.mark.parametrize("name", NAMES)
def test_no_page_costs_more_than_six_statements(app, name):
    """Whatever is asked: rows, the NULLs behind them, exact hits, hits of a search, the count of it, lines."""
    fill(named(name), 60)
    for asked in ("", "sort=updated_at", f"sort=-{named(name).key}&limit=200", "q=ada", f"q=ada&sort={named(name).key}", "q=1&sort=-updated_at"):
        with statements() as seen:
            query.page(db.session(), ask(name, asked), lines=True)
            query.count(db.session(), ask(name, asked))
        assert len(seen) <= 6, (asked, seen)


def test_a_record_comes_with_its_lines_in_two_statements(shop):
    with statements() as seen:
        row = query.one(db.session(), named("orders"), 2, SYSTEM)
    assert len(seen) == 2
    assert [(line["product"].key, line["quantity"], line["unit_price_minor"]) for line in row["lines"]] == [("TEA", 1, 50), ("CUP", 10, 200)]


def test_a_page_has_lines_if_it_is_asked_to(shop):
    rows = query.page(db.session(), ask("orders"), lines=True).rows
    assert {row["id"]: len(row["lines"]) for row in rows} == {1: 1, 2: 2, 3: 0, 4: 0, 5: 0}
    assert "lines" not in query.page(db.session(), ask("orders")).rows[0]


def test_a_count_stops_where_it_is_told(shop):
    assert query.count(db.session(), ask("orders"), 3) == query.Count(3, True)
    assert query.count(db.session(), ask("orders"), 5) == query.Count(5, False)
    assert query.count(db.session(), ask("orders"), None) == query.Count(5, False)


def test_ids_are_counted_off_from_the_smallest(shop):
    assert query.ids(db.session(), ask("orders", "status.ne=draft"), 3) == [2, 3, 4]


def test_nobody_reads_without_the_right_to(shop):
    with pytest.raises(Forbidden):
        ask("orders", "", Actor("staff", "somebody", 2, ("customers.read",)))


def test_days_compare_as_days(app):
    put("subscriptions", *({"id": day, "external_id": f"s{day}", "renews_at": date(2026, 1, day)} for day in (1, 2, 3)))
    assert found("subscriptions", "renews_at.gt=2026-01-01&renews_at.lte=2026-01-03") == [3, 2]
    assert found("subscriptions", "renews_at=2026-01-01&renews_at=2026-01-03") == [3, 1]
    assert found("subscriptions", "renews_at.lt=2026-01-01") == []
