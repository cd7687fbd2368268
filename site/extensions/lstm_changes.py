"""When pages were changed, as git knows it, and what was corrected: the dates and the feed."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import lstm_citations
import lstm_sources

CONTENT = lstm_sources.SITE / "content"
DAYS = 20
"""Days with changes that the feed goes back."""


@dataclass(frozen=True)
class Entry:
    """An entry of the feed.

    Args:
        day: ISO date.
        title: What happened.
        page: Where, relative to the root of the site.
        lines: The particulars, plain text.
    """

    day: str
    title: str
    page: str
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        """What tells the entry from all others, for good."""
        return f"{self.day}-{self.page.strip('/').replace('/', '-') or 'pages'}"


@cache
def days() -> dict[str, list[str]]:
    """The sources of pages that each day's commits touched, the last day first.

    Empty where there is no history, or only a part of it: its first commit would seem to have
    made every page.
    """
    if _git("rev-parse", "--is-shallow-repository") != "false":
        return {}
    found: dict[str, list[str]] = {}
    day = ""
    for line in _git(
        "log", "--format=day %cs", "--name-only", "--relative", "--", "."
    ).splitlines():
        if line.startswith("day "):
            day = line.removeprefix("day ")
        elif line.endswith(".md") and line not in found.setdefault(day, []):
            found[day].append(line)
    return found


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=CONTENT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def last_change(source: str) -> str:
    """The ISO date of the last commit to a page, "" if it is not known."""
    return next((day for day, touched in days().items() if source in touched), "")


def in_words(day: str) -> str:
    """An ISO date as people read it."""
    date = datetime.fromisoformat(day) if day else None
    return f"{date.day} {date:%B %Y}" if date else ""


def entries() -> list[Entry]:
    """Corrections, and the pages changed on each of the last days, newest first."""
    found = [*corrections(), *changes()]
    return sorted(found, key=lambda entry: entry.day, reverse=True)


def changes() -> Iterator[Entry]:
    """The days on which pages were changed."""
    titles = lstm_citations.titles()
    for day, touched in list(days().items())[:DAYS]:
        pages = tuple(sorted(titles[page] for page in touched if page in titles))
        if pages:
            yield Entry(day, f"Pages changed on {in_words(day)}", "", pages)


def corrections() -> Iterator[Entry]:
    """The sections of the page of corrections."""
    text = (CONTENT / "corrections.md").read_text("utf-8")
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        when, body = section.split("\n", 1)
        day = f"{datetime.strptime(when.strip(), '%d %B %Y'):%Y-%m-%d}"
        items = (" ".join(item.split()) for item in re.findall(r"^\* (.*(?:\n  .*)*)", body, re.M))
        yield Entry(day, f"Corrections of {when.strip()}", "corrections/", tuple(map(plain, items)))


def plain(text: str) -> str:
    """Markdown without its marks."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[*`$]|\\,|\\(?=\w)", "", text)
