"""The rules of the house that no other tool checks: sizes, names, who may import, commit and write, and clean templates."""
import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from statistics import median

import grimp
import pytest

from app import commerce
from app.config import ROOT
from app.records import registry

CODE = sorted((ROOT / "app").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
LONGEST_FILE, LONGEST_FUNCTION, MEDIAN = 300, 50, 7
PAGES = ("views", "api")
WRITERS = {"app/records/write.py", "app/records/bulk.py", "app/records/search.py"}
FREE_OF_BUSINESS = ("records", "imports", "exports", "jobs", "files")
BUSINESS = re.compile(r"\b(customers?|products?|orders|payments?|subscriptions?|deliver(y|ies)|refund(s|ed)?|stripe|paypal|shopify)\b",
                      re.IGNORECASE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def calls(path: Path) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """The last word of what is called: `session.commit()` calls commit."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def imports(path: Path) -> set[str]:
    """Every module and name a file imports, in full."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(path: Path) -> str:
    return path.relative_to(ROOT / "app").parts[0]


def test_no_file_is_longer_than_a_person_reads_at_once():
    assert {name(path): lines for path in (*CODE, *TEMPLATES)
            if (lines := len(path.read_text().splitlines())) > LONGEST_FILE} == {}


def test_no_function_is_longer_than_a_screen():
    assert {f"{name(path)}:{node.name}": length(node) for path in CODE for node in functions(path)
            if length(node) > LONGEST_FUNCTION} == {}


def test_most_functions_are_a_few_lines():
    assert median(length(node) for path in CODE for node in functions(path)) <= MEDIAN


def test_every_file_says_in_its_first_line_what_it_is_for():
    assert [name(path) for path in CODE if path.read_text().strip() and not ast.get_docstring(tree(path))] == []


def test_every_function_has_types():
    def untyped(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        return node.returns is None or any(arg.annotation is None for arg in given if arg.arg not in ("self", "cls"))
    assert [f"{name(path)}:{node.lineno} {node.name}" for path in CODE for node in functions(path) if untyped(node)] == []


def test_imports_are_at_the_top_of_a_file():
    hidden = [f"{name(path)}:{inner.lineno}" for path in CODE for node in functions(path) for inner in ast.walk(node)
              if isinstance(inner, ast.Import | ast.ImportFrom)]
    assert hidden == []


def test_no_module_is_a_drawer_for_everything():
    assert [name(path) for path in CODE if path.stem in {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}] == []


def test_no_import_goes_round_in_a_circle():
    graph = grimp.build_graph("app", exclude_type_checking_imports=True)
    needs = {module: set(graph.find_modules_directly_imported_by(module)) - {"app"} for module in graph.modules if module != "app"}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_every_room_has_a_floor():
    layers = (ROOT / "pyproject.toml").read_text().split("layers = [", 1)[1].split("]", 1)[0]
    floors = set(re.findall(r"app\.(\w+)", layers))
    rooms = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}
    assert rooms - floors == set()


def test_only_the_application_itself_imports_pages():
    """A room may spread its pages over several files named *_views; nobody else reaches for them."""
    pages = {module for path in CODE for module in [".".join(path.relative_to(ROOT).with_suffix("").parts)]
             if path.stem in PAGES or path.stem.endswith("_views")}
    callers = {f"{name(path)} imports {module}" for path in CODE if path != ROOT / "app" / "__init__.py"
               for module in imports(path) & pages if room(path) != module.split(".")[1]}
    assert callers == set()


def test_nobody_imports_what_starts_everything():
    """`app` names the package: the file app.py beside it can be run, and never be reached by an import."""
    assert (ROOT / "app" / "__init__.py").exists()
    for path in (*CODE, *(ROOT / "tests").rglob("*.py")):
        assert not {module for module in imports(path) if module == "app.py"}


def test_only_transactions_commit():
    committing = {name(path) for path in CODE for call in calls(path) if called(call) == "commit"}
    assert committing <= {"app/transaction.py"}


def test_only_the_gate_writes_business_tables():
    """No insert, update, delete or add of a business model elsewhere; and the gate's writer is called by the gate alone."""
    for module in iter_modules(commerce.__path__):
        import_module(f"app.commerce.{module.name}")
    models = {resource.model.__name__ for resource in registry.resources()}
    models |= {resource.lines.model.__name__ for resource in registry.resources() if resource.lines}
    assert models >= {"Order", "OrderLine"}
    found = {f"{name(path)}:{call.lineno}" for path in CODE if name(path) not in WRITERS for call in calls(path)
             if called(call) in {"insert", "update", "delete", "add", "add_all", "merge"} and _names(call.args[:1]) & models}
    assert found == set()
    gate = {"records"}
    assert {name(path) for path in CODE if "app.records.write" in imports(path) and room(path) not in gate} == set()


def _names(nodes: list[ast.expr]) -> set[str]:
    return {inner.id for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Name)}


@pytest.mark.parametrize("where", FREE_OF_BUSINESS)
def test_the_engine_knows_no_business(where):
    """What a word of the code says, docstrings and comments aside: records, imports, exports and jobs serve any record type."""
    found = []
    for path in sorted((ROOT / "app" / where).rglob("*.py")):
        docs = {id(node.value) for node in ast.walk(tree(path)) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree(path)):
            if id(node) not in docs and (word := _word(node)) and BUSINESS.search(word.replace("_", " ")):
                found.append(f"{name(path)}:{getattr(node, 'lineno', 0)} {word[:60]}")
    assert found == []


def _word(node: ast.AST) -> str:
    match node:
        case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word) | ast.FunctionDef(name=word) | ast.ClassDef(name=word):
            return word
        case ast.Constant(value=str(word)):
            return word
    return ""


