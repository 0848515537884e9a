"""Finds a Chromium for the browser tests, or installs one: one on PATH, else Playwright's, else Debian's when root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find() -> str | None:
    """The path of a Chromium that can be started, or nothing."""
    on_path = next((path for name in NAMES if (path := shutil.which(name))), None)
    return on_path or playwrights()


def playwrights() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Playwright's own build first; where it cannot be downloaded, Debian's package when root."""
    tried = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True)
    if tried.returncode == 0 or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    subprocess.run(["apt-get", "update", "-qq"], check=False)
    subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if not find():
        print("Looking for a Chromium for the browser tests ...", flush=True)
        install()
    found = find()
    print(f"Chromium: {found}" if found else "No Chromium: the browser tests will be skipped, or fail where CI=true.")
