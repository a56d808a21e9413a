"""What is said of the values of a file: words, constants, defaults, units, parts of cells."""
from decimal import Decimal

import pytest

from app.imports.meant import typed
from app.imports.rules import Rules, Split, folded
from app.imports.shaping import shaper
from app.imports.units import factor
from app.records.batches import Batch
from app.records.fields import Date, Integer, Money
from app.records.registry import named

pytestmark = pytest.mark.alike
FIELDS = ("number", "status", "total", "currency", "weight", "postcode")
ROW = ["1", "placed", "12.50", "EUR", "3", "10115 Berlin"]


def shaped(rules, row, fields=FIELDS, decimal=".", blank="leave"):
    columns = [{"header": name or "-", "field": name} for name in fields]
    batch = Batch(resource="orders", key="number", mode="upsert", decimal=decimal, day_first=False)
    return shaper(columns, batch, blank, True, rules)(row)


def values(rules, row, *args, **more):
    return dict(shaped(rules, row, *args, **more).values)


def with_(**cells):
    return [cells.get(name, cell) for name, cell in zip(FIELDS, ROW, strict=True)]


def test_without_rules_a_row_is_what_its_cells_say(app):
    assert values(Rules(), ROW) == dict(zip(FIELDS, ["1", "placed", "12.50", "EUR", "3", "10115 Berlin"], strict=True))


@pytest.mark.parametrize(("said", "status"), [("Plcd", "placed"), (" PLCD ", "placed"), ("draft", "draft"), ("n/a", None)])
def test_a_word_of_the_file_means_what_was_said(app, said, status):
    rules = Rules(words={"status": {folded("Plcd"): "placed", "n/a": None}})

    assert values(rules, with_(status=said)).get("status") == status


def test_a_word_that_means_nothing_clears_where_blanks_clear(app):
    assert values(Rules(words={"status": {"n/a": None}}), with_(status="n/a"), blank="clear")["status"] is None


def test_an_error_of_the_spreadsheet_can_be_said_to_mean_nothing(app):
    rules = Rules(words={"postcode": {"#n/a": None}})

    assert not shaped(rules, with_(postcode={"e": "#N/A"})).errors
    assert shaped(Rules(), with_(postcode={"e": "#N/A"})).errors


def test_what_every_row_has_is_read_whatever_signs_the_file_has(app):
    rules = Rules(constants={"total": "12,50", "currency": "CHF"})

    found = values(rules, ["1"], ("number",), ",")

    assert found == {"number": "1", "total": Decimal("12.50"), "currency": "CHF"}


def test_an_amount_that_names_another_currency_than_every_row_has_is_refused(app):
    assert "total" in shaped(Rules(constants={"currency": "CHF"}), ["1", "12.50 €"], ("number", "total")).errors


@pytest.mark.parametrize(("currency", "expected"), [(None, "CHF"), ("", "CHF"), ("USD", "USD")])
def test_a_blank_cell_gets_the_default(app, currency, expected):
    assert values(Rules(defaults={"currency": "CHF"}), with_(currency=currency or None))["currency"] == expected


def test_the_currency_beside_an_amount_goes_before_the_default(app):
    rules = Rules(defaults={"currency": "CHF"})

    assert values(rules, with_(total="5 €", currency=None))["currency"] == "EUR"
    assert not shaped(rules, with_(total="5 €", currency=None), blank="clear").errors


@pytest.mark.parametrize(("blank", "rule", "kept"), [("leave", "clear", True), ("clear", "leave", False), ("leave", "leave", False)])
def test_a_column_can_treat_blanks_in_its_own_way(app, blank, rule, kept):
    assert ("weight" in values(Rules(blanks={"weight": rule}), with_(weight=None), blank=blank)) is kept


@pytest.mark.parametrize(("unit", "cell", "decimal", "grams"), [
    ("kg", "1.5", ".", 1500), ("kg", "1,5", ",", 1500), ("kg", 2, ".", 2000), ("lb", "1", ".", 454), ("0,5", "3", ".", 2), ("kg", "0.0004", ".", 0)])
