"""Lists in pages: every kind of paging, from a checkpoint on, and never without end."""
import json

import pytest

from app.integrations.errors import BadResponse
from app.integrations.paging import by_cursor, by_link, by_number, by_offset, by_token
from app.integrations.transport import Reply

THINGS = [{"id": f"t{number}"} for number in range(7)]


def reply(told, **headers):
    return Reply(200, headers, json.dumps(told).encode())


def cursor(params):
    begin = [each["id"] for each in THINGS].index(params["starting_after"]) + 1 if "starting_after" in params else 0
    return reply({"data": THINGS[begin:begin + 3], "has_more": begin + 3 < len(THINGS)})


def offset(params):
    return reply({"data": THINGS[params["offset"]:params["offset"] + params["limit"]]})


def numbered(params):
    begin = (params["page"] - 1) * params["page_size"]
    return reply({"data": THINGS[begin:begin + params["page_size"]], "pages": 3})


def token(params):
    begin = int(params.get("cursor", 0))
    return reply({"rows": THINGS[begin:begin + 3], "next": str(begin + 3) if begin + 3 < len(THINGS) else ""})


def link(url):
    begin = int(url.rpartition("=")[2] or 0) if "=" in url else 0
    more = {"link": f'<https://a.example/x?from={begin + 3}>; rel="next", <https://a.example/x>; rel="first"'}
    return reply(THINGS[begin:begin + 3], **(more if begin + 3 < len(THINGS) else {}))


WAYS = {
    "cursor": lambda start=None: by_cursor(cursor, start=start), "offset": lambda start=None: by_offset(offset, size=3, start=start),
    "number": lambda start=None: by_number(numbered, size=3, start=start),
    "number with a total": lambda start=None: by_number(numbered, size=3, total="pages", start=start),
    "token": lambda start=None: by_token(token, items="rows", token="next", param="cursor", start=start),
    "link": lambda start=None: by_link(link, "/x", start=start),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_thing_comes_once(way):
    assert [each for page in WAYS[way]() for each in page.items] == THINGS


@pytest.mark.parametrize("way", WAYS)
def test_it_goes_on_from_a_checkpoint(way):
    first = next(iter(WAYS[way]()))
    rest = [each for page in WAYS[way](first.after) for each in page.items]
    assert first.items + rest == THINGS


@pytest.mark.parametrize("more", [True, False])
def test_an_empty_list_is_one_empty_page(more):
    assert [page.items for page in by_cursor(lambda _: reply({"data": [], "has_more": more}))] == [[]]


def test_a_page_that_comes_again_is_no_loop():
    with pytest.raises(BadResponse, match="same page"):
        list(by_cursor(lambda _: reply({"data": THINGS[:3], "has_more": True})))
    with pytest.raises(BadResponse, match="same page"):
        list(by_link(lambda _: reply(THINGS[:1], link='</x>; rel="next"'), "/y"))


def test_a_list_without_end_ends():
    count = iter(range(10**9))
    with pytest.raises(BadResponse, match="does not end after 5 pages"):
        list(by_cursor(lambda _: reply({"data": [{"id": next(count)}], "has_more": True}), most=5))


@pytest.mark.parametrize("told", [None, 3, "text", [], {}, {"data": None}, {"data": {}}])
def test_what_is_no_list_is_said_so(told):
    with pytest.raises(BadResponse):
        list(by_cursor(lambda _: reply(told)))


@pytest.mark.parametrize("thing", [{}, {"id": None}, "text", None])
def test_things_without_an_id_have_no_cursor(thing):
    with pytest.raises(BadResponse):
        list(by_cursor(lambda _: reply({"data": [thing], "has_more": True})))


def _pages(*told):
    """A list whose pages come in this order, whatever is asked for."""
    rest = iter(told)
    return by_token(lambda _: reply(next(rest)), items="rows", token="next", param="cursor", start="a")


@pytest.mark.parametrize("told", [
    [{"rows": [1], "next": "b"}, {"rows": [1], "next": "c"}, {"rows": [1], "next": "d"}],       # the same under other tokens
    [{"rows": [1], "next": "b"}, {"rows": [2], "next": "c"}, {"rows": [3], "next": "b"}],       # others under the same token
    [{"rows": [1], "next": "a"}]], ids=["things", "token", "checkpoint"])                      # back to where it began
def test_a_list_that_goes_in_circles_is_noticed_at_once(told):
    with pytest.raises(BadResponse, match="same page"):
        list(_pages(*told, {"rows": [9], "next": ""}))


def test_a_page_that_is_empty_is_the_last_whatever_the_total_says():
    pages = list(by_number(lambda _: reply({"data": [], "pages": 9}), total="pages"))
    assert [page.after for page in pages] == [None]


def test_after_a_page_that_is_not_full_nobody_asks_for_another():
    asked = []

    def ask(params):
        asked.append(params)
        return offset(params)
    assert len(list(by_offset(ask, size=4))) == len(asked) == 2
