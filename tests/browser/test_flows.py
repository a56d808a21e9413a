"""What people do all day, in a real Chromium before everything that `make run` starts."""
import csv
import json
import re
import threading
import time

import openpyxl
import pytest
import stripe
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, PEOPLE
from tests.wait import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SECRET = "whsec_of_the_browser_tests"


@pytest.fixture(scope="module")
def hook(backroom):
    """Where Stripe posts."""
    return backroom.command("endpoint", "add", "stripe", "--name", "Stripe of the browser", "--secret", SECRET, "--account", "browser").strip()


@pytest.fixture
def tell(backroom, hook):
    """Post an event about a payment as Stripe does, signed by its own library; returns the status of the answer."""
    def post(id, status, *, event, created=None, secret=SECRET, to=None):
        told = {"id": id, "object": "payment_intent", "status": status, "amount": 4200, "currency": "eur",
                "amount_received": 4200 if status == "succeeded" else 0, "payment_method_types": ["card"]}
        kind = {"succeeded": "payment_intent.succeeded", "requires_capture": "payment_intent.amount_capturable_updated"}[status]
        body = json.dumps({"id": event, "object": "event", "type": kind, "created": created or int(time.time()), "data": {"object": told}})
        signed = stripe.WebhookSignature.generate_signature_header(body, secret)
        return backroom.post(to or hook, body.encode(), {"Stripe-Signature": signed})
    return post


def open_order(page, place=0):
    """Go to an order by the list; returns its number."""
    page.goto("/orders?sort=-placed_at")
    link = page.locator("tbody th a").nth(place)
    number = link.inner_text()
    link.click()
    expect(page.get_by_role("heading", name=f"Order {number}")).to_be_visible()
    return number


@pytest.mark.alike
def test_a_wrong_password_is_said_kindly_and_a_right_one_leads_where_one_wanted_to_go(chromium, backroom):
    page = chromium.new_page(base_url=backroom.address)
    page.goto("/payments")
    page.get_by_label("E-mail").fill(PEOPLE["viewer"])
    page.get_by_label("Password").fill("not this one at all")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".alertbox")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Payments")).to_be_visible()
    page.close()


def test_an_order_is_found_and_edited_and_its_timeline_says_so(enter):
    page = enter("operator")
    number = open_order(page)
    page.goto("/orders")
    page.get_by_role("searchbox", name="Search orders by").fill(number)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=number, exact=True).click()
    page.get_by_role("link", name="Edit order").click()
    page.get_by_label("City").fill("Unterbergen")
    page.get_by_role("button", name="Save order").click()

    expect(page.get_by_role("status")).to_contain_text("is saved")
    newest = page.locator(".tl > li").first
    expect(newest).to_contain_text("operator")
    expect(newest).to_contain_text("Unterbergen")


@pytest.mark.alike
def test_two_who_edit_the_same_order_lose_nothing(enter):
    hers, his = enter("operator"), enter("manager")
    number = open_order(hers, place=1)
    his.goto(hers.url)
    for page in (hers, his):
        page.get_by_role("link", name="Edit order").click()
    hers.get_by_label("City").fill("Hers")
    hers.get_by_role("button", name="Save order").click()
    expect(hers.get_by_role("status")).to_contain_text("is saved")
    his.get_by_label("City").fill("His")
    his.get_by_role("button", name="Save order").click()

    expect(his.get_by_role("heading", name="changed while you were editing")).to_be_visible()
    expect(his.locator("main")).to_contain_text("Hers")
    expect(his.locator("main")).to_contain_text("His")
    hers.reload()
    expect(hers.get_by_role("heading", name=f"Order {number}")).to_be_visible()
    expect(hers.locator("main")).to_contain_text("Hers")


def test_a_signed_event_changes_a_payment_and_its_timeline_names_the_event(enter, tell):
    page, id = enter(), f"pi_seen_{time.time_ns()}"
    assert tell(id, "requires_capture", event=f"evt_a_{id}", created=int(time.time()) - 60) == 200
    payment = shown(page, id)
    expect(payment.locator("main").get_by_text("Authorised", exact=True).first).to_be_visible()
    assert tell(id, "succeeded", event=f"evt_b_{id}") == 200
    expect_by_reloading(payment, lambda: payment.locator("main").get_by_text("Paid", exact=True).count())

    newest = payment.locator(".tl > li").first
    expect(newest).to_contain_text("Paid")
    newest.get_by_role("link", name=re.compile("^Event")).click()
    expect(payment.get_by_role("heading", name="payment_intent.succeeded")).to_be_visible()


def test_an_event_sent_ten_times_at_once_has_one_effect(enter, tell):
    page, id = enter(), f"pi_ten_{time.time_ns()}"
    answers = []
    posts = [threading.Thread(target=lambda: answers.append(tell(id, "succeeded", event=f"evt_{id}"))) for _ in range(10)]
    for post in posts:
        post.start()
    for post in posts:
        post.join()

    assert answers == [200] * 10
    payment = shown(page, id)
    expect(payment.locator(".tl > li")).to_have_count(1)
    payment.locator(".tl").get_by_role("link", name=re.compile("^Event")).click()
    expect(payment.locator("dl.facts", has_text="Receipts")).to_contain_text("10, 9 of them repeats")


@pytest.mark.alike
def test_a_post_with_another_signature_is_turned_away(tell):
    assert tell("pi_forged", "succeeded", event="evt_forged", secret="whsec_guessed") == 400


@pytest.mark.alike
def test_a_dead_event_says_why_and_can_be_put_back(enter):
    page = enter("operator")
    page.goto("/webhooks?status=dead")
    page.locator("tbody a").first.click()
    expect(page.locator(".alertbox")).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("status")).to_be_visible()


