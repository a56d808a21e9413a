"""Going back to an earlier version: looked at first, then a change like any other."""
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.audit import Door
from app.records.changes import Change, Source
from app.records.fields import Choice, Field
from app.records.registry import named
from tests.records import gate
from tests.records.gate import EVENT, FORM, act, payment
from tests.records.pages import get, inline, post, read
from tests.records.shops import MINA, change_order, order_with_a_past, plain
from tests.records.stock import NAMES, fill


@pytest.fixture
def path(app) -> str:
    return order_with_a_past()


def row() -> dict[str, Any]:
    return gate.row("orders", number="ORD-1")


def confirm(client, path: str, to: int, status: int = 200):
    return read(client.get(f"{path}/revert?to={to}"), status)


def press(client, path: str, to: int, status: int = 303):
    """Look at the page, and press its button."""
    return post(client, f"{path}/revert", confirm(client, path, to).form(f"{path}/revert"), status)


def test_every_entry_but_the_last_leads_back_to_its_version(path, sign_in):
    links = [link.partition("?")[2] for link in get(sign_in("operator"), path).links() if "/revert?" in link]

    assert links == ["to=2", "to=1"]
    assert not any("/revert" in link for link in get(sign_in("viewer"), path).links())
    assert sign_in("viewer").get(f"{path}/revert?to=1").status_code == 403


def test_what_would_change_is_shown_as_it_is_and_as_it_was_before_anything_is_written(path, sign_in):
    before = row()

    page = confirm(sign_in(), path, 1)

    assert "Revert order ORD-1 to version 1?" in page.text
    assert "As ada left it" in page.text
    for said in ("Status Shipped → is now Placed", "Customer Bob → is now Ada Whitcombe", "Total 12.00 EUR → is now 10.00 EUR",
                 "City Leipzig → is now Berlin", "Line removed Cup, 1", "Line added Tea, 2, 5.00 EUR", "Note empty → is now one two",
                 "Phone +49 40 88 → is now +49 30 77"):
        assert said in page.text, said
    assert not inline(page.html)
    assert row() == before


def test_a_record_goes_back_with_its_lines_as_a_change_of_its_own(path, sign_in):
    first = act(change_order(city="Bonn"), source=FORM)
    assert first[0].version == 4
    client = sign_in("manager")

    answer = press(client, path, 1)

    page = get(client, answer.location)
    assert "Order ORD-1 is back at version 1" in page.text
    assert (row()["status"], row()["city"], row()["total_minor"], row()["version"]) == ("placed", "Berlin", 1000, 5)
    assert row()["placed_at"].isoformat().startswith("2026-03-01T08:00")
    assert [line["quantity"] for line in gate.lines()] == [2]
    assert "Manager changed 8 fields" in page.text
    assert "Back to version 1" in page.text
    assert gate.audits()[-1][2] == 5, "it stands in the timeline like any other change"
    press(client, path, 4)
    assert row()["city"] == "Bonn", "and is gone back from in the same way"


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_field_of_every_kind_of_record_comes_back_to_what_it_was(app, sign_in, name):
    fill(named(name), 1)
    put_back = Source(Door.UNDO, gate.ADA)
    for number in (0, 1):
        [outcome] = act(Change(name, other_values(name, number), key={"id": 1}), source=put_back)
        assert outcome.kind == "updated", outcome.errors
        if not number:
            before = gate.row(name, id=1)
    assert all(gate.row(name, id=1)[column] != before[column] for column in other_values(name, 0))

    press(sign_in(), f"/{name}/1", 2)

    assert plain(gate.row(name, id=1)) == plain(before)


def other_values(name: str, number: int) -> dict[str, Any]:
    """A value for every field with a column of its own, by column; another one for another number."""
    return {field.column: other_value(field, number) for field in named(name).fields if field.kind not in ("json", "lines", "reference")}


def other_value(field: Field, number: int) -> Any:
    made: dict[str, Any] = {
        "money": 100 + number, "integer": 1 + number, "boolean": bool(number), "date": date(2026, 3, 1 + number),
        "datetime": datetime(2026, 3, 1 + number, 8, 0, 30, 125, tzinfo=UTC), "email": f"a{number}@example.com"}
    if isinstance(field, Choice):
        return field.names[number]
    return made.get(field.kind, "AB"[number] * min(3, getattr(field, "limit", 3)))


