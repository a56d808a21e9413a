"""What staff leave beside a record: notes in its line of time, and who has it open."""
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.extensions import db
from app.jobs.enqueue import enqueue
from app.records import notes, panels
from app.records.changes import Change
from app.records.notes import Note
from app.records.openings import Opening
from app.records.registry import named
from app.transaction import transaction
from tests.records import gate
from tests.records.gate import EVENT, FORM, act, customer, order, payment
from tests.records.pages import get, inline, post, read
from tests.records.stock import statements


@pytest.fixture
def path(app) -> str:
    """The page of an order."""
    act(customer("ada@acme.example", name="Ada Whitcombe"), order("ORD-1", customer="ada@acme.example"))
    act(order("ORD-2"))
    return f"/orders/{gate.row('orders', number='ORD-1')['id']}"


def write(client, path: str, text: str) -> int:
    """Write a note by the form on the page; its id."""
    form = get(client, path).form(f"{path}/notes")
    answer = post(client, f"{path}/notes", {**form, "text": text})
    assert answer.location == f"{path}#h-tl"
    return int(db.session.execute(select(Note.id).order_by(Note.id.desc())).scalars().first() or 0)


def removals(page) -> list[str]:
    return [action for action in page.forms if action.endswith("/remove")]


def kept() -> list[Note]:
    db.session.rollback()
    return list(db.session.scalars(select(Note).order_by(Note.id)))


def test_a_note_stands_in_the_timeline_with_its_author_and_its_lines(path, sign_in):
    client = sign_in("operator")
    write(client, path, "Called her: leave it\r\n<b>with</b> the neighbour, see https://example.com")
    act(Change("orders", {"city": "Leipzig"}, key={"number": "ORD-1"}), source=FORM)

    page = get(sign_in("viewer"), path)

    assert "Operator noted Called her: leave it <b>with</b> the neighbour" in page.text
    assert "Called her: leave it\n&lt;b&gt;with&lt;/b&gt;" in page.html, "its lines are kept, and it is no markup"
    assert "https://example.com" not in page.links(), "nothing in it is made a link"
    assert page.text.index("Leipzig") < page.text.index("Called her") < page.text.index("created it"), "by time"
    assert not inline(page.html)
    assert f"{path}/notes" not in page.forms, "who may only read writes none"


def test_a_note_pressed_twice_is_one(path, sign_in):
    client = sign_in("operator")
    first, second = write(client, path, "Once"), write(client, path, "Once")

    assert first == second
    assert write(client, path, "Twice") != first
    assert write(sign_in("manager"), path, "Twice") not in (first, second), "the same words of somebody else are another note"


@pytest.mark.parametrize(("text", "sentence"), [
    (" \n ", "There is nothing in it"), ("x" * 5001, "Shorten it to 5000"), ("a\x00b", "characters that cannot be kept")])
def test_a_note_that_cannot_be_kept_is_shown_again_with_a_sentence(path, sign_in, text, sentence):
    page = read(sign_in().post(f"{path}/notes", data={"text": text}), 422)

    assert sentence in page.text
    assert page.every("textarea", aria_invalid="true")
    if "\x00" not in text:
        assert page.form(f"{path}/notes")["text"] == text
    assert kept() == []


def test_a_note_of_five_thousand_characters_is_kept_to_the_last(path, sign_in):
    write(sign_in(), path, "\r\n".join(["x" * 99] * 50))

    assert kept()[0].text == "\n".join(["x" * 99] * 50)


def test_a_note_is_removed_by_whoever_wrote_it_and_by_admins_and_leaves_that_there_was_one(path, sign_in):
    client = sign_in("operator")
    note = write(client, path, "Card number 4242")
    remove = f"{path}/notes/{note}/remove"

    assert removals(get(sign_in("manager"), path)) == []
    assert sign_in("manager").post(remove).status_code == 403
    assert removals(get(client, path)) == [remove]
    post(client, remove, get(client, path).form(remove))

    page = get(client, path)
    assert "Operator removed a note" in page.text
    assert "4242" not in page.html
    assert kept()[0].text == "", "nothing of it is left anywhere"
    assert removals(page) == []
    other = write(client, path, "Another")
    assert sign_in("admin").post(f"{path}/notes/{other}/remove").status_code == 303
    assert "wrote a note" in get(sign_in(), "/trail").text
    assert "removed a note" in get(sign_in(), "/trail").text


def test_notes_are_as_far_as_the_record_they_stand_beside(path, sign_in):
    client, other = sign_in("operator", scopes={"orders": "number=ORD-2"}), gate.row("orders", number="ORD-2")["id"]
    note = write(sign_in("admin"), path, "Hidden")

    assert client.post(f"{path}/notes", data={"text": "x"}).status_code == 404
    assert client.post(f"{path}/notes/{note}/remove").status_code == 404
    assert client.post(f"{path}/opened").status_code == 404
    assert sign_in("viewer").post(f"{path}/notes", data={"text": "x"}).status_code == 403
    assert sign_in("admin").post(f"/orders/{other}/notes/{note}/remove").status_code == 404, "of another record"
    assert sign_in("admin").post(f"{path}/notes/99999999999999999999/remove").status_code == 404
    assert [one.text for one in kept()] == ["Hidden"]


