"""A preview shows nobody more of a record than the record's own page would."""
from tests.records.gate import act, customer


def test_old_values_are_shown_only_to_whoever_may_read_them(app, previewed, sign_in):
    act(customer("ada@example.com", name="Ada", phone="+49 30 555 0001"))
    id = previewed("email,name,phone\nada@example.com,Ida,+49 30 555 0002\n")

    seeing, blind = (sign_in(role).get(f"/imports/{id}?rows=changed").text for role in ("manager", "operator"))

    assert "+49 30 555 0001" in seeing
    assert "+49 30 555 0001" not in blind
    assert ">Ada<" in blind


def test_of_records_out_of_sight_no_old_value_is_shown(app, previewed, sign_in):
    act(customer("ada@example.com", name="Ada", country="DE"))
    id = previewed("email,name\nada@example.com,Ida\n")

    page = sign_in("operator", email="narrow@example.com", scopes={"customers": "country=FR"}).get(f"/imports/{id}?rows=changed").text

    assert "Ida" in page
    assert ">Ada<" not in page
