"""The sessions of the project; each installs what it needs."""

from __future__ import annotations

import shutil

import nox

nox.options.sessions = ["tests", "fast", "lint", "typing", "docs"]
nox.options.reuse_existing_virtualenvs = True
QUICK = (
    *("tests/unit", "tests/stories", "-m", "not simulation"),
    *("--stores", "memory", "--hypothesis-profile", "quick"),
)
# hundreds of processes that tests start import the library: they need not compile it each time
CACHED = {"PYTHONDONTWRITEBYTECODE": ""}
PROJECT = nox.project.load_toml("pyproject.toml")


def install(
    session: nox.Session, *groups: str, extras: str = "arrow,notebook,postgres,quality,webhooks"
) -> None:
    """Install the project with its extras, and the tools of its dependency groups."""
    tools = [tool for group in groups for tool in nox.project.dependency_groups(PROJECT, group)]
    session.install("-e", f".[{extras}]", *tools)


@nox.session
def quickstart(session: nox.Session) -> None:
    """Run the main example on a SQLite file."""
    session.install("-e", ".")
    session.run("python", "examples/quickstart.py")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, with every example and every code block of the documentation."""
    install(session, "tests")
    # four processes for two cores, since tests wait for databases; the tests of one file and the
    # code blocks of one page stay together, in order: the slow files come first, so that no process
    # is left with one at the end
    order = ("--dist", "loadfile", "--no-loadscope-reorder")
    session.run("pytest", "-n", "4", *order, *session.posargs, env=CACHED)


@nox.session
def quick(session: nox.Session) -> None:
    """Run the rules, the values and the stories on the memory store: in less than a minute."""
    install(session, "tests")
    # single tests are given out, since one file has most of the stories
    session.run("pytest", *QUICK, "-n", "2", "--dist", "worksteal", *session.posargs, env=CACHED)


@nox.session
def fast(session: nox.Session) -> None:
    """Run the tests that read and write JSON with the extra `fast` installed."""
    install(session, "tests", extras="arrow,fast,notebook,postgres,quality,webhooks")
    session.run("pytest", "tests/formats", "src/itagflow/jsontext", "-n", "2", *session.posargs)


@nox.session
def dask(session: nox.Session) -> None:
    """Read the partitions of a job on a local Dask cluster."""
    install(session, "tests", "dask")
    session.run("pytest", "tests/stories/test_dask.py", "docs/partitions.md", *session.posargs)


@nox.session
def tables(session: nox.Session) -> None:
    """Make tables of rows with pandas, polars, DuckDB and datasets."""
    install(session, "tests", "tables")
    paths = ("tests/stories/test_tables.py", "tests/interop/test_arrow.py", "docs/tables.md")
    session.run("pytest", *paths, *session.posargs)


@nox.session
@nox.parametrize("group", ["coefficients", "crowds"])
def oracles(session: nox.Session, group: str) -> None:
    """Compare agreement and aggregation with other libraries; ``-- --bench`` measures them, too."""
    # in environments of their own: they pull in much, also libraries under the GPL
    install(session, "tests", group)
    session.run("pytest", f"tests/oracles/test_{group}.py", "-q", "--stores", "memory")
    if "--bench" in session.posargs:
        session.run("python", "-m", "benchmarks.labels")


@nox.session
def interop(session: nox.Session) -> None:
    """Have the tools that people train with read the files that the library writes."""
    install(session, "tests", "interop", "tables")
    paths = ("tests/interop", "docs/formats-texts.md")
    session.run("pytest", *paths, "--stores", "memory", *session.posargs)


@nox.session
def label_studio(session: nox.Session) -> None:
    """Have Label Studio judge files that are for it: its library needs older versions of others."""
    install(session, "tests", "label_studio")
    session.run("pytest", "tests/interop/test_label_studio.py", "--stores", "memory")


@nox.session
def web(session: nox.Session) -> None:
    """Click through the web app of the examples in a headless Chromium."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        session.error("needs chromium and chromedriver: on Debian, chromium and chromium-driver")
    install(session, "tests", "web")
    session.run("pytest", "tests/webapp", *session.posargs)


@nox.session
def notebooks(session: nox.Session) -> None:
    """Have a kernel of Jupyter run the page about notebooks."""
    install(session, "tests", "notebooks", extras="notebook,postgres,quality,webhooks")
    session.run("pytest", "tests/notebooks", "docs/notebooks.md", *session.posargs)
    session.run("pytest", "tests/values/test_values.py", "-k", "plot_")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting and spelling."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types of the library, and of code that calls it, with mypy and pyright."""
    install(session, "typing", "tests")
    session.run("mypy")
    session.run("mypy", "tests/typing/callers.py")
    session.run("pyright")
    session.run("pytest", "tests/typing/test_types.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation in docs/_build/html, and check what is built; warnings are errors."""
    install(session, "docs", "tests")
    session.run("pytest", "tests/site", "--stores", "memory", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Print the tables of performance ratios; ``-- --long`` adds the largest jobs."""
    install(session, "bench", extras="fast,postgres,webhooks")
    is_long = "--long" in session.posargs
    for name in ("run", "volume", "manifest"):
        session.run("python", "-m", f"benchmarks.{name}", *session.posargs)
    # ten million tasks take a quarter of an hour and 8 GB of disk
    session.run("python", "-m", "benchmarks.million", *([] if is_long else ["200000"]))
    names = ("own_work", "anything", "calls", "imports", "appends", "following", "event_loop")
    for name in (*names, "deliveries"):
        session.run("python", "-m", f"benchmarks.{name}")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz a target for some seconds and keep new inputs in the corpus: ``-- manifest 600``."""
    install(session, "fuzz", extras="postgres,fast")
    session.run("python", "-m", "fuzz.run", *session.posargs)
    session.run("python", "-m", "fuzz.keep", *session.posargs[:1])