def test_changes_and_notes_are_read_in_parts_each_of_them_once(path, sign_in):
    client, orders, id = sign_in(), named("orders"), int(path.rpartition("/")[2])
    for number in range(13):
        act(Change("orders", {"city": f"City {number}."}, key={"number": "ORD-1"}), source=FORM)
        for part in range(2):
            notes.add(orders, id, f"Note {number}{'ab'[part]}.", by=gate.ADA, request_id=None)

    texts, at = [], path
    while at:
        page = get(client, at)
        texts.append(page.text)
        at = next((link for link in page.links() if "before=" in link), "")

    assert len(texts) == 2
    for number in range(13):
        for words in (f"now City {number}.", f"Note {number}a.", f"Note {number}b."):
            assert sum(text.count(words) for text in texts) == 1, words
    assert "Note 12b." in texts[0]
    assert "created it" in texts[-1]
    assert f"{path}#h-tl" in page.links(), "back to the newest"
    assert get(client, f"{path}?before=nonsense").text == get(client, path).text


def rooms(name: str) -> int:
    """How many other rooms have something to say beside such a record."""
    return sum(resource in ("*", name) for resource, _ in panels._makers)


def test_a_record_costs_eight_statements_and_one_a_relation_however_much_stands_beside_it(path, sign_in):
    client, id = sign_in(), int(path.rpartition("/")[2])
    relations = 2 + rooms("orders")      # payments and deliveries refer to an order
    costs = []
    for number in (0, 1):
        get(client, path)
        with statements() as seen:
            get(client, path)
        costs.append(len(seen))
        act(*(Change("deliveries", {"tracking_number": f"T{number}{n}", "order": "ORD-1"}, only="create") for n in range(8)))
        for n in range(12):
            notes.add(named("orders"), id, f"Note {n}", by=gate.ADA, request_id=None)
            act(Change("orders", {"city": f"City {n}"}, key={"number": "ORD-1"}), source=FORM)

    assert costs[0] <= 8 + relations
    assert costs[1] <= 8 + relations


def test_a_record_a_provider_keeps_costs_no_more(path, live, sign_in):
    client = sign_in()
    act(payment("paid", 1, order={"number": "ORD-1"}), source=EVENT)
    act(payment("paid", 2, order={"number": "ORD-2"}), source=EVENT)
    page = f"/payments/{gate.row('payments')['id']}"
    get(client, page)

    with statements() as seen:
        text = get(client, page).text

    assert "Order ORD-1 → is now ORD-2" in text
    assert len(seen) <= 8 + 1 + rooms("payments"), "one more for the order it belonged to: that is a relation too"


# -- who has it open


def test_whoever_opened_it_is_told_to_others_and_not_to_themselves(path, sign_in):
    mine, theirs = sign_in("operator"), sign_in("manager")

    assert mine.post(f"{path}/opened").status_code == 204
    assert "Operator opened it just now" in get(theirs, path).text
    assert "opened it" not in get(mine, path).text
    assert mine.post(f"{path}/opened", data={"editing": "1"}).status_code == 204
    assert "Operator is editing it just now" in get(theirs, path).text
    assert "Operator is editing it" in get(theirs, f"{path}/edit").text
    assert mine.post(f"{path}/opened").status_code == 204
    assert "Operator opened it just now" in get(theirs, path).text, "and has gone back from the form"


def test_a_page_that_is_read_writes_nothing(path, sign_in):
    client = sign_in()
    get(client, path)
    get(client, f"{path}/edit")

    assert openings_kept() == []
    client.with_token = False
    assert client.post(f"{path}/opened").status_code == 400, "and its token is asked for"


def test_an_opening_is_written_once_a_minute(path, sign_in):
    client = sign_in("operator")
    for _ in range(3):
        client.post(f"{path}/opened")
    [first] = openings_kept()
    client.post(f"{path}/opened")
    [again] = openings_kept()
    assert again.at == first.at

    age(first, seconds=61)
    client.post(f"{path}/opened")
    assert openings_kept()[0].at > first.at


def test_an_opening_is_shown_for_a_quarter_of_an_hour_and_forgotten_in_the_night(path, sign_in, drain):
    client = sign_in("operator")
    client.post(f"{path}/opened")
    [opening] = openings_kept()
    age(opening, minutes=14)
    assert "Operator opened it 14 min ago" in get(sign_in("manager"), path).text
    age(opening, minutes=16)
    assert "opened it" not in get(sign_in("manager"), path).text

    for hours, left in ((23, 1), (25, 0)):
        age(opening, hours=hours)
        with transaction() as session:
            enqueue(session, "records.forget")
        drain()
        assert len(openings_kept()) == left


def openings_kept() -> list[Opening]:
    db.session.rollback()
    found = list(db.session.scalars(select(Opening)))
    db.session.expunge_all()
    return found


def age(opening: Opening, **ago: int) -> None:
    with transaction() as session:
        row = session.get(Opening, (opening.resource, opening.record_id, opening.user_id))
        assert row is not None
        row.at = datetime.now(UTC) - timedelta(**ago)
