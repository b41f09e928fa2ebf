"""What the library shows of itself."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import itagflow
from itagflow import Flow, storage

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "src" / "itagflow").rglob("*.py"))
CORE = {"attr", "attrs", "cattr", "cattrs", "itagflow", "six", "transitions", "typing_extensions"}


def test_every_public_name_is_there_and_documented() -> None:
    assert itagflow.__all__ == sorted(itagflow.__all__)
    for name in itagflow.__all__:
        assert getattr(itagflow, name).__doc__, name


def test_the_version_is_that_of_the_package() -> None:
    assert itagflow.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        itagflow.nothing  # noqa: B018


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_everything_public_is_documented(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    if file.name != "py.typed":
        assert ast.get_docstring(tree), f"{file.name} has no docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
                    assert ast.get_docstring(item), f"{node.name}.{item.name}"
    for item in tree.body:
        # overloads are documented by the function that they lead to
        is_overload = isinstance(item, ast.FunctionDef) and "overload" in map(
            ast.unparse, item.decorator_list
        )
        if isinstance(item, ast.FunctionDef) and not item.name.startswith("_") and not is_overload:
            assert ast.get_docstring(item), item.name


NAMESPACES = {
    "assignments",
    "comments",
    "events",
    "jobs",
    "lots",
    "members",
    "packages",
    "quality",
    "results",
    "templates",
    "workspaces",
}
"""The nouns of a Flow; ``pins/public.txt`` has their verbs."""


def own_names(kind: type) -> set[str]:
    """The public names of a class, wherever they come from."""
    return {name for name in dir(kind) if not name.startswith("_")}


def test_a_flow_is_composed_and_inherits_nothing() -> None:
    assert Flow.__mro__ == (Flow, object)
    verbs = {name for name in own_names(Flow) if inspect.isfunction(vars(Flow)[name])}
    assert {"claim", "tasks", "save", "submit", "reject", "explain", "close"} <= verbs
    assert len(verbs) <= 30
    # the rest says what it stands on
    assert own_names(Flow) - verbs == {"policy", "store"}


def test_a_noun_is_an_attribute_of_a_flow_with_verbs_of_its_own() -> None:
    with itagflow.open("memory:") as flow:
        nouns = {name: noun for name, noun in vars(flow).items() if not name.startswith("_")}
        assert set(nouns) == NAMESPACES
        for name, noun in nouns.items():
            kind = type(noun)
            assert kind.__mro__ == (kind, object), name
            assert kind.__module__ == f"itagflow.api.{name}"
            assert own_names(kind), f"flow.{name} has no verb"
            assert all(inspect.isfunction(vars(kind)[verb]) for verb in own_names(kind)), name
            # all that it has is the engine
            assert vars(noun) == {"_engine": flow._engine}, name


@pytest.mark.parametrize("file", ["flow.py", *(f"api/{name}.py" for name in sorted(NAMESPACES))])
def test_a_public_verb_delegates(file: str) -> None:
    """It gives what it was given to one function, and its engine: nothing is decided on the way.

    Which function may follow from the class of what was parsed: a claim of one queue, or of any.
    """
    tree = ast.parse((ROOT / "src" / "itagflow" / file).read_text("utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    verbs = [
        node
        for kind in classes
        for node in kind.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
    assert verbs
    for verb in verbs:
        *before, asked = [node for node in verb.body if not is_docstring(node)]
        others = [node for node in before if is_choice_by_class(node)]
        before = [node for node in before if node not in others]
        # a value may become a member of its enum before
        assert all(isinstance(node, ast.Assign) for node in before), verb.name
        for call in (asked, *others):
            assert ast.unparse(call).count("self._engine") == 1, verb.name
        assert "self" not in "".join(map(ast.unparse, before)), verb.name
        given = {argument.arg for argument in (*verb.args.args, *verb.args.kwonlyargs)} - {"self"}
        used = {
            node.id
            for statement in (*before, asked)
            for node in ast.walk(statement)
            if isinstance(node, ast.Name)
        }
        assert given <= used, f"{verb.name} ignores {given - used}"


def is_choice_by_class(node: ast.stmt) -> bool:
    """Whether a statement returns what another function does, for values of a class."""
    if not isinstance(node, ast.If) or node.orelse or len(node.body) != 1:
        return False
    return ast.unparse(node.test).startswith("isinstance(") and isinstance(node.body[0], ast.Return)


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def test_importing_loads_nothing_beyond_the_core() -> None:
    code = (
        "import sys; before = set(sys.modules); import itagflow; print(*set(sys.modules) - before)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    loaded = {name.split(".")[0] for name in found}
    assert not {name for name in loaded - CORE if name not in sys.stdlib_module_names}
    assert not loaded & {"asyncio", "http", "unittest", "multiprocessing"}


LATER = (
    "csv",
    "importlib.resources",
    "cattrs",
    "itagflow.api.jobs",
    "itagflow.display",
    "itagflow.flow",
    "itagflow.opening",
    "itagflow.formats.brat",
    "itagflow.formats.coco",
    "itagflow.formats.conll",
    "itagflow.formats.csv",
    "itagflow.formats.cvat",
    "itagflow.formats.docbin",
    "itagflow.formats.hugging_face",
    "itagflow.formats.image_folder",
    "itagflow.formats.itag",
    "itagflow.formats.label_studio",
    "itagflow.formats.labelme",
    "itagflow.formats.rttm",
    "itagflow.formats.srt",
    "itagflow.formats.webdataset",
    "itagflow.formats.webvtt",
    "itagflow.formats.voc",
    "itagflow.formats.yolo",
    "itagflow.json",
    "itagflow.formats.jsonl",
    "itagflow.formats.parquet",
    "itagflow.formats.trl",
    "pyarrow",
    "itagflow.prelabels.sources",
    "itagflow.schema",
    "itagflow.storage._sql",
    "itagflow.storage.sqlite",
    "itagflow.templates",
    "itagflow.testing",
    "psycopg",
    "sqlite3",
    "uuid",
)
"""What is loaded when it is first used, by name: a program that asks for nothing of it does not wait for it."""
# ten of them: `model.deferred`, `.enums`, `.erasing`, `.export`, `.snapshot`, `.split`, `.plan`, `.lot`,
# `.rule_choices` and `.review_checks`
MOST = 57
"""How many modules of ours `import itagflow` loads at the most: its time is mostly theirs."""
MOST_WITH_FLOW = 278
"""And `itagflow.Flow`, with all services, and with what measures quality except for NumPy."""


def test_importing_loads_what_is_needed_and_makes_no_codec() -> None:
    code = "import sys, attrs; before = set(sys.modules); import itagflow; "
    code += "print(*sorted(set(sys.modules) - before)); "
    code += "from itagflow.storage import codec; print(len(codec._converters))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    loaded, made = found.splitlines()
    assert not set(LATER) & set(loaded.split())
    assert sum(name.partition(".")[0] == "itagflow" for name in loaded.split()) <= MOST
    assert made == "0"


def test_a_flow_loads_no_more_than_its_services() -> None:
    code = "import sys, itagflow; itagflow.Flow; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    later = set(LATER) - {"cattrs", "itagflow.api.jobs", "itagflow.flow", "itagflow.opening"}
    assert not later & set(loaded)
    assert sum(name.partition(".")[0] == "itagflow" for name in loaded) <= MOST_WITH_FLOW


VERBS = """
import io, sys
import itagflow
from itagflow import (
    Accept,
    Choice,
    FixedSize,
    Inspect,
    Label,
    PreLabel,
    Role,
    Stage,
    Workflow,
    maintenance,
)

