"""What columns mean and what their values prove, looked at one by one."""
from typing import Any

import pytest

from app.audit import COMMAND_LINE, Actor
from app.files.cells import pack
from app.imports.matching import Match, plain, remembered, suggest
from app.imports.noticing import day_first, decimal, notice
from app.imports.shaping import DAMAGED, value_of
from app.imports.targets import keys, targets
from app.records.fields import Boolean, Date, DateTime, Integer, LongText, Money, Text
from app.records.registry import named


def noticed(**columns: list[Any]) -> list[dict[str, Any]]:
    """The facts about columns with these values."""
    found = notice(list(columns))
    for column, values in zip(found, columns.values(), strict=True):
        for value in values:
            column.look(pack(value))
    return [column.facts() for column in found]


def matched(resource: str, **columns: list[Any]) -> dict[str, Match]:
    found = noticed(**columns)
    return dict(zip(columns, suggest(found, targets(COMMAND_LINE, named(resource))), strict=True))


@pytest.mark.parametrize(("values", "mark"), [
    (["1,50"], ","), (["1.50"], "."), (["1.284,50"], ","), (["1,284.50"], "."), (["1.284.500"], ","), (["1,284,500"], "."),
    (["1.284"], ","), (["1,284"], "."), (["1.284", "2,5"], ","), (["0,500"], ","), ([",5"], ","), (["12"], "."), ([], "."),
    (["12,50 €"], ","), (["-3,5"], ","), ([12.5, "3,25"], ","), (["1.284", "1,284"], None), (["1,5", "1.5"], None)])
def test_the_decimal_mark_is_proven_by_values_or_asked_for(app, values, mark):
    assert decimal(noticed(total=values)) == mark


@pytest.mark.parametrize(("values", "order"), [
    (["31/05/2026"], True), (["05/31/2026"], False), (["05/06/2026"], None), (["05/06/2026", "13/06/2026"], True),
    (["31/05/2026", "05/31/2026"], None), (["2026-05-06"], False), (["05.06.2026"], False), (["05/05/2026"], False), ([], False)])
def test_the_order_of_days_and_months_is_proven_by_values_or_asked_for(app, values, order):
    assert day_first(noticed(placed=values)) == order


def test_headings_are_known_by_name_title_and_alias_whatever_their_case_and_accents(app):
    found = matched("orders", **{"Order Number": ["1"], "CUSTOMER_EMAIL": ["a@example.com"], "financial status": ["paid"],
                                 "Ship to: city": ["Köln"], "postal-code": ["01067"], "total_minor": ["5"]})

    assert {name: (match.field, match.sure) for name, match in found.items()} == {
        "Order Number": ("number", "certain"), "CUSTOMER_EMAIL": ("customer", "certain"),
        "financial status": ("payment_status", "certain"), "Ship to: city": ("city", "certain"),
        "postal-code": ("postcode", "certain"), "total_minor": ("total", "certain")}


def test_a_typing_error_in_a_heading_is_likely_and_values_alone_are_a_guess(app):
    found = matched("customers", Compny=["Acme"], Kontakt=["a@example.com", "b@example.com"])

    assert found == {"Compny": Match("company", "likely"), "Kontakt": Match("email", "guess")}


def test_a_heading_whose_values_cannot_be_of_the_field_is_not_certain(app):
    assert matched("orders", Total=["many", "few"])["Total"].sure != "certain"


def test_words_of_a_choice_are_recognised(app):
    assert matched("orders", Zustand=["Placed", "shipped"])["Zustand"] == Match("status", "guess")


def test_every_field_is_used_once_by_the_surest_column(app):
    found = matched("customers", **{"Mail": ["a@example.com"], "E-mail": ["b@example.com"]})

    assert found["E-mail"] == Match("email", "certain")
    assert found["Mail"].field != "email"


def test_our_own_column_of_reasons_is_left_out(app):
    assert matched("customers", **{"What to mend": ["Name: …"]})["What to mend"] == Match(None, "ours")


def test_a_remembered_match_forgets_fields_one_may_not_fill_any_more(app):
    before = [{"header": "Tel", "field": "phone"}, {"header": "Mail", "field": "email"}]
    clerk = Actor("staff", "Carl", 1, ("customers.read", "customers.create"))

    found = remembered(before, before, targets(clerk, named("customers")))

    assert found == [Match(None, "none"), Match("email", "certain")]
    assert remembered(before[:1], before, ()) is None


def test_targets_are_what_one_may_write_and_what_finds_records(app):
    names = [target.name for target in targets(COMMAND_LINE, named("orders"))]

    assert names[0] == "number"
    assert names[-2:] == ["account", "id"]
    assert "lines" not in names
    assert targets(Actor("staff", "Vera", 1, ("*.read",)), named("orders")) == ()
    assert [field.name for field in keys(named("orders"))] == ["number", "external_id", "id"]


@pytest.mark.parametrize(("field", "cell", "value"), [
    (Text("sku"), "007", "007"), (Text("sku"), 7, "7"), (Text("sku"), "'=1", "=1"), (Text("sku"), "  ", None), (Text("sku"), None, None),
    (Text("sku"), {"d": "2026-05-31"}, "2026-05-31"), (Text("sku"), True, "yes"), (Money("total"), 12.5, 12.5), (Money("total"), "12,50 €", "12,50"),
    (Integer("n"), 5, 5), (Date("day"), {"d": "2026-05-31"}, "2026-05-31"), (DateTime("at"), {"t": "2026-05-31 14:30:00"}, "2026-05-31 14:30:00"),
    (Boolean("on"), True, True), (Boolean("on"), 1, "1"), (LongText("note"), "1.2E+10", "1.2E+10"), (Text("sku"), 0.00001, "0.00001")])
def test_a_cell_becomes_what_a_person_would_write(field, cell, value):
    assert value_of(field, cell) == value


@pytest.mark.parametrize(("field", "cell"), [(Text("sku"), 1e15), (Money("total"), 10**15), (Text("sku"), "1.23457E+13"),
                                             (Text("sku"), 1.2345e19)])
def test_a_number_that_has_lost_digits_is_refused(field, cell):
    with pytest.raises(ValueError, match=DAMAGED[:30]):
        value_of(field, cell)


def test_words_are_compared_without_case_accents_and_signs():
    assert plain("E-Mail") == plain("e_mail") == plain(" É mail!")
    assert plain("Straße 2") == plain("strasse2")
    assert plain("数量") == "数量"
