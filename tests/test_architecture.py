"""What the program promises about itself: who knows whom, how large things get, what is written down."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from minisocial.picture import BOXES, caption
from minisocial.settings import Settings
from tests.readme import FOLDERS, MODULES, README, commands, written

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "minisocial"

FILES = sorted(PACKAGE.rglob("*.py"))
SOURCES = {path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8") for path in FILES}
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}

BOX_FOLDERS = list(dict.fromkeys(box.folder for box in BOXES if box.folder))
SHARED = {"clock", "errors", "ids", "settings", "trace", "waiting", "wsgi"}  # what everybody may know
MAY_KNOW: dict[str, set[str]] = {
    **dict.fromkeys(BOX_FOLDERS, SHARED),
    "social": {*SHARED, "background", "cache", "database"},
    "web": {*SHARED, "social"},
    "console": {*SHARED, "social", "picture", "diagram", "process"},
    **dict.fromkeys(SHARED, SHARED),
    "settings_file": SHARED,
    "process": SHARED,
    "upkeep": {*SHARED, "background", "database", "social", "process", "settings_file", ""},  # "": the version
    "doctor": {*SHARED, "background", "database", "upkeep", "process", "settings_file"},
    "picture": set(),
    "diagram": {"picture"},
}
KNOW_EVERYBODY = {"system", "torture", "switchboard", "cli", "seed", "benchmarks", "labs", "__init__", "__main__"}

MAX_LINES = 300  # of a file
MAX_FUNCTION = 50  # lines
FEW_LINES = 8
LISTS = {("system.py", "__init__")}  # the composition root: what is joined to what, from top to bottom
SAME_EVERYWHERE = {"start", "stop", "snapshot", "step", "routes"}


def place(name: str) -> str:
    """The folder or module of `minisocial` that a file belongs to."""
    return name.partition("/")[0].removesuffix(".py")


def imports(name: str) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, wherever it stands in the file."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: imports are written in full"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def functions(name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (n for n in ast.walk(TREES[name]) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)))


def calls(name: str) -> Iterator[tuple[int, str]]:
    """(line, "time.sleep") of every call by a plain name."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


# who knows whom


def test_everybody_knows_only_whom_the_import_law_allows() -> None:
    assert not list(unlawful_imports())


def unlawful_imports() -> Iterator[str]:
    for name in TREES:
        here = place(name)
        if here in KNOW_EVERYBODY:
            continue
        assert here in MAY_KNOW, f"{here} is new: say in MAY_KNOW whom it may know"
        allowed = {here, *MAY_KNOW[here]}
        for line, module in imports(name):
            package, _, rest = module.partition(".")
            is_state = here == "console" and module.endswith("Snapshot")  # the operator's page knows what boxes tell
            if package == "minisocial" and rest.partition(".")[0] not in allowed and not is_state:
                yield f"{name}:{line} imports {module}"


def test_only_its_own_folder_knows_a_web_framework_or_a_queue() -> None:
    """A library that is in one box only can be replaced in one box."""
    homes = {
        "bottle": {"web", "console"},
        "waitress": {"proxy"},
        "diskcache": {"cache"},
        "huey": {"background"},
        "smtplib": {"background"},
        "click": {"cli", "torture"},
    }
    for name in TREES:
        for line, module in imports(name):
            home = homes.get(module.split(".")[0])
            assert home is None or place(name) in home | {"benchmarks"}, f"{name}:{line} imports {module}"


def test_nobody_unpickles() -> None:
    for name in TREES:
        for line, module in imports(name):
            assert module.split(".")[0] not in ("pickle", "marshal", "shelve", "dill"), f"{name}:{line}"
        for line, function in calls(name):
            assert function not in ("eval", "exec", "__import__", "os.system"), f"{name}:{line}"


# boxes


