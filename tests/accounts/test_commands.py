"""`flask user …` and `flask token …`."""
import json

import pytest
from click.testing import Result
from flask import Flask

from app.accounts import tokens, users
from tests.accounts.conftest import PASSWORD


@pytest.fixture
def run(app: Flask):
    """Run a command as on a terminal."""
    def go(*words: str, typed: str = "") -> Result:
        with app.app_context():
            return app.test_cli_runner().invoke(args=[*words], input=typed)
    return go


def test_adding_somebody_prints_a_link_that_sets_a_password(run, client):
    result = run("user", "add", "ada@example.com", "--role", "manager")
    assert result.exit_code == 0
    link = result.output.strip()
    assert link.startswith("http://127.0.0.1:8000/welcome/")
    assert client.get(link.removeprefix("http://127.0.0.1:8000")).status_code == 200


def test_a_password_can_come_from_standard_input_and_lets_in(run, client, enter):
    result = run("user", "add", "ada@example.com", "--role", "admin", "--password-stdin", typed=f"{PASSWORD}\n")
    assert (result.exit_code, result.output) == (0, "ada@example.com can sign in.\n")
    assert enter(client).status_code == 303


def test_a_weak_password_is_a_sentence_and_exit_code_1(run):
    result = run("user", "add", "ada@example.com", "--role", "admin", "--password-stdin", typed="short\n")
    assert result.exit_code == 1
    assert "Use at least 12 characters" in result.output
    assert users.everybody() == []


def test_an_address_that_has_an_account_is_a_sentence_and_exit_code_1(run, user):
    user("viewer")
    result = run("user", "add", "viewer@example.com", "--role", "admin")
    assert result.exit_code == 1
    assert "has an account already" in result.output


@pytest.mark.alike
@pytest.mark.parametrize("words", [("user", "add", "a@example.com"), ("user", "add", "a@example.com", "--role", "emperor"),
                                   ("user", "add"), ("token", "add", "a@example.com"), ("token", "add", "a@example.com", "--name", "n", "--days", "0")])
def test_wrong_usage_is_exit_code_2(run, words):
    assert run(*words).exit_code == 2


def test_answers_are_json_on_demand(run):
    added = json.loads(run("user", "add", "ada@example.com", "--role", "viewer", "--json").output)
    assert added["email"] == "ada@example.com"
    assert "/welcome/" in added["link"]
    [listed] = json.loads(run("user", "list", "--json").output)
    assert listed == {"id": added["id"], "email": "ada@example.com", "name": "ada", "role": "viewer", "active": True}
    assert run("user", "list").output == "ada@example.com\tviewer\ton\n"


def test_a_new_link_spends_the_old_one(run, client):
    first = run("user", "add", "ada@example.com", "--role", "viewer").output.strip()
    second = run("user", "link", "ada@example.com").output.strip()
    assert client.get(first.removeprefix("http://127.0.0.1:8000")).status_code == 404
    assert client.get(second.removeprefix("http://127.0.0.1:8000")).status_code == 200


def test_a_token_is_all_that_is_printed_and_it_lets_in(run, user):
    user("operator")
    result = run("token", "add", "operator@example.com", "--name", "warehouse", "--days", "30")
    assert result.exit_code == 0
    assert result.output == result.output.strip() + "\n"
    assert tokens.bearer(f"Bearer {result.output.strip()}").name == "warehouse (Operator)"


@pytest.mark.parametrize("words", [("token", "add", "nobody@example.com", "--name", "n"), ("user", "link", "nobody@example.com")])
def test_for_somebody_unknown_there_is_a_sentence_that_says_what_to_do(run, words):
    result = run(*words)
    assert result.exit_code == 1
    assert "flask --app app user add nobody@example.com" in result.output
