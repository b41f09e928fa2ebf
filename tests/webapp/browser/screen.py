"""What somebody does in a browser: clicks, types, drags."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

T = TypeVar("T")
SECONDS = 30
"""How long something may take on a busy machine before it is given up."""


class Screen:
    """One browser with the app in it."""

    def __init__(self, driver: Any, url: str, pictures: Path | None) -> None:
        self.driver, self.url, self.pictures = driver, url, pictures

    def wait(self, look: Callable[[], T]) -> T:
        """Wait until there is what *look* looks for."""
        ignored = [StaleElementReferenceException, ElementClickInterceptedException]
        waiting = WebDriverWait(self.driver, SECONDS, 0.05, ignored_exceptions=ignored)
        try:
            return waiting.until(lambda _: look())
        except TimeoutException:
            shown = self.driver.find_element(By.TAG_NAME, "body").text
            raise AssertionError(
                f"not there after {SECONDS} seconds; the page says: {shown}"
            ) from None

    def find(self, css: str) -> Any:
        """Return the first element, once there is one."""
        return self.wait(lambda: next(iter(self.driver.find_elements(By.CSS_SELECTOR, css)), None))

    def has(self, css: str) -> bool:
        return bool(self.driver.find_elements(By.CSS_SELECTOR, css))

    def click(self, css: str) -> None:
        # the page may draw itself again between finding and clicking
        self.wait(lambda: self._click_at(self.find(css)))

    def _click_at(self, node: Any) -> bool:
        # on a phone the buttons of a task lie over the end of the page: whoever uses it scrolls
        self.run("arguments[0].scrollIntoView({block: 'center'})", node)
        node.click()
        return True

    def type(self, css: str, text: str) -> None:
        def write() -> bool:
            node = self.find(css)
            node.send_keys(Keys.CONTROL, "a")
            node.send_keys(text)
            return True

        self.wait(write)

    def text(self, css: str) -> str:
        """Return the text of the first element, also while the page draws itself again."""
        return str(self.wait(lambda: (self.find(css).text,))[0])

    def count(self, css: str, number: int) -> None:
        """Wait until there are so many."""
        self.wait(lambda: len(self.driver.find_elements(By.CSS_SELECTOR, css)) == number)

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def press_save(self) -> None:
        held = ActionChains(self.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER)
        held.key_up(Keys.CONTROL).perform()

    def choose(self, css: str, text: str) -> None:
        Select(self.find(css)).select_by_visible_text(text)

    def shows(self, text: str) -> None:
        """Wait until the page says this."""
        self.wait(lambda: text in self.text("body"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def drag(self, css: str, *places: tuple[float, float], is_touch: bool = False) -> None:
        """Draw on a surface, from place to place, each as shares of its width and height."""
        surface = self.find(css)
        self.run("arguments[0].scrollIntoView({block: 'center'})", surface)
        box = self.run("return arguments[0].getBoundingClientRect().toJSON()", surface)
        kind = "touch" if is_touch else "mouse"
        actions = ActionChains(self.driver, duration=20)
        actions.w3c_actions.pointer_inputs[0].parameters = {"pointerType": kind}
        pointer = actions.w3c_actions.pointer_action
        for index, (across, down) in enumerate(places):
            x, y = box["left"] + across * box["width"], box["top"] + down * box["height"]
            pointer.move_to_location(int(x), int(y))
            if index == 0:
                pointer.pointer_down()
        pointer.pointer_up()
        actions.perform()

    def tap(self, css: str, place: tuple[float, float]) -> None:
        self.drag(css, place)

    def sign_in(self, account: str) -> None:
        self.driver.get(self.url)
        self.type("#account", account)
        self.type("#password", "demo")
        self.click("#sign-in")
        self.find("#sign-out")

    def open(self, page: str) -> None:
        self.click(f"#page-{page}")
        self.find(f"#page-{page}.on")

    def grab(self, stage: str, job: str) -> None:
        self.open(stage)
        self.click(f'[data-job="{job}"] .grab')
        self.find(".steps")

    def save(self) -> None:
        """Save, and wait until the task after it is shown, or the last one as saved."""
        before = self.text(".steps .now")
        self.click("#save")
        self.wait(
            lambda: "done" in self.find(f'[aria-label^="task {before} "]').get_attribute("class")
        )

    def leave_by(self, button: str) -> None:
        """Click what ends an assignment, and wait for the list."""
        self.click(button)
        self.find("#mine, .empty")

    def dialog(self, text: str, reason: str = "") -> None:
        """Fill in the dialog that is open."""
        if reason:
            self.choose("#dialog-reason", reason)
        self.type("#dialog-text", text)
        self.click("#dialog-ok")
        self.wait(lambda: not self.has("dialog"))

    def errors(self) -> list[str]:
        """What the console of the browser complains of, except for requests that were refused."""
        messages = [entry["message"] for entry in self.driver.get_log("browser")]
        return [each for each in messages if "responded with a status of 4" not in each]

    def take_picture(self, name: str) -> None:
        if self.pictures:
            self.run("(document.querySelector('.steps') || document.body).scrollIntoView()")
            self.driver.save_screenshot(str(self.pictures / f"{name}.png"))

    def save_whole(self, path: Path) -> None:
        """Save a picture of the whole page, also of what is below the window."""
        picture = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True}
        )
        path.write_bytes(b64decode(picture["data"]))

    def fetch(self, method: str, path: str) -> int:
        """Send a request from the page, and return its status."""
        script = (
            "return fetch(arguments[1], {method: arguments[0]}).then((answer) => answer.status)"
        )
        return int(self.run(script, method, path))

    def speed_up_timers(self, times: int) -> None:
        """Have what is done once a minute done more often in pages that are loaded from now on."""
        source = "const real = setInterval; window.setInterval = (f, t) => real(f, t / %d);"
        self.driver.execute_cdp_cmd(
            "Page.addScriptToEvaluateOnNewDocument", {"source": source % times}
        )

    def read(self, script: str) -> Any:
        return json.loads(self.run(f"return JSON.stringify({script})"))