@pytest.mark.parametrize("folder", BOX_FOLDERS)
def test_every_box_has_a_folder_a_caption_and_a_snapshot(folder: str) -> None:
    assert folder in FOLDERS
    assert (PACKAGE / folder / "__init__.py").is_file()
    methods = {
        method.name: method
        for name in TREES
        if place(name) == folder
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        for method in node.body
        if isinstance(method, ast.FunctionDef)
    }
    assert "snapshot" in methods, f"no class of {folder} has a snapshot()"
    for box in BOXES:
        assert not box.folder or box.shows, f"{box.name} shows no numbers"


def test_snapshots_are_frozen() -> None:
    for name in TREES:
        for node in ast.walk(TREES[name]):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Snapshot") and not is_protocol(node):
                decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
                assert any("frozen=True" in decorator for decorator in decorators), f"{name}: {node.name}"


def is_protocol(node: ast.ClassDef) -> bool:
    return any("Protocol" in ast.unparse(base) for base in node.bases)


# nothing is built at import


def test_no_route_is_made_at_import() -> None:
    for name in TREES:
        for function in (f for f in functions(name) if f.col_offset == 0):
            for decorator in map(ast.unparse, function.decorator_list):
                assert not re.match(r"(bottle|app)\.|(route|get|post|put|delete)\(", decorator), f"{name}: {decorator}"


def test_no_module_keeps_state() -> None:
    """What changes while the program runs belongs to an object of a system, so that two can run in one process."""
    live = re.compile(
        r"^(threading\.\w+|Lock|RLock|Event|Condition|deque|defaultdict|OrderedDict|Counter|list|dict|set|bottle\.\w+"
        r"|Bottle|sqlite3\.connect|random\.Random|Clock|Tracer|Settings|itertools\.count|WeakSet|lru_cache|cache)$"
    )
    for name, tree in TREES.items():
        for statement in tree.body:
            value = getattr(statement, "value", None)
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and isinstance(value, ast.Call):
                call = ast.unparse(value.func)
                has_content = bool(value.args or value.keywords)
                is_table = call in ("dict", "list", "set") and has_content
                assert is_table or not live.match(call), f"{name}:{statement.lineno}: {ast.unparse(statement)}"
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and isinstance(value, (ast.Dict, ast.List, ast.Set)):
                empty = not (value.keys if isinstance(value, ast.Dict) else value.elts)
                assert not empty, f"{name}:{statement.lineno}: an empty table waits to be filled"
        assert not [n for n in ast.walk(tree) if isinstance(n, ast.Global)], f"{name} has a global statement"


# how it waits and speaks


def test_nobody_sleeps() -> None:
    for name in TREES:
        for line, function in calls(name):
            assert function not in ("time.sleep", "sleep"), f"{name}:{line} sleeps; wait on an Event or a Condition"


def test_only_the_command_line_prints() -> None:
    for name in TREES:
        if place(name) not in ("cli", "benchmarks"):
            assert "print" not in [function for _, function in calls(name)], f"{name} prints"


def test_nothing_is_swallowed_by_a_bare_except() -> None:
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"{name}:{node.lineno}"


# how large it is


def test_no_file_is_longer_than_a_few_pages() -> None:
    long = {name: source.count("\n") for name, source in SOURCES.items() if source.count("\n") > MAX_LINES}
    assert not long, f"more than {MAX_LINES} lines: look for the seam in {long}"


def test_no_function_is_longer_than_a_page() -> None:
    long = [
        f"{name}:{function.lineno} {function.name} ({function.end_lineno - function.lineno + 1} lines)"
        for name in TREES
        for function in functions(name)
        if function.end_lineno and function.end_lineno - function.lineno >= MAX_FUNCTION
        if (name, function.name) not in LISTS
    ]
    assert not long, f"more than {MAX_FUNCTION} lines:\n" + "\n".join(long)


def test_most_functions_are_short() -> None:
    lengths = sorted(f.end_lineno - f.lineno + 1 for name in TREES for f in functions(name) if f.end_lineno)
    assert lengths[len(lengths) // 2] <= 10


# what is written down


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name, tree in TREES.items() if not ast.get_docstring(tree) and SOURCES[name].strip()]
    assert not silent


