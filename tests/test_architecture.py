"""The shape of the program, checked over its source; and every check seen red on a planted violation.

A check is a function from the package directory to a list of sentences, empty when all is well. A wrong bound
is changed here and in a decision record, never worked around.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "tocsin"

FUNCTION_LINES = 40
MODULE_LINES = 400
LONG_MODULES = (
    "domain/events.py",
    "store/migrations/",
    "sentinel.py",
)  # a list of facts, scripts that are never edited again, and one file that is copied to other machines

SENTINEL = "sentinel.py"  # runs alone where tocsin is not installed: it has no other's clock and settings
CLOCKS = ("engine/clock.py", SENTINEL)
ENVIRONMENTS = ("config/read.py", SENTINEL)

# The only four broad excepts: each isolates one unit of work and records what happened to it.
BROAD_EXCEPTS = {
    "engine/receive.py": "an intake parse: the raw bytes are kept",
    "engine/desk.py": "a desk job: the others of its batch go on",
    "engine/ticker.py": "a ticker stream: set aside, backed off, alarmed",
    "engine/courier.py": "a courier effect: its lane goes on",
}

# The domain does no I/O, asks no clock, draws no random number and writes no log.
IMPURE = {
    "asyncio",
    "concurrent",
    "ctypes",
    "ftplib",
    "glob",
    "http",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "select",
    "shelve",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "uuid",
    "warnings",
}
SQL_TIME = re.compile(
    r"(?<![\w.])now\(\)|\bcurrent_timestamp\b|\b(?:date|time|datetime|julianday|strftime|unixepoch)\([^)]*'now'",
    re.IGNORECASE,
)


# --- reading ---------------------------------------------------------------------------------------------


def modules(package: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(package.rglob("*.py")):
        yield path.relative_to(package).as_posix(), ast.parse(path.read_text(encoding="utf-8"), str(path))


def docstrings(tree: ast.AST) -> Iterator[ast.Expr]:
    """Strings that stand as statements: docstrings, and the ones under an assignment."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node


def code_lines(path: Path, tree: ast.Module) -> int:
    """Lines that hold code: no blanks, no comments, no docstrings."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    silent |= {tokenize.ENCODING, tokenize.ENDMARKER}
    lines: set[int] = set()
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in silent:
                lines.update(range(token.start[0], token.end[0] + 1))
    for node in docstrings(tree):
        lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def imported(node: ast.AST, module: str) -> list[str]:
    """Absolute names that an import statement binds from; `module` is the importing file within tocsin."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.level == 0:
            return [node.module or ""]
        package = ["tocsin", *Path(module).parts[:-1]]
        base = package[: len(package) - node.level + 1]
        return [".".join([*base, *filter(None, [node.module])])]
    return []


