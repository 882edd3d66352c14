"""Make docs/report.png, the README's picture: the top of the report of `unrolled demo`, in an installed Chromium."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

DOCS = Path(__file__).parent.parent / "docs"


def main() -> None:
    chromium = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if chromium is None:
        sys.exit("needs an installed Chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        subprocess.run([Path(sys.executable).parent / "unrolled", "demo"], cwd=folder, check=True)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1320, "height": 1230}, device_scale_factor=1.25)
        page.goto((Path(folder) / "runs/weather-1/report.html").as_uri())
        page.locator("canvas").first.wait_for()
        page.screenshot(path=DOCS / "report.png")
        browser.close()


if __name__ == "__main__":
    main()
