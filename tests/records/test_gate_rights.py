"""Rights are those the actor has now: to create, to edit, to see a field, to see a row."""
from app.audit import Actor, Door
from app.records.changes import Change, Source
from tests.records.gate import ADA, EVENT, FORM, UNDO, act, at, customer, kinds, order, payment, plans, row, rows, staff


def test_creating_and_editing_need_their_rights(app, database):
    assert kinds(act(customer("a@x.org"), source=staff("customers.create"))) == ["forbidden"]
    act(customer("a@x.org", phone="1"))
    [outcome] = act(customer("a@x.org", name="x"), source=staff("customers.edit"))
    assert (outcome.kind, outcome.errors) == (
        "forbidden", {"": "This needs the permission customers.edit, which the roles operator, manager and admin have. "
                             "A person with the role admin can give you another role."})
    assert kinds(act(customer("a@x.org", name="x"), source=Source(Door.API, Actor("token", "t", grants=("*.read",))))) == ["forbidden"]


def test_a_field_one_may_not_read_is_not_there(app, database):
    act(customer("a@x.org", phone="1"))
    for guess in ("1", "2"):
        [outcome] = act(customer("a@x.org", phone=guess), source=staff("customers.sensitive"))
        assert outcome.errors == {"phone": "Customers have no field “phone”. Leave it out or correct its name."}
    assert kinds(act(customer("a@x.org", name="y"), source=staff("customers.sensitive"))) == ["updated"]


def test_a_row_out_of_ones_sight_cannot_be_changed_or_referred_to(app, database):
    act(order("1", channel="shop"), order("2", channel="phone"), customer("a@x.org", country="DE"), customer("b@x.org", country="FR"))
    source = staff(orders="channel=phone", customers="country=DE")
    [one, two] = rows("orders")
    outcomes = act(Change("orders", {"note": "x"}, key={"id": one["id"]}), Change("orders", {"note": "x"}, key={"id": two["id"]}),
                   order("1", note="x"), order("2", customer="a@x.org"), order("2", customer="b@x.org"),
                   order("2", customer_id=row("customers", email="b@x.org")["id"]), source=source)
    assert kinds(outcomes) == ["missing", "updated", "forbidden", "updated", "invalid", "invalid"]


def test_a_row_may_not_be_moved_or_made_out_of_ones_sight(app, database):
    act(order("1", channel="phone"))
    source = staff(orders="channel=phone")
    changes = [order("1", channel="shop"), order("2", channel="shop"), order("3", channel="phone")]
    assert kinds(plans(*changes, source=source)) == kinds(act(*changes, source=source)) == ["forbidden", "forbidden", "created"]
    assert [found["number"] for found in rows("orders")] == ["1", "3"]


def test_who_may_read_nothing_sees_no_record(app, database):
    act(customer("a@x.org"))
    assert kinds(act(customer("a@x.org", name="x"), source=staff("customers.read"))) == ["forbidden"]


def test_letting_go_of_a_provider_needs_a_right(app, database):
    act(payment("paid", 1), source=EVENT)
    detach = Change("payments", {"account": ""}, key={"external_id": "pi_1"})
    assert kinds(act(detach, source=staff("payments.detach"))) == ["forbidden"]
    assert kinds(act(detach, source=FORM)) == ["updated"]


def test_owned_fields_are_open_while_nobody_reports_for_the_account(app, database, live):
    act(payment("paid", 1), source=EVENT)
    edit = Change("payments", {"method": "cash"}, key={"external_id": "pi_1"})
    assert kinds(act(edit, source=FORM)) == ["invalid"]
    live.remove("stripe")
    assert kinds(act(edit, source=FORM)) == ["updated"]


def test_undo_goes_against_transitions_but_not_against_versions_ownership_or_rights(app, database, live):
    [made] = act(order("1", status="placed"))
    act(Change("orders", {"status": "shipped"}, key={"id": made.id}))
    back = Change("orders", {"status": "placed"}, key={"id": made.id}, version=2)
    assert kinds(act(back, source=FORM)) == ["invalid"]
    assert kinds(act(back._replace(version=1), source=UNDO)) == ["conflict"]
    assert kinds(act(back, source=Source(Door.UNDO, staff("orders.edit").actor))) == ["forbidden"]
    assert kinds(act(back, source=UNDO)) == ["updated"]
    act(payment("paid", 1), source=EVENT)
    assert kinds(act(Change("payments", {"status": "pending"}, key={"external_id": "pi_1"}), source=UNDO)) == ["invalid"]


def test_a_provider_needs_no_rights_to_say_what_is(app, database):
    act(customer("a@x.org", phone="1"), source=EVENT)
    assert kinds(act(Change("customers", {"trashed_at": at(2), "phone": "2"}, key={"email": "a@x.org"}), source=EVENT)) == ["updated"]
    assert ADA.may("anything.at_all")