def bound_names(tree: ast.Module) -> dict[str, str]:
    """What the imports of a module call things: local name -> full name."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def full_name(node: ast.AST, names: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{full_name(node.value, names)}.{node.attr}"
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    return "?"


def uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name read and every name imported, in full."""
    names = bound_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield node.lineno, full_name(node, names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


# --- checks ----------------------------------------------------------------------------------------------


def short_functions(package: Path) -> list[str]:
    return [
        f"{name}:{node.lineno} {node.name} has {length} lines (at most {FUNCTION_LINES})"
        for name, tree in modules(package)
        if not name.startswith("store/migrations/")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]


def short_modules(package: Path) -> list[str]:
    return [
        f"{name} has {lines} lines of code (at most {MODULE_LINES})"
        for name, tree in modules(package)
        if not name.startswith(LONG_MODULES) and (lines := code_lines(package / name, tree)) > MODULE_LINES
    ]


def imports_at_the_top(package: Path) -> list[str]:
    return sorted(
        {
            f"{name}:{node.lineno} imports inside {scope.name}"
            for name, tree in modules(package)
            for scope in ast.walk(tree)
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(scope)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
    )


def pure_domain(package: Path) -> list[str]:
    found = []
    for name, tree in modules(package):
        if not name.startswith("domain/"):
            continue
        for node in ast.walk(tree):
            for target in imported(node, name):
                root = target.split(".")[0]
                own = target == "tocsin.domain" or target.startswith("tocsin.domain.")
                if not own and (root not in sys.stdlib_module_names or root in IMPURE):
                    found.append(f"{name}:{node.lineno} imports {target}")
    return found


def is_broad(node: ast.expr | None) -> bool:
    if node is None:
        return True
    if isinstance(node, ast.Tuple):
        return any(is_broad(element) for element in node.elts)
    return full_name(node, {}).removeprefix("builtins.") in {"Exception", "BaseException"}


def broad_excepts(package: Path) -> list[str]:
    found = []
    seen: set[str] = set()
    for name, tree in modules(package):
        for node in ast.walk(tree):
            catches = isinstance(node, ast.ExceptHandler) and is_broad(node.type)
            suppresses = (
                isinstance(node, ast.Call)
                and full_name(node.func, {}).split(".")[-1] == "suppress"
                and any(is_broad(argument) for argument in node.args)
            )
            if not (catches or suppresses):
                continue
            if name not in BROAD_EXCEPTS:
                found.append(f"{name}:{node.lineno} catches everything")
            elif name in seen:
                found.append(f"{name}:{node.lineno} catches everything a second time")
            seen.add(name)
    return found


def one_clock(package: Path) -> list[str]:
    """Python's clocks are read in one module, and SQL's in none: `:now` is always a bind parameter."""
    wall = {
        f"datetime.{kind}" for kind in ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")
    } | {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.clock_gettime"}  # fmt: skip
    found = []
    for name, tree in modules(package):
        if name not in CLOCKS:
            found += [f"{name}:{line} reads {used}" for line, used in uses(tree) if used in wall]
        silent = {id(node.value) for node in docstrings(tree)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if id(node) not in silent and SQL_TIME.search(text):
                found.append(f"{name}:{node.lineno} asks the database for the time: {text.strip()[:60]!r}")
            if isinstance(node, ast.Attribute) and full_name(node, {}).endswith(
                ("func.now", "func.current_timestamp")
            ):
                found.append(f"{name}:{node.lineno} asks the database for the time")
    return found


def one_reader_of_the_environment(package: Path) -> list[str]:
    variables = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv"}
    return [
        f"{name}:{line} uses {used}"
        for name, tree in modules(package)
        if name not in ENVIRONMENTS
        for line, used in uses(tree)
        if used in variables
    ]


def app_holds_routes_only(package: Path) -> list[str]:
    """`web/app.py`: a docstring, imports, tables of routes, and `create_app` with nothing defined inside."""
    path = package / "web" / "app.py"
    if not path.exists():
        return ["web/app.py is missing"]
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = {id(node) for node in docstrings(tree)}
    for node in tree.body:
        plain = (
            isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign) or id(node) in silent
        )
        if not plain and not (isinstance(node, ast.FunctionDef) and node.name == "create_app"):
            found.append(f"web/app.py:{node.lineno} holds more than routes: {type(node).__name__}")
        if isinstance(node, ast.FunctionDef):
            found += [
                f"web/app.py:{inner.lineno} defines something inside create_app"
                for inner in ast.walk(node)
                if inner is not node
                and isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            ]
    return found


def sentinel_stands_alone(package: Path) -> list[str]:
    """`sentinel.py` is copied to machines without tocsin: the standard library is all it may import."""
    return [
        f"{name}:{node.lineno} imports {target}"
        for name, tree in modules(package)
        if name == SENTINEL
        for node in ast.walk(tree)
        for target in imported(node, name)
        if target.split(".")[0] not in sys.stdlib_module_names
    ]


CHECKS = [
    short_functions,
    short_modules,
    imports_at_the_top,
    pure_domain,
    broad_excepts,
    one_clock,
    one_reader_of_the_environment,
    app_holds_routes_only,
    sentinel_stands_alone,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_program_keeps_its_bounds(check: Callable[[Path], list[str]]) -> None:
    assert check(PACKAGE) == []


# --- every check seen red --------------------------------------------------------------------------------

LONG_FUNCTION = "def long():\n" + "    x = 1\n" * FUNCTION_LINES
LONG_MODULE = "x = 1\n" * (MODULE_LINES + 1)
BROAD = "try:\n    pass\nexcept Exception:\n    pass\n"

PLANTS = [
    (short_functions, "engine/plant.py", LONG_FUNCTION),
    (short_functions, "engine/plant.py", LONG_FUNCTION.replace("def", "async def")),
    (short_modules, "engine/plant.py", LONG_MODULE),
    (imports_at_the_top, "engine/plant.py", "def f():\n    import json\n"),
    (
        imports_at_the_top,
        "engine/plant.py",
        "class A:\n    async def f(self):\n        from json import loads\n",
    ),
    (pure_domain, "domain/plant.py", "import msgspec\n"),
    (pure_domain, "domain/plant.py", "from tocsin.config import Settings\n"),
    (pure_domain, "domain/plant.py", "from ..store import codec\n"),
    (pure_domain, "domain/plant.py", "import logging\n"),
    (pure_domain, "domain/plant.py", "from random import random\n"),
    (broad_excepts, "channels/plant.py", BROAD),
    (broad_excepts, "channels/plant.py", BROAD.replace("Exception", "(ValueError, BaseException)")),
    (broad_excepts, "channels/plant.py", BROAD.replace(" Exception", "")),
    (
        broad_excepts,
        "channels/plant.py",
        "import contextlib\nwith contextlib.suppress(Exception):\n    pass\n",
    ),
    (broad_excepts, "engine/desk.py", BROAD + BROAD),
    (one_clock, "channels/plant.py", "from datetime import UTC, datetime\nx = datetime.now(UTC)\n"),
    (one_clock, "channels/plant.py", "import datetime as dt\nx = dt.datetime.now(dt.UTC)\n"),
    (one_clock, "channels/plant.py", "from datetime import date as day\nx = day.today()\n"),
    (one_clock, "channels/plant.py", "import time\nx = time.time()\n"),
    (one_clock, "channels/plant.py", "from time import time\n"),
    (one_clock, "store/plant.py", "SQL = 'UPDATE stream SET at = now() WHERE id = 1'\n"),
    (one_clock, "store/plant.py", "SQL = \"SELECT datetime('now')\"\n"),
    (one_clock, "store/plant.py", "SQL = 'SELECT CURRENT_TIMESTAMP'\n"),
    (one_clock, "store/plant.py", "from sqlalchemy import func\nx = func.now()\n"),
    (one_reader_of_the_environment, "cli/plant.py", "import os\nx = os.environ['A']\n"),
    (one_reader_of_the_environment, "cli/plant.py", "from os import getenv as read\nx = read('A')\n"),
    (app_holds_routes_only, "web/app.py", "def create_app():\n    pass\n\n\ndef helper():\n    pass\n"),
    (app_holds_routes_only, "web/app.py", "def create_app():\n    def page():\n        pass\n"),
    (app_holds_routes_only, "web/app.py", "class State:\n    pass\n"),
    (sentinel_stands_alone, "sentinel.py", "import httpx2\n"),
    (sentinel_stands_alone, "sentinel.py", "from tocsin.config import load\n"),
    (sentinel_stands_alone, "sentinel.py", "from . import config\n"),
]


@pytest.mark.parametrize(("check", "path", "text"), PLANTS)
def test_a_planted_violation_is_found(
    check: Callable[[Path], list[str]], path: str, text: str, tmp_path: Path
) -> None:
    plant = tmp_path / path
    plant.parent.mkdir(parents=True, exist_ok=True)
    plant.write_text(text)
    assert check(tmp_path)


def test_lines_without_code_do_not_count(tmp_path: Path) -> None:
    plant = tmp_path / "engine" / "plant.py"
    plant.parent.mkdir()
    plant.write_text('"""A docstring\nof two lines."""\n\n# a comment\nx = (\n    1\n)\n"""About x."""\n')
    assert code_lines(plant, ast.parse(plant.read_text())) == 3


def test_a_time_in_prose_is_no_sql(tmp_path: Path) -> None:
    plant = tmp_path / "store" / "plant.py"
    plant.parent.mkdir()
    plant.write_text('"""Never now() in SQL."""\nx = clock.now()\nSCRIPT = "Date.now()"\n')
    assert one_clock(tmp_path) == []


# --- import contracts ------------------------------------------------------------------------------------


def lint_imports(src: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of pyproject.toml over the package below `src`, wherever that is."""
    command = [
        Path(sys.executable).with_name("lint-imports"),
        "--no-logo",
        "--no-cache",
        "--config",
        ROOT / "pyproject.toml",
    ]
    environment = {"PYTHONPATH": str(src), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=src, env=environment, capture_output=True, text=True, check=False)


def test_the_import_contracts_are_kept() -> None:
    done = lint_imports(ROOT / "src")
    assert done.returncode == 0, done.stdout + done.stderr


LAYERS = "Layers:"
BREACHES = [
    (LAYERS, "web/plant.py", "import tocsin.cli\n"),
    (LAYERS, "wiring/plant.py", "import tocsin.web\n"),
    (LAYERS, "engine/plant.py", "import tocsin.wiring\n"),
    (LAYERS, "store/plant.py", "import tocsin.engine\n"),
    (LAYERS, "store/plant.py", "import tocsin.config\n"),
    (LAYERS, "channels/plant.py", "import tocsin.store\n"),
    (LAYERS, "domain/plant.py", "import tocsin.handbook\n"),
    (LAYERS, "sentinel.py", "import tocsin.domain\n"),
    (LAYERS, "domain/plant.py", "import tocsin.sentinel\n"),
    (LAYERS, "web/plant.py", "import tocsin.testing\n"),
    (LAYERS, "helpers.py", "x = 1\n"),
    ("The engine is handed", "engine/plant.py", "import tocsin.channels\n"),
    ("The engine is handed", "engine/plant.py", "import tocsin.handbook\n"),
    ("The domain knows no library", "domain/plant.py", "import msgspec\n"),
    ("No cycles inside the domain", "domain/events.py", "import tocsin.domain.fold\n"),
    ("The edge reaches", "web/plant.py", "import tocsin.channels\n"),
]


@pytest.mark.parametrize(("contract", "path", "line"), BREACHES)
def test_a_planted_import_breaks_its_contract(contract: str, path: str, line: str, tmp_path: Path) -> None:
    shutil.copytree(
        PACKAGE, tmp_path / "tocsin", ignore=shutil.ignore_patterns("__pycache__", "static", "templates")
    )
    plant = tmp_path / "tocsin" / path
    plant.write_text((plant.read_text() if plant.exists() else "") + "\n" + line)
    done = lint_imports(tmp_path)
    broken = [
        text for text in done.stdout.splitlines() if text.endswith("BROKEN") and text.startswith(contract)
    ]
    assert done.returncode == 1, done.stdout + done.stderr
    assert broken, done.stdout


def test_contracts_name_every_package_that_the_engine_and_the_edge_must_not_reach() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    named = {c["name"].split()[1]: set(c.get("forbidden_modules", ())) for c in contracts}
    there = {f"tocsin.{name}" for name in ("channels", "actions", "intake") if (PACKAGE / name).exists()}
    assert there | {"tocsin.handbook"} == named["engine"]
    assert there == named["edge"]


def test_every_contract_has_a_breach() -> None:
    names = re.findall(
        r'^name = "(.*)"', (ROOT / "pyproject.toml").read_text().split("[tool.importlinter]")[1], re.MULTILINE
    )
    assert all(any(name.startswith(start) for start, _, _ in BREACHES) for name in names)
