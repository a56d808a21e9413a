"""A dead event as a case for whoever mends its provider: a redacted payload and a test that fails until it is read."""
import io
import json
import re
import zipfile
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app import audit
from app.audit import Actor
from app.errors import Conflict, NotFound
from app.transaction import transaction
from app.webhooks import live, redact, retry, story
from app.webhooks.models import Event
from app.webhooks.process import first_receipt

NOTE = """Event {id}, said to be {said!r}, as a case for the tests. Personal data, ids and secrets are replaced by
invented values.

{result}

1. Look through {fixture} yourself before you share it: a rule cannot know every kind of personal data.
2. Put both files where their paths say, below the folder of Backroom's code.
3. Run: .venv/bin/pytest --db sqlite {test}
4. Mend app/providers/{provider}.py until it passes, then press Retry on the dead events.
"""
TEST = '''"""A case made of an event that ended dead. {result}"""
from pathlib import Path

from tests.providers.dead import why_it_fails

HEADERS = {headers}
OPTIONS = {options}


def test_{case}_takes_effect(app):
    body = (Path(__file__).parent / "{folder}" / "{file}").read_bytes()

    assert why_it_fails("{provider}", body, HEADERS, OPTIONS) == ""
'''


@dataclass(frozen=True)
class Fixture:
    """The archive to download, and what it is called."""

    name: str
    content: bytes


def make(event_id: int, *, by: Actor) -> Fixture:
    """The files for one dead event, and a note of who made them. Raises NotFound, or Conflict when it is not dead."""
    with transaction() as session:
        event = session.get(Event, event_id)
        if event is None:
            raise NotFound(f"There is no event {event_id}.")
        if event.status != "dead":
            raise Conflict("Only an event that is dead makes a failing test.", title="This event is not dead")
        made = _make(session, event, by)
        audit.note(session, by, "webhooks.fixture", retry.TABLE, event_id)
    return made


def _make(session: Session, event: Event, by: Actor) -> Fixture:
    stored = first_receipt(session, [event.id]).get(event.id)
    if stored is None:
        raise Conflict("Its body is not kept any more.", title="There is nothing to make it of")
    receipt, content = stored
    endpoint = live.by_ids(session.connection(), [event.endpoint_id])[event.endpoint_id]
    body, headers = redact.redacted(content), redact.headers(receipt.headers)
    result = _result(story.planned(session, event, endpoint, receipt, body, by))
    case = f"{_word(event.said)}_{event.id}"
    file = f"{case}.json" if _is_json(content) else f"{case}.txt"
    paths = {"fixture": f"tests/providers/{endpoint.provider}/{file}",
             "test": f"tests/providers/test_{endpoint.provider}_{case}.py"}
    options = dict(endpoint.config.options)
    test = TEST.format(result=result, headers=_literal(headers), options=_literal(options), case=case, file=file,
                       folder=endpoint.provider, provider=endpoint.provider)
    note = NOTE.format(id=event.id, said=event.said, result=result, provider=endpoint.provider, **paths)
    return Fixture(f"{endpoint.provider}-{case}.zip", _zipped({"READ ME.txt": note, paths["fixture"]: body, paths["test"]: test}))


def _result(preview: story.Preview) -> str:
    if preview.problem is None:
        return "With the invented values it takes effect: what stopped it was in a value that was replaced, or is mended by now."
    said = f"{preview.problem.title}: {preview.problem.detail}".replace('"', "'").replace("\\", "/")
    return re.sub(r"\s+", " ", said)


def _word(said: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", said.lower()).strip("_")[:60] or "event"


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _literal(found: dict[str, str]) -> str:
    """A dict as code of ours, whatever stands in it."""
    return "{" + ", ".join(f"{ascii(name)}: {ascii(value)}" for name, value in sorted(found.items())) + "}"


def _zipped(files: dict[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()
