"""How often somebody may ask is counted for people and programs, never for the providers that post to us."""
import pytest
from flask_limiter import Limit
from flask_limiter.util import get_remote_address

from app.extensions import limiter


@pytest.fixture
def two_a_minute(app):
    """A limit on everything that has none of its own."""
    limiter.limit_manager.set_default_limits([Limit("2/minute", key_function=get_remote_address)])
    yield
    limiter.limit_manager.set_default_limits([])


def test_more_posts_than_a_limit_allows_are_never_told_to_come_later(two_a_minute, client):
    assert [client.get("/login").status_code for _ in range(3)] == [200, 200, 429]

    assert {client.post("/hooks/standard/nobody", data=b"{}").status_code for _ in range(5)} == {404}