def test_a_unit_is_converted_and_rounded_to_whole_ones(app, unit, cell, decimal, grams):
    assert values(Rules(units={"weight": unit}), with_(weight=cell, total=None), decimal=decimal)["weight"] == grams


@pytest.mark.parametrize(("unit", "cell", "currency", "amount"), [
    ("cents", "1250", "EUR", "12.50"), ("1.19", "9.99", "EUR", "11.89"), ("thousands", "1.5", "JPY", "1500"), ("0.5", "5", "JPY", "2")])
def test_an_amount_is_converted_to_the_decimals_of_its_currency(app, unit, cell, currency, amount):
    found = values(Rules(units={"total": unit}), with_(total=cell, currency=currency))["total"]

    assert found == Decimal(amount)


def test_a_number_that_is_none_is_refused_in_its_own_words(app):
    assert "not a number" in shaped(Rules(units={"weight": "kg"}), with_(weight="heavy")).errors["weight"]


@pytest.mark.parametrize(("split", "cell", "first", "rest"), [
    (Split(" ", "first", "city"), "10115  Berlin Mitte", "10115", "Berlin Mitte"), (Split(" ", "last", "city"), "1 2 Berlin", "1 2", "Berlin"),
    (Split(", ", "first", "city"), "10115", "10115", None), (Split("-", "first", "city"), "-Berlin", None, "Berlin"), (Split(" ", "first", "city"), None, None, None),
    (Split("\n", "first", "city"), "10115\nBerlin", "10115", "Berlin"), (Split("0", "first", "city"), 105, "1", "5")])
def test_a_cell_is_split_in_two_fields(app, split, cell, first, rest):
    found = values(Rules(splits={"postcode": split}), with_(postcode=cell))

    assert (found.get("postcode"), found.get("city")) == (first, rest)


def test_the_second_part_has_words_and_the_key_can_be_a_part(app):
    rules = Rules(splits={"channel": Split("/", "last", "number")}, words={"channel": {"www": "web"}})

    found = shaped(rules, ["www/17"], ("channel",))

    assert found.values == {"channel": "web", "number": "17"}
    assert found.key == {"number": "17"}


@pytest.mark.parametrize("said", ["stone", "", "0", "1.234,5,6", "1e9", "-"])
def test_what_is_no_unit_is_refused_with_those_there_are(app, said):
    with pytest.raises(ValueError, match="Write kg, g, mg, t, lb, oz, or a number"):
        factor(Integer("weight", unit="g"), said)


@pytest.mark.parametrize(("field", "text", "value"), [
    (Money("total"), "12,50", Decimal("12.50")), (Integer("n"), "3", 3), (Date("day"), "2026-05-31", "2026-05-31")])
def test_what_is_typed_is_read_without_the_signs_of_the_file(app, field, text, value):
    assert typed(field, text) == value


@pytest.mark.parametrize(("field", "text"), [(Money("total"), "much"), (Money("total"), "1,234"), (Date("day"), "05/06/2026"), (Date("day"), "2026-13-01")])
def test_what_could_be_two_things_is_not_guessed(app, field, text):
    with pytest.raises(ValueError, match="Write"):
        typed(field, text)


def test_rules_come_back_as_they_were_kept_and_lose_what_has_no_field_any_more():
    rules = Rules({"currency": "EUR"}, {"status": "placed"}, {"weight": "clear"}, {"weight": "kg"},
                  {"postcode": Split(" ", "first", "city")}, {"status": {"plcd": "placed", "x": None}, "channel": {}})

    assert Rules.of(rules.kept()) == Rules(**{**vars(rules), "words": {"status": rules.words["status"]}})
    fit = rules.fitting(["status", "postcode", "currency"], [field.name for field in named("orders").fields])
    assert fit == Rules(defaults={"status": "placed"}, splits=rules.splits, words={"status": rules.words["status"]})
    assert Rules.of({}).kept() == {}
