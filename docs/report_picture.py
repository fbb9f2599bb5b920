"""Takes docs/report.png: the top of the shipped study's report.

Run by `make docs-figures`, after `make study`; needs a browser (tests/debian_packages.sh).
"""

import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PICTURE = Path("docs/report.png")


def main():
    with sync_playwright() as drivers:
        browser = drivers.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 1040})
        page.goto(Path("results/museum/report.html").resolve().as_uri())
        page.screenshot(path=PICTURE)
        browser.close()
    with Image.open(PICTURE) as image:
        image.convert("RGB").save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