@pytest.mark.parametrize("where", ["commerce", "providers"])
def test_declarations_and_dialects_touch_neither_the_web_nor_the_database(where):
    forbidden = {"flask", "flask_wtf", "flask_login", "app.transaction", "app.extensions.db", "sqlalchemy.orm.Session"}
    assert {f"{name(path)} imports {module}" for path in (ROOT / "app" / where).glob("*.py")
            for module in imports(path) if module in forbidden or module.split(".")[0] == "flask"} == set()


def test_failures_are_not_swallowed():
    """An `except` that catches everything does something with it: it logs, keeps or raises again."""
    silent = [f"{name(path)}:{node.lineno}" for path in CODE for node in ast.walk(tree(path))
              if isinstance(node, ast.ExceptHandler) and _catches_all(node) and all(isinstance(s, ast.Pass | ast.Continue) for s in node.body)]
    assert silent == []


def _catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or getattr(handler.type, "id", "") in ("Exception", "BaseException")


@pytest.mark.parametrize(("pattern", "why"), [
    (r"\sstyle\s*=", "a style attribute: the content security policy forbids it, use a class"),
    (r"<style\b", "a style block: put it into static/app.css"),
    (r"<script\b(?![^>]*\bsrc=)", "an inline script: put it into static/js"),
    (r"\son[a-z]+\s*=\s*[\"']", "an event attribute: listen in static/js"),
    (r"javascript:", "a javascript: address"),
    (r"\|\s*safe\b", "text marked as safe: let the template escape it"),
    (r"(src|href)=[\"']https?://", "an address on another machine"),
])
def test_templates_hold_no(pattern, why):
    found = [f"{name(path)}: {match.group(0).strip()}" for path in TEMPLATES
             for match in re.finditer(pattern, re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL))]
    assert found == [], why


def test_no_committed_text_knows_this_machine():
    """Paths and addresses of whoever wrote it would be wrong everywhere else."""
    here = re.compile(r"/root/|/home/\w|/work/|(?<!your\.)pypi\.org/simple|index-url")
    texts = [path for folder in ("app", "tests", "docs", "templates", "static", "migrations", "benchmarks", "tools", ".ci")
             for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".md", ".html", ".js", ".css", ".ini", ".mako", ".json", ""}
             and path.is_file() and path.name not in ("test_house.py", "test_setup.py") and ".data" not in path.parts]
    texts += [path for path in ROOT.glob("*") if path.is_file() and path.suffix in {".md", ".toml", ".in", ".lock", ".py", ""}
              and path.name != ".git"]
    assert [name(path) for path in texts if here.search(path.read_text(errors="replace"))] == []
