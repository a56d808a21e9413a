"""schemathesis against the live API: no server error, and nothing that its description does not say. `make attack` installs it."""
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.audit import COMMAND_LINE
from app.config import ROOT
from app.records import rates
from app.records.filters import MOST
from app.transaction import transaction
from tests.conftest import SCALE
from tests.records.api_client import Program
from tests.records.stock import NAMES, index
from tests.records.test_api_over_http import serving
from tests.records.test_expand import stock

TOOL = os.environ.get("SCHEMATHESIS", "")
OPAQUE = ("after", "before")
"""Parameters nobody makes up: what stands in them comes from an answer."""


@pytest.mark.skipif(not TOOL, reason="`make attack` installs schemathesis and says where it is")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_the_api_does_what_its_description_says_whatever_it_is_sent(app, token, environ, tmp_path, role):
    stock(5)
    for name in NAMES:
        index(name)
    with transaction() as session:
        rates.RATE.set(session, 1_000_000, by=COMMAND_LINE)
    secret, description = token(role), tmp_path / "openapi.json"
    description.write_text(json.dumps(within_reach(Program(app, secret).get("/openapi.json").get_json())))
    with serving(environ, tmp_path / "log", 2) as address:
        ran = subprocess.run([
            TOOL, "--config-file", ROOT / "tests/records/schemathesis.toml", "run", description, "--url", address, "--header", f"Authorization: Bearer {secret}",
            "--checks", "all", "--phases", "coverage,fuzzing,stateful", "--max-examples", str(SCALE), "--max-time", str(15 * SCALE), "--seed", "1",
            "--continue-on-failure", "--no-color"], cwd=tmp_path, capture_output=True, text=True, timeout=3500, check=False)
    assert ran.returncode == 0, ran.stdout[-20_000:]
    assert "Traceback" not in Path(tmp_path / "log").read_text()


def within_reach(description: dict[str, Any]) -> dict[str, Any]:
    """The description without what no schema can say: that cursors come from answers, and how many filters fit in one request."""
    for item in description["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and "parameters" in operation:
                known = [one for one in operation["parameters"] if one.get("name") not in OPAQUE]
                operation["parameters"] = known[:MOST]
    return description
