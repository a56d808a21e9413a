"""How a person calls our command line from where this process runs: `make run` puts no `flask` on anybody's PATH."""
import os
import shlex
import shutil
import sys
from pathlib import Path


def line(words: str) -> str:
    """What to type for `flask --app app <words>`."""
    return f"{_flask(Path(sys.executable), Path.cwd(), shutil.which('flask'))} --app app {words}"


def _flask(python: Path, here: Path, on_path: str | None) -> str:
    """The `flask` of this very Python, as short as it can be said."""
    ours = python.with_name("flask")
    if not ours.exists():
        return f"{shlex.quote(str(python))} -m flask"
    if on_path is not None and os.path.samefile(on_path, ours):
        return "flask"
    return shlex.quote(str(ours.relative_to(here) if ours.is_relative_to(here) else ours))
