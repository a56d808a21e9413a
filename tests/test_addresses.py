"""Addresses somebody typed or shortened: one slash too many leads on, other alphabets' digits lead nowhere."""
import pytest

from tests.records.gate import act, customer

pytestmark = pytest.mark.alike


@pytest.fixture
def client(app, sign_in):
    return sign_in()


@pytest.fixture
def number(app):
    """The id of a customer."""
    [outcome] = act(customer("ada@example.com"))
    return outcome.id


@pytest.mark.parametrize(("asked", "leads_to"), [
    ("/customers/{}/", "/customers/{}"), ("/customers/", "/customers"), ("/customers/{}/edit/", "/customers/{}/edit"),
    ("/customers/{}//", "/customers/{}"), ("/imports/", "/imports"),
    ("/customers/?sort=-id&name.contains=a%2Fb", "/customers?sort=-id&name.contains=a%2Fb"),
    ("/customers/{}/?_external=1&_scheme=javascript&id=9", "/customers/{}?_external=1&_scheme=javascript&id=9"),
])
def test_a_slash_too_many_leads_to_the_page_that_was_meant(client, number, asked, leads_to):
    answer = client.get(asked.format(number))
    while answer.status_code == 308 and answer.location.endswith("/"):   # doubled slashes are taken out first
        answer = client.get(answer.location)
    assert (answer.status_code, answer.location) == (308, leads_to.format(number))


@pytest.mark.parametrize("asked", ["/nothing/", "/customers/x/", "/customers/3/nothing/", "/example.com/", "/.example.com/", "/api/v1/customers/"])
def test_what_is_not_there_without_the_slash_is_not_there_with_it(client, asked):
    assert client.get(asked).status_code == 404 if "/api/" not in asked else client.get(asked).status_code in (401, 404)


def test_nothing_that_is_sent_is_sent_on(client, number):
    assert client.post(f"/customers/{number}/trash/").status_code in (404, 405)
    assert client.get(f"/customers/{number}").status_code == 200


@pytest.mark.parametrize("digits", ["\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19"])
def test_a_record_has_one_address_in_the_digits_0_to_9(client, number, digits):
    other = str(number).translate(str.maketrans("0123456789", digits))
    assert client.get(f"/customers/{number}").status_code == 200
    assert client.get(f"/customers/{other}").status_code == 404
    for written in (f"+{number}", f"{number}.0", f"{number}x"):
        assert client.get(f"/customers/{written}").status_code == 404