def shown(page, id):
    """The page of the payment, once it is there."""
    page.goto(f"/payments?external_id={id}")
    link = page.locator("tbody").get_by_role("link", name=id, exact=True)
    expect_by_reloading(page, link.count)
    link.click()
    expect(page.get_by_role("heading", name=id)).to_be_visible()
    return page


def expect_by_reloading(page, condition):
    """Reload until the page shows it: what a worker does takes a moment."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, page.locator("main").inner_text()
        page.reload()


@pytest.mark.alike
@pytest.mark.parametrize("scripts", [True, False])
def test_a_sheet_with_two_bad_rows_is_imported_and_the_bad_rows_come_back(enter, downloaded, tmp_path, scripts):
    sheet = tmp_path / "contacts.csv"
    mark = f"n{time.time_ns()}"
    sheet.write_text("Customer email,Full name,Country,Birthday\n"
                     f"one.{mark}@example.com,One,DE,\ntwo.{mark}@example.com,Two,NL,\nno address,Three,DE,\n"
                     f"four.{mark}@example.com,Four,Germany,\n")
    page = enter("operator", java_script_enabled=scripts)
    page.goto("/customers")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("File", exact=True).set_input_files(sheet)
    page.get_by_role("button", name="Upload").click()

    expect(page.get_by_role("heading", name="Match columns with fields")).to_be_visible(timeout=60_000)
    expect(page.get_by_label("Field for column Customer email")).to_have_value("email")
    expect(page.get_by_label("Field for column Birthday")).to_have_value("")
    page.get_by_role("button", name="Preview 4 rows").click()

    expect(page.get_by_role("heading", name="Preview: nothing is written yet")).to_be_visible(timeout=60_000)
    expect(page.locator("main")).to_contain_text("This is not an e-mail address")
    expect(page.locator("main")).to_contain_text("This is not the code of a country")
    page.get_by_role("button", name="Import 2 rows").click()

    expect(page.get_by_role("heading", name="Imported: 2 records written")).to_be_visible(timeout=60_000)
    refused = downloaded(page, lambda: page.get_by_role("link", name="Refused rows as a file").click())
    rows = list(csv.reader(refused.read_text("utf-8-sig").splitlines()))
    assert rows[0][:4] == ["Customer email", "Full name", "Country", "Birthday"]
    assert [row[1] for row in rows[1:]] == ["Three", "Four"]
    assert all(row[-1] for row in rows[1:])
    page.goto(f"/customers?q={mark}")
    expect(page.locator("tbody tr")).to_have_count(2)


@pytest.mark.alike
@pytest.mark.parametrize("kind", ["CSV", "Excel (XLSX)"])
def test_a_filtered_list_is_exported_and_the_file_holds_just_that(enter, downloaded, kind):
    page = enter("manager")
    page.goto("/orders?status=delivered&sort=-placed_at")
    page.get_by_role("link", name="Export", exact=True).click()
    expect(page.locator(".chips")).to_contain_text("Delivered")
    page.get_by_text(kind, exact=True).click()
    page.get_by_role("button", name=re.compile("^Export [0-9]+ orders")).click()
    download = page.get_by_role("link", name=re.compile("^Download"))
    expect(download).to_be_visible(timeout=90_000)
    path = downloaded(page, download.click)

    rows = cells(path)
    status = rows[0].index("Status")
    assert len(rows) > 50
    assert {row[status].lower() for row in rows[1:]} == {"delivered"}


def cells(path):
    """The rows of a CSV or XLSX file, as text."""
    if path.suffix == ".csv":
        return list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    return [[str(cell) for cell in row] for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)]


@pytest.mark.alike
def test_who_may_only_read_is_offered_nothing_else_and_refused_the_rest(enter):
    page = enter("viewer")
    open_order(page)
    expect(page.get_by_role("link", name="Edit order")).to_have_count(0)
    answer = page.goto(page.url + "/edit")
    assert answer
    assert answer.status == 403
    expect(page.locator("main")).to_contain_text("orders.edit")


@pytest.mark.alike
def test_signing_out_ends_it(enter):
    page = enter("viewer")
    page.locator("summary:has(.me)").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/orders")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

@pytest.mark.alike
def test_an_endpoint_gets_its_secret_once_the_provider_has_the_address(chromium, backroom, tell):
    """Of an admin's pages: those signed in by `enter` may not see addresses."""
    backroom.command("user", "add", "owner@example.com", "--role", "admin", "--password-stdin", said=PASSWORD + "\n")
    page = chromium.new_page(base_url=backroom.address)
    page.goto("/webhooks/endpoints/new?provider=stripe")
    page.get_by_label("E-mail").fill("owner@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Name").fill("Stripe that comes later")
    page.get_by_role("button", name="Add endpoint").click()
    expect(page.get_by_role("heading", name="1. Copy this address to Stripe")).to_be_visible()
    expect(page.locator("h1 + .st")).to_have_text("Waiting for its secret")
    path = page.get_by_label("The address of this endpoint").input_value().removeprefix(backroom.address)
    assert tell("pi_later", "succeeded", event="evt_too_early", to=path) == 400

    page.get_by_label("Secret", exact=True).fill(SECRET)
    page.get_by_role("button", name="Save secret").click()
    expect(page.locator("h1 + .st")).to_have_text("Live")
    wait_for(lambda: tell("pi_later", "succeeded", event="evt_in_time", to=path) == 200)    # other processes know it within seconds
    page.get_by_role("link", name=re.compile("posts? in a day")).click()
    expect(page.get_by_role("table", name="Rejected receipts")).to_contain_text("No secret yet.")
    page.close()
