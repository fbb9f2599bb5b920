"""A headless Chromium, driven through a pipe by its own protocol; for tests of pages."""

import fcntl
import json
import os
import select
import shutil
import subprocess
import time

CHROMIUM = shutil.which("chromium")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"),
]
PATIENCE = 60
"""Seconds to wait for an answer."""

WATCH = """
window.harm = 0;
window.alert = () => { window.harm += 1; };
window.blobs = [];
const make = URL.createObjectURL;
URL.createObjectURL = (blob) => { window.blobs.push(blob); return make.call(URL, blob); };
addEventListener("securitypolicyviolation", () => { window.harm += 1; });
addEventListener("error", () => { window.harm += 1; });
"""
"""Counts what must not happen, and keeps what is offered for download."""


class Browser:
    """An open browser with one page; close it after use. `events` is what it told unasked."""

    def __init__(self, profile):
        read_end, self._to = os.pipe()
        self._from, write_end = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (read_end, write_end)]

        def hand_over():  # Chromium reads commands at descriptor 3 and writes answers to 4
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}"],
            preexec_fn=hand_over,
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (read_end, write_end, *ends):
            os.close(end)
        self._rest, self._n, self._session, self.events = b"", 0, {}, []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = {
            "sessionId": self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        }
        self.ask("Page.enable")
        self.ask("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def ask(self, method, **params):
        """The result of a command."""
        self._n += 1
        message = {"id": self._n, "method": method, "params": params} | self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._answer()).get("id") != self._n:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def _answer(self):
        parts = [self._rest]
        while b"\0" not in parts[-1]:
            if not select.select([self._from], [], [], PATIENCE)[0]:
                raise TimeoutError("the browser does not answer")
            parts.append(os.read(self._from, 1 << 20))
            if not parts[-1]:
                raise EOFError("the browser is gone")
        answer, _, self._rest = b"".join(parts).partition(b"\0")
        return json.loads(answer)

    def run(self, script):
        """The value of an expression, awaited."""
        found = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def open(self, path, until):
        """Go to a file and wait until an expression holds."""
        self.ask("Page.navigate", url=path.as_uri())
        self.wait(until)

    def wait(self, until):
        """Wait until an expression holds."""
        end = time.monotonic() + PATIENCE
        while not self.run(until):
            if time.monotonic() > end:
                raise TimeoutError(f"it never came true: {until}")
            time.sleep(0.05)

    def close(self):
        self._process.terminate()
        self._process.wait(PATIENCE)
        os.close(self._to)
        os.close(self._from)
