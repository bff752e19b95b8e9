"""Debian's chromium without a window, spoken to over a pipe in the DevTools protocol."""
import base64
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import time

SHELL_OPENS_PIPES = 'exec chromium "$@" 3<&"$READS" 4>&"$WRITES"'


def found():
    return shutil.which("chromium") is not None


class Browser:
    """One browser with one page at a time. Ended by close(), with all its processes."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="windlass-browser-", ignore_cleanup_errors=True)
        reads, self._to = os.pipe()
        self._from, writes = os.pipe()
        self._log = pathlib.Path(self._folder.name, "log")
        command = ["sh", "-c", SHELL_OPENS_PIPES, "sh", "--headless", "--remote-debugging-pipe", "--no-sandbox",
                   "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                   "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                   f"--user-data-dir={self._folder.name}/profile", "about:blank"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(reads, writes),
                env={**os.environ, "HOME": self._folder.name, "READS": str(reads), "WRITES": str(writes)},
                start_new_session=True)
        os.close(reads)
        os.close(writes)
        self._next_id, self._unread, self._sessions = 0, b"", {}
        self._call("Target.setDiscoverTargets", {"discover": True})

    def open(self, url, width=1280, height=900, dark=False, before="", touch=False):
        """A page that shows the url; `before` is a script that runs before the page's own."""
        target = self._call("Target.createTarget", {"url": "about:blank", "newWindow": True})["targetId"]
        session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, target, session)
        self._sessions[session] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setFocusEmulationEnabled", {"enabled": True})
        page.show_as(width, height, dark, touch)
        if before:
            page.call("Page.addScriptToEvaluateOnNewDocument", {"source": before})
        page.call("Page.navigate", {"url": url})
        return page

    def close(self):
        if self._process.poll() is None:
            try:
                self._call("Browser.close", seconds=5)
                self._process.wait(5)
            except (AssertionError, OSError, subprocess.TimeoutExpired):
                pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)  # its own session: what is left of its helpers
        except ProcessLookupError:
            pass
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._folder.cleanup()

    def forget(self, session):
        self._sessions.pop(session, None)

    def _call(self, method, parameters=None, session=None, seconds=30):
        self._next_id += 1
        message = {"id": self._next_id, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + seconds
        while True:
            answer = self.receive(deadline - time.monotonic())
            if answer is None:
                raise AssertionError(f"the browser did not answer {method} within {seconds} s\n{self._said()}")
            if answer.get("id") == self._next_id:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    call = _call

    def receive(self, seconds):
        """The next message, given to its page when it is an event; None when time is up."""
        deadline = time.monotonic() + seconds
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._from], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                return None
            piece = os.read(self._from, 1 << 20)
            if not piece:
                raise AssertionError(f"the browser has ended\n{self._said()}")
            self._unread += piece
        text, self._unread = self._unread.split(b"\0", 1)
        message = json.loads(text)
        page = self._sessions.get(message.get("sessionId"))
        if page and "method" in message:
            page.note(message["method"], message["params"])
        return message

    def _said(self):
        return self._log.read_text(errors="replace")[-4000:]


class Page:
    def __init__(self, browser, target, session):
        self._browser, self._target, self._session = browser, target, session
        self.complaints = []  # errors of the console, violated policies, exceptions
        self.requests = []    # urls that were asked for

    def call(self, method, parameters=None):
        return self._browser.call(method, parameters, self._session)

    def note(self, method, parameters):
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(str([one.get("value") for one in parameters["args"]]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    def show_as(self, width, height=900, dark=False, touch=False, motion=False):
        self.call("Emulation.setDeviceMetricsOverride",
                  {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch})
        self.call("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "no-preference" if motion else "reduce"}]})

    def evaluate(self, expression):
        """The value of the expression; a promise is waited for."""
        done = self.call("Runtime.evaluate",
                         {"expression": expression, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in done:
            details = done["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description") or details["text"])
        return done["result"].get("value")

    def wait_for(self, expression, seconds=20):
        """Its value, once it is true."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.evaluate(expression)
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {expression}\nthe page complains: {self.complaints}")
            self._browser.receive(0.05)

    def press(self, key, code=None, number=0, modifiers=0):
        code = code or key
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": code, "modifiers": modifiers,
                                                 "windowsVirtualKeyCode": number})

    def screenshot(self, path, whole=False):
        picture = self.call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})
        pathlib.Path(path).write_bytes(base64.b64decode(picture["data"]))

    def close(self):
        self._browser.call("Target.closeTarget", {"targetId": self._target})
        self._browser.forget(self._session)