def test_every_public_class_says_what_it_is() -> None:
    """A class whose name and base say it all (an error, a protocol of one method) may be silent."""
    silent = [
        f"{name}: {node.name}"
        for name, tree in TREES.items()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and is_public(node.name) and not ast.get_docstring(node)
        if name != "errors.py" and len(node.body) > 3 and not has_comments(name, node)
    ]
    assert not silent, "\n".join(silent)


def test_every_public_function_says_what_it_does() -> None:
    """One of a few lines whose name and types say it all may be silent, and the life that all boxes share."""
    silent = [
        f"{name}:{function.lineno} {function.name}"
        for name, tree in TREES.items()
        for function in public_functions(tree)
        if not ast.get_docstring(function) and function.name not in SAME_EVERYWHERE
        if function.end_lineno and function.end_lineno - function.lineno > FEW_LINES
    ]
    assert not silent, "\n".join(silent)


def is_public(name: str) -> bool:
    return not name.startswith("_")


def has_comments(name: str, node: ast.ClassDef) -> bool:
    """Whether its fields are explained line by line."""
    lines = SOURCES[name].split("\n")[node.lineno : node.end_lineno]
    return any("  # " in line for line in lines)


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in tree.body:
        within = node.body if isinstance(node, ast.ClassDef) and is_public(node.name) else [node]
        yield from (f for f in within if isinstance(f, ast.FunctionDef) and is_public(f.name))


def test_every_setting_has_its_unit_and_its_reason() -> None:
    for setting in fields(Settings):
        assert setting.metadata.get("unit") and setting.metadata.get("reason"), setting.name


def test_the_readme_names_every_setting_and_every_command() -> None:
    text = README.read_text("utf-8")
    for setting in fields(Settings):
        assert f"`{setting.name}`" in text, f"{setting.name} is not in README.md"
    for command in commands():
        assert f"`{command}" in text, f"the command {command} is not in README.md"


def test_the_generated_parts_of_the_readme_are_up_to_date() -> None:
    text = README.read_text("utf-8")
    assert written(text) == text, "run: python3 -m tests.readme"


def test_the_readme_shows_every_folder_and_every_module() -> None:
    assert set(FOLDERS) == {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert set(MODULES) == {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}


def test_captions_are_one_sentence_that_fits_a_line() -> None:
    for name in (*FOLDERS, *MODULES):
        assert caption(name).endswith((".", "!")), f"{name} has no caption of one line: {caption(name)!r}"
        assert len(caption(name)) <= 104, name


def test_the_files_the_readme_names_are_there() -> None:
    for name in re.findall(r"`((?:[a-z_]+/)+[a-z_]*\.?[a-z]*)`", README.read_text("utf-8")):
        if name.startswith("data/"):
            continue  # made while it runs
        assert (ROOT / name).exists() or (PACKAGE / name).exists(), f"README.md names {name}"


# what is sent to a browser


def test_pages_load_nothing_from_another_host_and_have_no_inline_script_or_style() -> None:
    pages = [p for p in PACKAGE.rglob("*") if p.suffix in (".html", ".css", ".js", ".svg", ".tpl")]
    assert pages
    elsewhere = re.compile(
        r"""(src|srcset|action|data-\w+)=["']?(https?:)?//|url\(["']?(https?:)?//|@import|fetch\(["']http"""
    )
    inline = re.compile(r"""<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=["']|javascript:""", re.IGNORECASE)
    linked = re.compile(r"""<link[^>]*href=["']?(https?:)?//""")
    for path in pages:
        text = path.read_text("utf-8")
        for pattern in (elsewhere, linked, *([inline] if path.suffix != ".js" else [])):
            found = pattern.search(text)
            assert not found, f"{path.relative_to(ROOT)}: {found and found[0]!r}"


# the repository


def test_the_top_of_the_repository_is_as_agreed() -> None:
    seen = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    made_by_tools = {name for name in seen if name.endswith(".egg-info")} | {"build", "__pycache__"}
    assert seen - made_by_tools <= {"minisocial", "data", "run.py", "setup.py", "tests", "README.md"}


def test_every_test_folder_can_be_imported() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]
