"""Opens a notebook in JupyterLab in a real browser without a window, runs it, and looks whether charts and tables are there.

Started by environment/browser inside the project's virtual environment. Needs Chromium (Debian: apt install chromium), which it
drives by its DevTools protocol.
"""

import argparse
import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import websocket

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 600  # seconds for anything: a loaded machine takes minutes to start a kernel

# What the page shows: how many cells still have no number or wait, errors, charts that have pixels, tables with rows.
STATE = """(() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent);
  return JSON.stringify({
    cells: prompts.length,
    waiting: prompts.filter(p => !/\\[\\d+\\]/.test(p)).length,
    errors: document.querySelectorAll('[data-mime-type="application/vnd.jupyter.error"]').length,
    charts: [...document.querySelectorAll('.jp-RenderedImage img')].filter(i => i.naturalWidth > 0).length,
    tables: [...document.querySelectorAll('.jp-RenderedHTMLCommon table')].filter(t => t.rows.length > 1).length,
    dialogs: document.querySelectorAll('.jp-Dialog .jp-mod-accept').length,
    ready: document.querySelectorAll('.jp-Notebook .jp-CodeCell').length > 0 && !!document.querySelector('.lm-MenuBar')
  });
})()"""
ACCEPT = "document.querySelector('.jp-Dialog .jp-mod-accept')?.click()"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", nargs="?", default="notebooks/00_quickstart.ipynb")
    parser.add_argument("--screenshot", type=Path, help="write what was seen at the end to this PNG")
    options = parser.parse_args()
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        print("Browser: not run, there is no chromium (Debian: apt install chromium)")
        return 3
    # A copy, since JupyterLab saves what it has run.
    copy = ROOT / "core/target/browser" / Path(options.notebook).name
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / options.notebook, copy)
    options.notebook = str(copy.relative_to(ROOT))
    token = secrets.token_hex(16)
    port, debug_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as profile:
        lab = subprocess.Popen(
            ["jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
             f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={ROOT}",
             f"--LabApp.workspaces_dir={profile}/workspaces", "--LabApp.news_url=",
             "--LabApp.extension_manager=readonly"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        window = None
        try:
            base = f"http://127.0.0.1:{port}"
            wait_for(lambda: get(f"{base}/api?token={token}"), "JupyterLab")
            start_kernel(base, token, options.notebook)
            window = subprocess.Popen(
                [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 f"--remote-debugging-port={debug_port}", "--remote-allow-origins=*",
                 f"--user-data-dir={profile}/browser", "--window-size=1280,1800",
                 f"{base}/lab/tree/{options.notebook}?token={token}&reset"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return look(Page(debug_port), options)
        finally:
            for process in (window, lab):
                if process is not None:
                    process.terminate()
                    try:
                        process.wait(30)
                    except subprocess.TimeoutExpired:
                        process.kill()


def look(page, options):
    wait_for(lambda: page.state()["ready"], "the notebook's page")
    time.sleep(3)  # the page connects to the kernel that is there
    page.evaluate(ACCEPT)
    page.run_all_cells()
    begin = time.monotonic()
    while True:
        state = page.state()
        if state["dialogs"]:
            page.evaluate(ACCEPT)
        if state["errors"] or (state["cells"] and not state["waiting"]) or time.monotonic() - begin > LIMIT:
            break
        time.sleep(2)
    time.sleep(2)
    state = page.state()
    if options.screenshot:
        options.screenshot.write_bytes(page.screenshot())
    good = not state["errors"] and not state["waiting"] and state["charts"] and state["tables"]
    print(f"Browser: {options.notebook} {'passed' if good else 'FAILED'}: {state['cells']} cells, {state['waiting']} not run, "
          f"{state['errors']} errors, {state['charts']} charts, {state['tables']} tables")
    return 0 if good else 1


class Page:
    """A page of the browser, by its DevTools protocol."""

    def __init__(self, port):
        def target():
            pages = json.loads(get(f"http://127.0.0.1:{port}/json/list"))
            return next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")

        self.socket = websocket.create_connection(wait_for(target, "the browser"), timeout=LIMIT)
        self.number = 0

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def evaluate(self, script):
        return self.call("Runtime.evaluate", expression=script)["result"].get("value")

    def state(self):
        return json.loads(self.evaluate(STATE) or '{"ready": false}')

    def click(self, selector, text):
        """A real click on the element with this text; the menus listen to the mouse, not to click()."""
        place = self.evaluate(
            f"(() => {{ const e = [...document.querySelectorAll('{selector}')].find(e => e.textContent.trim() === '{text}');"
            " if (!e) return null; const r = e.getBoundingClientRect();"
            " return JSON.stringify([r.x + r.width / 2, r.y + r.height / 2]); })()")
        if place is None:
            return False
        x, y = json.loads(place)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            buttons = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **buttons)
        return True

    def run_all_cells(self):
        wait_for(lambda: self.click(".lm-MenuBar-itemLabel", "Run"), "the menu Run")
        wait_for(lambda: self.click(".lm-Menu-itemLabel", "Run All Cells"), "its entry Run All Cells")

    def screenshot(self):
        import base64

        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


def start_kernel(base, token, notebook):
    """Before the page is there, so that it has no reason to ask for one."""
    body = json.dumps({"path": notebook, "name": Path(notebook).name, "type": "notebook", "kernel": {"name": "java"}})
    request = urllib.request.Request(
        f"{base}/api/sessions?token={token}", data=body.encode(), headers={"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        answer.read()


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


def wait_for(action, what):
    """The first result of an action that is not false; a failure counts as not yet."""
    begin = time.monotonic()
    failure = None
    while time.monotonic() - begin < LIMIT:
        try:
            result = action()
            if result:
                return result
        except (OSError, StopIteration, KeyError, ValueError) as error:
            failure = error
        time.sleep(1)
    raise TimeoutError(f"{what} was not there after {LIMIT} seconds: {failure}")


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
