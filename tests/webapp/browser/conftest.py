"""The web app of the examples on a real port, and browsers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest
from examples.web.app import create_app
from examples.web.demo import prepare
from support.web_app import make_settings

from itagflow import Flow

webdriver = pytest.importorskip("selenium.webdriver")
uvicorn = pytest.importorskip("uvicorn")
from .screen import Screen  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (CHROMIUM and DRIVER):
    pytest.skip("needs chromium and chromedriver", allow_module_level=True)
PICTURES = os.environ.get("WEB_PICTURES")
"""The folder for the pictures of the documentation, where they are to be made again."""
SMALL = {"width": 390, "height": 844}


class Server:
    """The app as uvicorn serves it, on a port that is free."""

    def __init__(self, folder: Path, media: Path) -> None:
        self.app = create_app(make_settings(str(folder / "labels.db"), media), prepare)
        config = uvicorn.Config(self.app, port=0, log_level="warning", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(0.02)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    @property
    def flow(self) -> Flow:
        flow: Flow = self.app.state.flow
        return flow

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def server(tmp_path: Path, media: Path) -> Iterator[Server]:
    running = Server(tmp_path, media)
    yield running
    running.stop()


def start_browser(downloads: Path, size: dict[str, int] | None) -> object:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument("--window-size=1180,860")
    options.add_argument("--lang=en-US")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if size:
        metrics = {**size, "pixelRatio": 1, "touch": True, "mobile": True}
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


Browse = Callable[..., Screen]


@pytest.fixture
def browse(server: Server, tmp_path: Path) -> Iterator[Browse]:
    """Opens a browser in which somebody is signed in; each has cookies of its own."""
    with ExitStack() as stack:

        def open_for(account: str, *, is_small: bool = False) -> Screen:
            driver = start_browser(tmp_path, SMALL if is_small else None)
            stack.callback(driver.quit)  # type: ignore[attr-defined]
            screen = Screen(driver, server.url, Path(PICTURES) if PICTURES else None)
            screen.sign_in(account)
            return screen

        yield open_for
