"""Icons: one file for all pages, and what is not in it is drawn in the page."""
import re

import pytest

from app import ui
from app.config import ROOT

pytestmark = pytest.mark.alike


@pytest.fixture
def asked(app):
    with app.test_request_context("/"):
        yield


def test_an_icon_points_into_a_file_the_browser_keeps(asked, app):
    icon = str(ui.icon("truck", "xs"))
    address = re.fullmatch(r'<svg class="bi xs" aria-hidden="true"><use href="(/static/icons.svg[?]v=[0-9a-f]+)#truck"/></svg>', icon)
    assert address
    answer = app.test_client().get(address[1])
    assert answer.mimetype == "image/svg+xml"
    assert '<symbol id="truck" viewBox="0 0 16 16"><path' in answer.text
    assert "immutable" in answer.headers["Cache-Control"]


def test_one_that_is_not_in_it_is_drawn_in_the_page(asked):
    assert re.match(r'<svg class="bi" viewBox="0 0 16 16" aria-hidden="true"><path', str(ui.icon("airplane")))


def test_one_there_is_none_of_is_our_mistake(asked):
    with pytest.raises(KeyError):
        ui.icon("no-such-icon")


def test_the_file_has_every_icon_a_template_names():
    """Else `python tools/icons.py` has to be run: the page would weigh more."""
    sprite = (ROOT / ui.SPRITE).read_text()
    for path in (ROOT / "templates").rglob("*.html"):
        for name in re.findall(r'icon[(]"([a-z0-9-]+)"', path.read_text()):
            assert f'<symbol id="{name}"' in sprite, f"{name}, named in {path.name}"
