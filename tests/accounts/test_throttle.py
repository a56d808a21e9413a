"""Nobody guesses passwords by trying many: counted by account and by address, with Redis and without."""
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from limits import RateLimitItemPerMinute

from app import create_app
from app.accounts import throttle
from app.accounts.throttle import PER_ACCOUNT, PER_ADDRESS, Throttle
from app.errors import TooManyRequests
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.alike
LIMIT = RateLimitItemPerMinute(5, 1, "tests")


def try_often(times: int, email: str = "ada@example.com", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        throttle.count_try(email, address)


def test_after_ten_wrong_tries_the_right_password_has_to_wait_too(client, ada, enter):
    for _ in range(PER_ACCOUNT.amount):
        assert enter(client, password="wrong").status_code == 422
    answer = enter(client, password=PASSWORD)
    assert answer.status_code == 429
    assert "Too many tries" in answer.text
    assert client.get("/settings").status_code == 303


def test_the_last_tries_are_announced_alike_for_accounts_that_exist_and_those_that_do_not(client, ada, enter):
    for email in ("ada@example.com", "nobody@example.com"):
        said = [enter(client, email, "wrong").text for _ in range(PER_ACCOUNT.amount)]
        assert "pauses" not in said[PER_ACCOUNT.amount - 5]
        assert "After 3 more tries signing in pauses for 5 minutes." in said[PER_ACCOUNT.amount - 4]
        assert "After 1 more try signing in pauses" in said[PER_ACCOUNT.amount - 2]
        assert "Signing in now pauses" in said[PER_ACCOUNT.amount - 1]


def test_the_right_password_gives_all_tries_back(client, ada, enter):
    for _ in range(PER_ACCOUNT.amount - 1):
        enter(client, password="wrong")
    assert enter(client).status_code == 303
    other = client.application.test_client()
    for _ in range(PER_ACCOUNT.amount):
        assert enter(other, password="wrong").status_code == 422


def test_one_account_that_waits_keeps_no_other_out(client, ada, enter):
    try_often(PER_ACCOUNT.amount, "somebody@example.com")
    assert enter(client).status_code == 303


def test_an_address_that_tries_many_accounts_has_to_wait(app):
    for number in range(PER_ADDRESS.amount):
        throttle.count_try(f"{number}@example.com", "192.0.2.1")
    with pytest.raises(TooManyRequests) as caught:
        throttle.count_try("one-more@example.com", "192.0.2.1")
    again: object = caught.value.retry
    assert isinstance(again, datetime)
    assert timedelta(0) < again - datetime.now(UTC) <= timedelta(minutes=5)
    throttle.count_try("one-more@example.com", "192.0.2.2")


def test_signing_in_to_ones_own_account_buys_an_address_no_tries_for_others(app):
    for number in range(PER_ADDRESS.amount):
        throttle.count_try(f"{number}@example.com", "192.0.2.1")
        throttle.forget("mine@example.com")
    with pytest.raises(TooManyRequests):
        throttle.count_try("other@example.com", "192.0.2.1")


def test_many_tries_at_once_are_all_counted(app):
    found = throttle.throttle()

    def one(_: int) -> bool:
        return found.hit(LIMIT, "at-once")

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(64))) == LIMIT.amount


def test_tries_are_counted_for_all_processes_in_redis(settings, valkey):
    apps = [create_app(replace(settings, redis_url=valkey)) for _ in range(2)]
    there: list[Throttle] = [app.extensions["backroom.throttle"] for app in apps]
    assert [there[number % 2].hit(LIMIT, "shared") for number in range(6)] == [True] * 5 + [False]
    there[0].clear(LIMIT, "shared")
    assert there[1].hit(LIMIT, "shared")


def test_without_redis_tries_are_counted_by_the_process(settings, app, tmp_path):
    found: Throttle = create_app(replace(settings, redis_url=f"unix://{tmp_path}/nobody.sock")).extensions["backroom.throttle"]
    assert [found.hit(LIMIT, "alone") for _ in range(6)] == [True] * 5 + [False]
    assert found.away_until > 0, "Redis was asked first"
    assert found.left(LIMIT, "alone")[0] == 0
    found.clear(LIMIT, "alone")
    assert found.hit(LIMIT, "alone")


def test_guessing_the_old_password_on_the_settings_page_is_slowed_down_as_well(client, ada, enter):
    enter(client)
    page = client.get("/settings/password")
    values = {"csrf_token": page.text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0], "old": "wrong",
              "password": "a good long sentence", "repeat": "a good long sentence"}
    said = [client.post("/settings/password", data=values).text for _ in range(PER_ACCOUNT.amount + 1)]
    assert "This is not your password now." in said[0]
    assert "pauses for a few minutes" in said[-1]
