"""Texts that would be scripts, and pages of other sites, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from itagflow import FixedSize, Stage, templates
from itagflow.templates import Option, Question, Template, View

from .conftest import Browse, Server

SCRIPT = "<img src=x onerror='window.broken = 1'><script>window.broken = 1</script>{{7*7}}"


def test_no_text_becomes_a_script(server: Server, browse: Browse) -> None:
    template = Template(
        questions=(Question("1", "RADIO", SCRIPT, (Option("a", SCRIPT), Option("b"))),),
        views=(View("Text", "source", title=SCRIPT), View("Image", "picture")),
    )
    server.flow.jobs.create(
        "demo",
        "hostile",
        template=template,
        data=[{"data": {"source": SCRIPT, "picture": "javascript:window.broken = 1"}}],
        guideline=SCRIPT,
        workforce={Stage.LABEL: ["ben"]},
        by="ada",
    )
    ben = browse("ben")
    ben.open("label")
    ben.shows(SCRIPT)
    ben.grab("label", "hostile")
    ben.shows(SCRIPT)
    ben.click("#comment")
    ben.dialog(SCRIPT)
    ben.wait(lambda: SCRIPT in ben.text(".thread"))
    assert ben.run("return window.broken") is None
    # and the browser would not run one either
    inserted = "document.body.append(Object.assign(document.createElement('script'), {text: 'window.broken = 1'}))"
    ben.run(inserted)
    assert ben.run("return window.broken") is None


def test_a_marked_text_is_no_script(server: Server, browse: Browse) -> None:
    server.flow.jobs.create(
        "demo",
        "hostile-spans",
        template=templates.entity_recognition(["x"]),
        data=[{"data": {"source": SCRIPT}}],
        packaging=FixedSize(1),
        workforce={Stage.LABEL: ["ben"]},
        by="ada",
    )
    ben = browse("ben")
    ben.grab("label", "hostile-spans")
    ben.wait(lambda: ben.text(".marked") == SCRIPT)
    assert ben.run("return window.broken") is None


@contextmanager
def another_site(page: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as site:
        thread = Thread(target=site.serve_forever)
        thread.start()
        try:
            # another name for this machine is another site for the browser
            yield f"http://localhost:{site.server_port}/"
        finally:
            site.shutdown()
            thread.join()


PAGE = """
<title>evil</title>
<form method=post enctype=text/plain action="{url}/api/jobs/{job}/claim/label"><input name=x></form>
<iframe src="{url}/"></iframe>
<script>
  fetch("{url}/api/jobs/{job}/claim/label", {{method: "POST", credentials: "include"}})
    .catch(() => fetch("{url}/api/work/label", {{credentials: "include"}}))
    .then(() => {{ document.title = "read it"; }}, () => {{ document.title = "refused"; }});
</script>
"""


def test_a_page_of_another_site_cannot_act_for_who_is_signed_in(
    server: Server, browse: Browse
) -> None:
    ben = browse("ben")
    job = server.flow.jobs.get("Shapes")
    with another_site(PAGE.format(url=server.url, job=job.id)) as site:
        ben.driver.get(site)
        ben.wait(lambda: ben.driver.title in ("read it", "refused"))
        assert ben.driver.title == "refused"
        ben.run("document.querySelector('form').submit()")
        ben.wait(lambda: ben.driver.current_url.startswith(server.url))
        ben.shows("sent by a page of another site")
    assert list(server.flow.assignments.list("ben")) == []


def test_a_browser_that_signed_out_is_given_nothing(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    assert ben.fetch("GET", "/media/shape-0.png") == 200
    assert ben.fetch("GET", "/media/..%2flabels.db") == 404
    assert ben.fetch("POST", "/api/jobs/1/claim/label") == 403
    ben.grab("label", "Shapes")
    address = ben.driver.current_url
    ben.click("#sign-out")
    ben.find("#sign-in")
    assert ben.fetch("GET", "/media/shape-0.png") == 401
    ben.driver.get(address)
    ben.find("#sign-in")
    ben.type("#account", "cy")
    ben.type("#password", "demo")
    ben.click("#sign-in")
    ben.wait(lambda: ben.has("#notice .bad"))  # it is the work of ben
    assert not ben.has(".steps")
