"""What an endpoint is set to: checked by name, kept where it differs from the default, told to the provider."""
import pytest

from app.audit import COMMAND_LINE
from app.errors import Invalid
from app.webhooks import endpoints, live
from app.webhooks.models import Endpoint
from tests.webhooks.conftest import only


@pytest.mark.parametrize(("name", "value", "sentence"), [
    ("tolerance", "0", "from 1 to"), ("tolerance", "soon", "whole number"), ("public_url", "ftp://x", "address"),
    ("public_url", "https://x y", "address"), ("public_url", "https://[", "address"), ("allow", "10.0.0.0/99", "no address or network"),
    ("max_bytes", "12", "from 1,024"), ("option_shop", "", "Fill this in"), ("option_mode", "c", "Choose one"),
    ("option_shop", "x" * 201, "200 characters"), ("option_shop", "a\x00b", "printed"),
])
def test_a_setting_that_will_not_do_is_said_by_its_name(odd, name, value, sentence):
    made = odd()

    with pytest.raises(Invalid) as caught:
        endpoints.configure(made.id, {"option_shop": "tea", name: value}, by=COMMAND_LINE)

    assert sentence in caught.value.errors[name]


def test_the_command_sets_them_and_needs_no_secret_where_the_provider_needs_none(app, odd):
    odd()

    result = app.test_cli_runner().invoke(args=["endpoint", "add", "odd", "--name", "Second", "--set", "option_shop=pot",
                                                "--set", "tolerance=9"])

    assert result.exit_code == 0, result.output
    told = live.by_token("odd", result.output.strip().rpartition("/")[2]).config
    assert (told.options["shop"], told.tolerance.total_seconds()) == ("pot", 9)


@pytest.mark.parametrize(("args", "code"), [(["--set", "option_shop"], 2), (["--set", "colour=red"], 1), (["--set", "tolerance=0"], 1)])
def test_a_setting_the_command_cannot_make_makes_nothing(app, odd, args, code):
    odd()

    result = app.test_cli_runner().invoke(args=["endpoint", "add", "odd", "--name", "Second", "--set", "option_shop=pot", *args])

    assert result.exit_code == code
    assert "Traceback" not in result.output
    assert only(Endpoint).name == "Odd"


def test_settings_reach_the_provider_and_what_is_empty_is_the_default(odd):
    made = odd(tolerance="60", public_url="https://tea.example/hooks", option_mode="b")
    told = live.by_token("odd", made.token).config
    assert (told.tolerance.total_seconds(), told.public_url, dict(told.options)) == (
        60, "https://tea.example/hooks", {"shop": "tea", "mode": "b"})

    endpoints.configure(made.id, {"option_shop": "pot"}, by=COMMAND_LINE)

    told = live.by_token("odd", made.token).config
    assert (told.tolerance.total_seconds(), dict(told.options)) == (300, {"shop": "pot", "mode": "a"})
    assert told.public_url.endswith(made.path)
