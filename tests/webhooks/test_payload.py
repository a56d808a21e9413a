"""Payloads as trees: everything is there, nothing is too much, no secret is shown."""
import json

from hypothesis import given
from hypothesis import strategies as st

from app.webhooks.payload import DEEPEST, LONGEST, MOST_KEYS, Node, raw, tree

ANYTHING = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
                        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4))


def shown(payload: object) -> list[Node]:
    found = tree(json.dumps(payload).encode())
    assert found is not None
    return found


def test_keys_keep_their_order_and_say_what_they_hold():
    nodes = shown({"b": 1, "a": "x", "n": None, "t": True, "l": [1, 2], "d": {"k": 1}})

    assert [(node.key, node.value, node.kind, node.note) for node in nodes] == [
        ("b", "1", "n", ""), ("a", '"x"', "", ""), ("n", "null", "0", ""), ("t", "true", "n", ""), ("l", "", "", "list of 2"),
        ("d", "", "", "1 key")]
    assert [child.key for child in nodes[4].children] == ["0", "1"]


def test_what_is_empty_is_one_line():
    assert [(node.value, node.children) for node in shown({"a": {}, "b": []})] == [("{}", []), ("[]", [])]


def test_secrets_are_left_out_at_every_depth():
    text = repr(shown({"client_secret": "cs_1", "a": [{"Password": "cs_1", "api_key": "cs_1", "card": {"cvc": "cs_1"}}], "iban": "cs_1"}))

    assert "cs_1" not in text
    assert text.count("left out") == 5


def test_a_long_text_is_cut_and_many_keys_are_counted():
    nodes = shown({"long": "x" * 5_000, **{f"k{place}": place for place in range(500)}})

    assert len(nodes[0].value) <= LONGEST + 1
    assert len(nodes) == MOST_KEYS + 1
    assert nodes[-1].note == "301 more"


def test_beyond_the_deepest_level_only_the_size_is_said():
    deep: object = 1
    for _ in range(DEEPEST + 5):
        deep = {"k": deep}

    nodes, depth = shown(deep), 0
    while nodes and nodes[0].children:
        nodes, depth = nodes[0].children, depth + 1
    assert depth == DEEPEST


def test_what_is_no_json_of_keys_has_no_tree():
    assert [tree(body) for body in (b"", b"x", b"7", b"null", b"\xff", b"[" * 100_000)] == [None] * 6
    assert raw(b"\xffabc") == "\ufffdabc"


@given(ANYTHING)
def test_any_json_makes_a_tree_that_can_be_written(payload):
    found = tree(json.dumps(payload).encode())

    assert (found is not None) == isinstance(payload, dict | list)
    repr(found).encode()
