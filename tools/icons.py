"""Draw static/icons.svg anew: those of Bootstrap's icons the code and the templates name, in one file a browser keeps.

    python tools/icons.py

An icon that is not in it is drawn in the page itself, so nothing breaks until this is run again; it only weighs more.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app import ui  # noqa: E402

NO_ICONS = {"app", "at", "back", "columns", "command", "cursor", "database", "file", "files", "heart", "info", "line",
            "link", "memory", "meta", "paypal", "phone", "play", "record", "shop", "stop", "stripe", "table", "threads",
            "tree", "type", "x"}
"""Words of the code that happen to be names of icons as well."""


def main() -> None:
    known = ui.drawings()
    found = sorted(name for name in named() if name in known and name not in NO_ICONS)
    symbols = "\n".join(f'<symbol id="{name}" viewBox="{known[name][0]}">{known[name][1]}</symbol>' for name in found)
    (ROOT / ui.SPRITE).write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n')
    print(f"{ui.SPRITE} has {len(found)} icons.")  # noqa: T201


def named() -> set[str]:
    """Every word in quotes."""
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "app").rglob("*.py")]
    return {word for path in files for word in re.findall(r'"([a-z0-9-]+)"', path.read_text())}


if __name__ == "__main__":
    main()