def test_staff_go_back_past_steps_they_could_not_take_but_not_over_what_a_provider_keeps(live, app, sign_in):
    act(payment("paid", 1, method="card"), source=EVENT)
    act(payment("refunded", 2, method="bank"), source=EVENT)
    client, page = sign_in(), f"/payments/{gate.row('payments')['id']}"

    shown = confirm(client, page, 1)

    assert "Nothing would change" in shown.text
    assert "Status stays: stripe keeps it." in shown.text
    assert f"{page}/revert" not in [action for action, pairs in shown.forms.items() if ("to", "") in pairs]
    assert post(client, f"{page}/revert", {"to": "1", "version": "2"}, 409)
    assert gate.row("payments")["status"] == "refunded"
    live.clear()
    press(client, page, 1)
    assert (gate.row("payments")["status"], gate.row("payments")["method"]) == ("paid", "card")


def test_a_field_one_may_not_see_stays_and_is_not_named(path, sign_in):
    client = sign_in("operator")

    page = confirm(client, path, 1)
    press(client, path, 1)

    assert "Fields your role does not show stay as they are." in page.text
    assert "+49" not in page.html
    assert "Phone" not in page.text
    assert row()["phone"] == "+49 40 88"
    assert row()["city"] == "Berlin"


def test_what_the_gate_refuses_stays_with_its_reason_and_the_rest_goes_back(path, sign_in):
    bob = gate.row("customers", email="ada@acme.example")["id"]
    client = sign_in()
    client.post(f"/customers/{bob}/trash")

    page = confirm(client, path, 1)
    press(client, path, 1)

    assert "Customer stays. This customer is in the trash. Restore it first or choose another." in page.text
    assert (row()["city"], row()["customer_id"]) == ("Berlin", gate.row("customers", email="bob@other.example")["id"])


def test_a_version_there_is_none_of_is_404_and_one_that_is_not_said_400(path, sign_in):
    client = sign_in()

    for to in ("0", "3", "4", "99", "x", "99999999999999999999"):
        assert client.get(f"{path}/revert?to={to}").status_code == 404, to
    assert client.get(f"{path}/revert").status_code == 404
    assert client.post(f"{path}/revert", data={"to": "1"}).status_code == 400
    assert client.post(f"{path}/revert", data={"to": "x", "version": "3"}).status_code == 400
    assert client.post(f"{path}/revert", data={"to": "3", "version": "3"}).status_code == 404
    assert sign_in("operator", scopes={"orders": "number=X"}).get(f"{path}/revert?to=1").status_code == 404


def test_a_record_nobody_may_move_out_of_their_sight_stays(path, sign_in):
    client = sign_in("operator", scopes={"orders": "city=Leipzig"})

    page = confirm(client, path, 1)

    assert "would not be among those you may see" in page.text
    assert client.post(f"{path}/revert", data={"to": "1", "version": "3"}).status_code == 409
    assert row()["city"] == "Leipzig"


def test_a_record_in_the_trash_does_not_go_back(path, sign_in):
    client = sign_in()
    client.post(f"{path}/trash")

    assert client.get(f"{path}/revert?to=1").status_code == 303
    assert not any("/revert" in link for link in get(client, path).links())
    page = read(client.post(f"{path}/revert", data={"to": "1", "version": str(row()["version"])}), 409)
    assert "is in the trash" in page.text


def test_whoever_changed_it_meanwhile_is_named_and_nothing_is_written(path, sign_in):
    client = sign_in()
    form = confirm(client, path, 1).form(f"{path}/revert")
    act(change_order(city="Rome"), source=MINA)
    before = row()

    page = read(client.post(f"{path}/revert", data=form), 409)

    assert "Mina Wolff changed this meanwhile" in page.text
    assert "City Rome → is now Berlin" in page.text, "as it stands now"
    assert row() == before
    post(client, f"{path}/revert", page.form(f"{path}/revert"))
    assert row()["city"] == "Berlin"


def test_pressing_twice_says_that_it_is_there_already(path, sign_in):
    client = sign_in()
    form = confirm(client, path, 1).form(f"{path}/revert")
    post(client, f"{path}/revert", form)
    version = row()["version"]

    again = post(client, f"{path}/revert", form)

    assert "is as it was in version 1 already" in get(client, again.location).text
    assert row()["version"] == version


def test_who_may_not_detach_does_not_attach_by_going_back(live, app, sign_in):
    act(payment("paid", 1), source=EVENT)
    act(Change("payments", {"account": ""}, key={"external_id": "pi_1"}), source=FORM)
    act(Change("payments", {"method": "cash"}, key={"external_id": "pi_1"}), source=FORM)
    client, path = sign_in("operator"), f"/payments/{gate.row('payments')['id']}"

    page = confirm(client, path, 1)
    press(client, path, 1)

    assert "Who keeps it stays: that needs the permission payments.detach." in page.text
    assert (gate.row("payments")["account"], gate.row("payments")["method"]) == ("", None)
