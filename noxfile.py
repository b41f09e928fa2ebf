"""The sessions of the project; each installs what it needs."""

from __future__ import annotations

import nox

nox.options.sessions = ["tests", "fast", "lint", "typing", "docs"]
nox.options.reuse_existing_virtualenvs = True
PROJECT = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, *groups: str, extras: str = "postgres") -> None:
    """Install the project itself with what it can use, and the tools of its dependency groups."""
    tools = [tool for group in groups for tool in nox.project.dependency_groups(PROJECT, group)]
    session.install("-e", f".[{extras}]", *tools)


@nox.session
def quickstart(session: nox.Session) -> None:
    """Run the main job on the embedded SQLite store."""
    session.install("-e", ".")
    session.run("python", "examples/quickstart.py")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, with every example and every code block of the documentation."""
    install(session, "tests")
    # in two processes; the blocks of one page, and the tests of one file, stay together and in order
    session.run("pytest", "-n", "2", "--dist", "loadfile", *session.posargs)


@nox.session
def fast(session: nox.Session) -> None:
    """Run the tests of everything that reads and writes JSON with the extra that does it faster."""
    install(session, "tests", extras="fast,postgres")
    where = (
        "tests/test_fast.py",
        "tests/formats",
        "tests/test_templates.py",
        "src/itagflow/jsontext",
    )
    session.run("pytest", *where, *session.posargs)


@nox.session
def dask(session: nox.Session) -> None:
    """Read the parts of a job on a Dask cluster of this machine."""
    install(session, "tests", "dask")
    session.run("pytest", "tests/test_dask.py", "docs/parts.md", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types, twice."""
    install(session, "typing")
    session.run("mypy")
    session.run("pyright")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; warnings are errors."""
    install(session, "docs")
    session.run("sphinx-build", "-n", "-W", "--keep-going", "-q", "docs", "docs/_build/html")


@nox.session
def bench(session: nox.Session) -> None:
    """Print the tables of performance ratios; ``-- --long`` adds a million packages and rows, and ten million tasks."""
    install(session, "bench", extras="fast,postgres")
    session.run("python", "benchmarks/run.py", *session.posargs)
    session.run("python", "benchmarks/volume.py", *session.posargs)
    session.run(
        "python", "benchmarks/million.py", *([] if "--long" in session.posargs else ["200000"])
    )
    session.run("python", "benchmarks/own_work.py")
    session.run("python", "benchmarks/calls.py")
    session.run("python", "benchmarks/imports.py")
    session.run("python", "benchmarks/appends.py")
    session.run("python", "benchmarks/manifest.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz one target for so many seconds, and keep what that found as seeds: ``-- manifest 600``."""
    install(session, "fuzz", extras="postgres,fast")
    session.run("python", "fuzz/run.py", *session.posargs)
    session.run("python", "fuzz/keep.py", *session.posargs[:1])
