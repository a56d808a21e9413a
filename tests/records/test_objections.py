"""Values that can be read and are none all the same: people are refused them in words, what a provider says is a fact."""
import pytest

from app.records.changes import Change
from tests.records.gate import API, EVENT, FORM, IMPORT, act, at, customer, kinds, order, row


@pytest.mark.parametrize("source", [FORM, API, IMPORT])
@pytest.mark.parametrize(("name", "value", "said"), [
    ("currency", "XXX", "There is no currency XXX in use. Write three letters, like EUR."),
    ("country", "ZZ", "There is no country ZZ. Two letters, like DE."),
    ("country", "Germany", "This is not the code of a country. Two letters, like DE.")])
def test_people_are_refused_it_new_and_changed(app, database, source, name, value, said):
    [new] = act(order("ORD-2", **{"total": "1", name: value}), source=source)
    act(order("ORD-1", total="1"))
    [changed] = act(Change("orders", {name: value}, key={"number": "ORD-1"}), source=source)

    assert (new.kind, new.errors) == (changed.kind, changed.errors) == ("invalid", {name: said})


@pytest.mark.parametrize("source", [FORM, API, IMPORT])
def test_a_price_is_not_below_nothing(app, database, source):
    [outcome] = act(Change("products", {"sku": "TEA", "name": "Tea", "price": "-1.50", "currency": "EUR"}), source=source)

    assert (outcome.kind, outcome.errors) == ("invalid", {"price": "This amount is too small. Write 0 or more."})


def test_a_provider_says_how_it_is_and_the_rest_of_the_record_can_be_edited(app, database):
    told = Change("customers", {"email": "a@x.org", "country": "ZZ"}, key={"external_id": "c1"}, as_of=at(1))
    assert kinds(act(told, source=EVENT)) == ["created"]

    assert kinds(act(customer("a@x.org", country="ZZ", name="Ada"), source=FORM)) == ["updated"]
    assert (row("customers")["country"], row("customers")["name"]) == ("ZZ", "Ada")


def test_countries_and_currencies_of_every_day_are_known(app, database):
    assert kinds(act(*(order(f"N-{c}", total="1", currency=c) for c in ("EUR", "usd", "JPY", "KWD", "XAF", "CLF")))) == ["created"] * 6
    assert kinds(act(*(customer(f"{c}@x.org", country=c) for c in ("DE", "gb", "XK", "US")))) == ["created"] * 4
