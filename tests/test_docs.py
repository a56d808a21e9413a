"""The words about the product are true: commands, variables, targets, links and files they name are there."""
import re

import click
import pytest

from app.config import ROOT, load

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text()


def named(page):
    return page.relative_to(ROOT).as_posix()


def section(title):
    return README.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    assert [link for link in links if not link.startswith("https://") and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_files_it_names_are_there(page):
    paths = re.findall(r"`((?:app|docs|tests|templates|static|migrations|benchmarks|tools|deploy)/[\w./-]+)`", page.read_text())
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_make_targets_it_names_are_there(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    found = re.findall(r"(?:^|`|&& )(?:\w+=\w+ )?make ([a-z-]+)(?:`|\s+#|$| &&)", page.read_text(), flags=re.MULTILINE)
    assert set(found) - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_in_it_can_be_read(page):
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL):
        if "->" not in block.splitlines()[-1]:
            compile(block, named(page), "exec")


def test_the_two_commands_stand_at_the_top_of_the_readme():
    assert "make run" in README[:900]
    assert "make test" in README[:900]


@pytest.mark.parametrize("table", ["README.md", "docs/operating.md"])
def test_every_variable_that_is_read_is_listed_and_no_other(table):
    read = set(re.findall(r'"([A-Z][A-Z_]{3,})"', (ROOT / "app" / "config.py").read_text()))
    read |= {name for path in (ROOT / "app").rglob("*.py") for name in re.findall(r'os\.environ(?:\.get\(|\[)"([A-Z_]+)"', path.read_text())}
    read -= {"DEBUG", "INFO", "WARNING", "ERROR", "CI"}
    rows = re.split(r"^##+ Environment$", (ROOT / table).read_text(), flags=re.MULTILINE)[1].split("|---|---|---|")[1].split("\n#")[0]
    listed = {name for row in rows.splitlines() if row for name in re.findall(r"`([A-Z][A-Z_]{3,})`", row.split(" | ")[0])}
    assert listed == read


def test_what_the_readme_calls_the_default_is_the_default(tmp_path):
    defaults = load({"INSTANCE_DIR": str(tmp_path)})
    table = section("Environment")
    for value in (f"{defaults.host}, {defaults.port}", f"{defaults.web_workers}, {defaults.workers}", defaults.time_zone,
                  defaults.currency, defaults.log_level, f"{defaults.lease_seconds:.0f}, {defaults.sweep_seconds:.0f}"):
        assert f"| {value} |" in table


def test_the_readme_lists_every_command_and_no_other(made):
    ours = {name for name, command in made.cli.commands.items() if (command.callback or command).__module__.startswith("app.")
            or isinstance(command, click.Group)} - {"limiter"}
    listed = {words.split()[0] for words in re.findall(r"^\| `([a-z][^`]*)`", section("Commands"), flags=re.MULTILINE)}
    assert listed == ours


def test_the_readme_lists_every_command_of_our_groups(made):
    groups = {name: group for name, group in made.cli.commands.items() if isinstance(group, click.Group) and name not in ("db", "limiter")}
    listed = {tuple(words.split()[:2]) for words in re.findall(r"^\| `([a-z][^`]*)`", section("Commands"), flags=re.MULTILINE)}
    assert {(name, inner) for name, group in groups.items() for inner in group.commands} <= listed


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_in_it_can_be_typed_as_they_stand(page):
    assert re.findall(r"(?<!\.venv/bin/)\bflask --app", page.read_text()) == []


def test_every_option_the_readme_names_exists(made):
    for line in re.findall(r"^\| `([a-z][^`]*)` \| (.*) \|$", section("Commands"), flags=re.MULTILINE):
        words, about = line
        command = made.cli.commands[words.split()[0]]
        if isinstance(command, click.Group):
            command = command.commands[words.split()[1]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(?<![\w-])(--[a-z-]+)", f"{words} {about}")) - known == set(), words
