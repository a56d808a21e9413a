"""One press each: to the trash, out of it again, away from the provider."""
from typing import Any

import pytest

from app.records.changes import Change
from tests.records import gate
from tests.records.gate import EVENT, act, payment
from tests.records.pages import get, post
from tests.records.shops import edit, shop_to_edit


@pytest.fixture
def shop(app):
    shop_to_edit()


def row(number: str = "ORD-1") -> dict[str, Any]:
    return gate.row("orders", number=number)


def test_after_detaching_all_fields_are_peoples(live, shop, sign_in):
    act(payment("paid", 10), source=EVENT)
    client, path = sign_in("manager"), f"/payments/{gate.row('payments')['id']}"
    form = get(client, path).form(f"{path}/detach")

    post(client, f"{path}/detach", form)
    post(client, path, edit(client, path, amount="11"))

    assert (gate.row("payments")["amount_minor"], gate.row("payments")["account"]) == (1100, "")
    assert "detached it from stripe" in get(client, path).text
    assert sign_in("operator").post(f"{path}/detach", data=form).status_code == 403


@pytest.mark.parametrize("path", ["/orders/1/trash", "/orders/1/restore", "/orders/1/detach"])
def test_buttons_without_a_token_do_nothing(shop, sign_in, path):
    client = sign_in()
    client.with_token = False

    assert client.post(path, data={"version": "1"}).status_code == 400
    assert row()["trashed_at"] is None


def test_a_record_goes_to_the_trash_and_comes_back(shop, sign_in):
    client, path = sign_in("operator"), f"/orders/{row()['id']}"
    act(Change("deliveries", {"tracking_number": "T1", "order": "ORD-1"}, only="create"))
    question = get(client, f"{path}/trash")
    assert "1 delivery as order" in question.text

    answer = post(client, f"{path}/trash", question.form(f"{path}/trash"))
    listed = get(client, answer.location)
    assert "Order ORD-1 is in the trash" in listed.text
    trashed = get(client, path)
    assert "This order is in the trash" in trashed.text
    assert not any(link.startswith(f"{path}/edit") for link in trashed.links())
    assert client.get(f"{path}/edit").status_code == 303

    back = post(client, f"{path}/restore", listed.form(f"{path}/restore"))

    assert "Order ORD-1 is back" in get(client, back.location).text
    assert row()["trashed_at"] is None
    text = get(client, path).text
    assert text.index("took it out of the trash") < text.index("moved it to the trash")


def test_trash_and_restore_pressed_twice_are_done_once(shop, sign_in):
    client, path = sign_in(), f"/orders/{row()['id']}"

    for verb in ("trash", "trash", "restore", "restore"):
        post(client, f"{path}/{verb}", {})

    assert row()["version"] == 3


def test_an_edit_of_what_went_to_the_trash_meanwhile_is_refused_in_words(shop, sign_in):
    client, path = sign_in(), f"/orders/{row()['id']}"
    typed = edit(client, path, city="Köln")
    client.post(f"{path}/trash")

    answer = client.post(path, data=typed)

    assert answer.status_code in (409, 422)
    assert "trash" in answer.get_data(as_text=True)
    assert row()["city"] is None
