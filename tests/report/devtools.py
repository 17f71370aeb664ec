"""A headless Chromium driven over a pipe by its DevTools protocol: pages are opened, keys pressed, pictures taken.

No port is opened and no driver program is needed: messages are JSON texts that end with a NUL byte, on two pipes.
"""

import base64
import itertools
import json
import os
import select
import subprocess
import time

# a page of ours asks nobody for anything; what the browser itself would fetch is switched off
FLAGS = (
    "--headless", "--no-sandbox", "--no-zygote", "--no-first-run", "--remote-debugging-pipe", "--disable-quic",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--hide-scrollbars",
    "--font-render-hinting=none",
)  # fmt: skip
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "Space": 32, "ArrowDown": 40}


class Browser:
    """One process; `page` opens a tab."""

    def __init__(self, program, home, environment=None):
        """program: path of a Chromium; home: an empty folder for its profile."""
        to_browser, ours = os.pipe()
        theirs, from_browser = os.pipe()
        command = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self._log = open(home / "browser.log", "wb")  # noqa: SIM115  closed with the browser
        self._process = subprocess.Popen(
            ["bash", "-c", command, program, *FLAGS, f"--user-data-dir={home / 'profile'}", "about:blank"],
            env={**os.environ, **(environment or {}), "HOME": str(home)}, pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._out, self._in, self._buffer = ours, theirs, b""
        self._numbers, self._answers, self.events = itertools.count(1), {}, []

    def call(self, method, session=None, timeout=60, **parameters):
        """One command and its result; a protocol error is an AssertionError."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while number not in self._answers:
            self._read(deadline - time.monotonic(), method)
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def wait_for(self, method, session, timeout=60):
        """Waits for an event of a page; events that came already count."""
        deadline = time.monotonic() + timeout
        while not any(e["method"] == method and e.get("sessionId") == session for e in self.events):
            self._read(deadline - time.monotonic(), method)

    def page(self):
        """A new tab, in which nothing is open yet."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable", session)
        return Page(self, session)

    def close(self):
        """Ends the browser."""
        os.close(self._out)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        self._log.close()

    def _read(self, seconds, waiting_for):
        ready, _, _ = select.select([self._in], [], [], max(seconds, 0))
        assert ready, f"the browser did not answer in time: {waiting_for}"
        data = os.read(self._in, 1 << 20)
        assert data, f"the browser has ended, exit code {self._process.poll()}; its log is {self._log.name}"
        *whole, self._buffer = (self._buffer + data).split(b"\0")
        for text in whole:
            message = json.loads(text)
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self.events.append(message)


class Page:
    """One tab."""

    def __init__(self, browser, session):
        self._browser, self._session = browser, session

    def call(self, method, **parameters):
        """One command to this tab."""
        return self._browser.call(method, self._session, **parameters)

    def load(self, file):
        """Opens a file and waits until it is loaded."""
        self._browser.events = [e for e in self._browser.events if e.get("sessionId") != self._session]
        self.call("Page.navigate", url=file.as_uri())
        self._browser.wait_for("Page.loadEventFired", self._session)

    def open(self, file):
        """As `load`, until it is on the screen; milliseconds that this took by the page's own clock."""
        self.load(file)
        # two frames later what was laid out is on the screen
        return self.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))")

    def js(self, expression):
        """The value of an expression, a promise awaited; an exception in it is an AssertionError."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def press(self, key, times=1):
        """Presses a key of KEYS, as a keyboard would."""
        text = {"Enter": "\r", "Space": " "}.get(key)
        name, code = {"Space": (" ", "Space")}.get(key, (key, key))
        for _ in range(times):
            common = {"key": name, "code": code, "windowsVirtualKeyCode": KEYS[key]}
            self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
            self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        """Types a text into what has the focus."""
        self.call("Input.insertText", text=text)

    def look(self, *, width=1280, height=900, dark=False, media="", phone=False):
        """A window of that size in CSS pixels; media `print` shows what a printer would get."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=scheme)

    def picture(self, file):
        """Writes a PNG of what is in the window."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def pdf(self):
        """What a printer would get, as the bytes of a PDF."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True, timeout=120)["data"])

    def accessibility_tree(self):
        """(role, name) of each node that a screen reader is told of, in the order of reading."""
        nodes = self.call("Accessibility.getFullAXTree", timeout=120)["nodes"]
        shown = [n for n in nodes if not n.get("ignored")]
        return [(n.get("role", {}).get("value"), n.get("name", {}).get("value", "")) for n in shown]

    def complaints(self):
        """What the console says of warnings and errors, and every uncaught exception."""
        found = []
        for event in self._browser.events:
            of, told = event["method"], event.get("params", {})
            if event.get("sessionId") != self._session:
                continue
            if of == "Runtime.exceptionThrown":
                found.append(str(told["exceptionDetails"]))
            elif of == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
                found.append(str(told["args"]))
            elif of == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
                found.append(str(told["entry"]))
        return found

    def requests(self):
        """The address of everything that the page asked for, but for data that it carries itself."""
        sent = [e for e in self._browser.events if e["method"] == "Network.requestWillBeSent"]
        addresses = [e["params"]["request"]["url"] for e in sent if e.get("sessionId") == self._session]
        return [address for address in addresses if not address.startswith("data:")]