def fail(event):
    raise ValueError("a listener fails")

with itagflow.open(sys.argv[1], listeners=[fail]) as flow:
    before = set(sys.modules)
    street = flow.workspaces.create("street", admin="ada")
    for account in ("ben", "di"):
        flow.members.add(street, account, Role.OPERATOR, by="ada")
    template = itagflow.templates.image_classification(["cat", "dog"])
    rows = [{"data": {"source": "1"}}, {"data": {"source": "2"}}]
    flow_of = Workflow(Label(), Inspect(), Accept())
    people = {Stage.LABEL: ["ben"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]}
    job = flow.jobs.create("street", "cats", template=template, data=rows, workflow=flow_of, workforce=people, by="ada",
                          draft=True)
    flow.jobs.prelabel(job, lambda tasks: [PreLabel({"1": Choice("cat")})] * len(tasks), by="ada")
    flow.jobs.publish(job, by="ada")
    assignment = flow.claim("ben", job, Stage.LABEL)
    for work in flow.tasks(assignment):
        flow.save(assignment, work, itagflow.schema.replies_from_json({"1": {"kind": "choice", "key": "dog"}}))
    flow.submit(assignment)
    flow.review(flow.claim("di", job, Stage.INSPECT))
    flow.accept(flow.claim("ada", job, Stage.ACCEPT))
    for name in ("itag", "itag_v1", "csv", "jsonl"):
        flow.results.export(job, name, file := io.BytesIO())
    flow.results.export(job, "csv", io.BytesIO(), escape_formulas=True)
    flow.results.export(job, "itag", sys.argv[2])
    flow.jobs.import_results("street", "again", template=template, data=sys.argv[2], by="ada")
    assert not list(maintenance.verify(flow, job))
    print(*sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize("url", ["memory:", "labels.db"])
def test_no_verb_imports_anything(url: str, tmp_path: Path) -> None:
    """An exception that strikes inside an import, or a fork there, would leave a module locked for ever."""
    where = url if url == "memory:" else str(tmp_path / url)
    command = [sys.executable, "-c", VERBS, where, str(tmp_path / "out.manifest")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr[-2000:] or done.stdout


def test_what_is_loaded_later_is_there_all_the_same() -> None:
    code = "import itagflow; print(itagflow.formats.find, itagflow.prelabels.from_fields, itagflow.templates.ocr, "
    code += "itagflow.storage.SqliteStore, itagflow.schema.answer_schema, "
    code += "*sorted(set(itagflow.__all__) - set(dir(itagflow))))"
    assert (
        "SqliteStore"
        in subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
    )
    everything: dict[str, object] = {}
    exec("from itagflow import *; from itagflow.storage import *", everything)
    assert {*itagflow.__all__, *storage.__all__} <= set(everything)


def test_the_storage_package_says_what_it_does_not_have() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        storage.nothing  # noqa: B018


def test_ci_runs_the_readmes_test_command_and_nothing_cleverer() -> None:
    commands = [line for line in (ROOT / "README.md").read_text().splitlines() if "nox -s" in line]
    assert len(commands) == 2
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    assert script[-1] == commands[1]
