"""What machines read of a page: its dates, its card, its kind, and the questions or claims on it.

A hook of MkDocs. The templates `partials/machines.html`, `feed.xml` and `robots.txt` write it.
"""

import json
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import explorer
import lstm_cards
import lstm_changes
import lstm_data
import lstm_llms
import lstm_sources
from bs4 import BeautifulSoup, Tag
from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.pages import Page

log = logging.getLogger("mkdocs.hooks")

AUTHOR = {"@type": "Organization", "name": "The keras_lstm_ext developers"}
TEXT_LICENCE = "https://creativecommons.org/licenses/by/4.0/"
CODE_LICENCE = "https://www.apache.org/licenses/LICENSE-2.0"
RATINGS = {"wrong": 1, "imprecise": 3, "right": 5}
"""The verdicts of the page of claims as numbers; what is open or opinion has none."""

MOVED = {"equations/explorer": "equations/comparison"}
"""Addresses of pages that are no more, and those that have what they had."""

RESULTS = lstm_sources.PACKAGE / "experiments" / "results"


def on_config(config: MkDocsConfig) -> None:
    """Says once what a build cannot know."""
    if not config.site_url:
        log.info("SITE_URL is not set: pages have no canonical addresses, cards and feed")
    if not config.extra["repository"]:
        log.info("REPO_URL is not set: pages do not say where to report an error")
    config.extra["versions"] = versions()
    # mike sets it while it builds a release, whose address is below that of the site.
    kept = "MIKE_DOCS_VERSION" in os.environ
    address = os.environ.get("SITE_URL", "").removesuffix("versions/")
    config.extra["newest"] = address if kept else None


def versions() -> list[dict[str, Any]]:
    """The releases whose documentation is kept, as mike lists them, newest first.

    `VERSIONS` is the file that mike writes beside their folders.
    """
    path = os.environ.get("VERSIONS", "")
    return json.loads(Path(path).read_text("utf-8")) if path else []


def on_env(env: Environment, **kwargs: Any) -> None:
    """Gives the templates what the feed has."""
    env.globals["changes"] = lstm_changes.entries()
    env.globals["in_words"] = lstm_changes.in_words


def on_page_markdown(markdown: str, page: Page, **kwargs: Any) -> None:
    """Dates the page in the sitemap; the theme would say that it is of today."""
    page.update_date = lstm_changes.last_change(page.file.src_uri)


def on_page_context(
    context: dict[str, Any], page: Page, config: MkDocsConfig, **kwargs: Any
) -> None:
    """Gives the template of a page what machines read."""
    changed = lstm_changes.last_change(page.file.src_uri)
    card = config.site_url and f"{config.site_url}assets/cards/{_card(page)}"
    things = [_article(page, config, changed, card), *_things(page, config)]
    for thing in things:
        thing["@context"] = "https://schema.org"
    # What ends a script must not be in one.
    written = [json.dumps(thing, ensure_ascii=False).replace("</", "<\\/") for thing in things]
    context["machines"] = {"changed": changed, "card": card, "things": written}


def on_post_build(config: MkDocsConfig) -> None:
    """Writes the records of the experiments, which a data set points to, other data, redirects."""
    for path in (*RESULTS.glob("*.json"), *RESULTS.glob("odyssey/*.json")):
        _write(config, f"experiments/results/{path.name}", path.read_bytes())
    for name, content in (("assets/explorer.json", explorer.written()), *lstm_data.files()):
        _write(config, name, content)

    for old, new in MOVED.items():
        _write(
            config, f"{old}/index.html", redirect(f"{'../' * len(old.split('/'))}{new}/").encode()
        )


def redirect(to: str) -> str:
    """A page that leads to another one and keeps what its address asks for."""
    target = json.dumps(to)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Moved</title>'
        '<meta name="robots" content="noindex">'
        f"<script>location.replace({target} + location.search + location.hash)</script>"
        f'<noscript><meta http-equiv="refresh" content="0; url={to}"></noscript>'
        f'<p>This page is <a href="{to}">here</a> now.</p>'
        f'<p>Text: <a href="{TEXT_LICENCE}" rel="license">CC BY 4.0</a></p></html>'
    )


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> None:
    """Draws the card of a page."""
    if config.site_url:
        card = lstm_cards.draw(_title(page, config), config.site_name, page.url)
        _write(config, f"assets/cards/{_card(page)}", card)


def _write(config: MkDocsConfig, name: str, content: bytes) -> None:
    path = Path(config.site_dir) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _card(page: Page) -> str:
    return f"{page.url.strip('/').replace('/', '-') or 'index'}.png"


def _title(page: Page, config: MkDocsConfig) -> str:
    title = BeautifulSoup(str(page.title), "html.parser").get_text()
    return title or config.site_name


def _article(page: Page, config: MkDocsConfig, changed: str, card: str | None) -> dict[str, Any]:
    """What every page is."""
    article = {
        "@type": "TechArticle",
        "headline": _title(page, config),
        "description": page.meta.get("description"),
        "inLanguage": "en",
        "author": AUTHOR,
        "license": TEXT_LICENCE,
        "datePublished": config.extra["released"],
        "dateModified": changed,
        "url": page.canonical_url,
        "image": card,
        "isPartOf": {"@type": "WebSite", "name": config.site_name, "url": config.site_url},
    }
    return {key: value for key, value in article.items() if value}


def _things(page: Page, config: MkDocsConfig) -> Iterator[dict[str, Any]]:
    """What a page is besides."""
    source = page.file.src_uri
    if source == "faq.md":
        yield {"@type": "FAQPage", "mainEntity": list(_questions(_soup(page)))}
    elif source == "claims.md":
        yield from _claims(_soup(page), page.canonical_url or "", config)
    elif source == "index.md":
        yield _software(config)
    elif source.startswith("experiments/"):
        records = sorted({Path(str(a["href"])).name for a in _soup(page).select("a.record")})
        if records:
            yield _records(page, config, records)


def _soup(page: Page) -> BeautifulSoup:
    """The content of a page, its formulas as TeX."""
    soup = BeautifulSoup(page.content or "", "html.parser")
    lstm_llms.preprocess(soup, "")
    return soup


def _questions(soup: BeautifulSoup) -> Iterator[dict[str, Any]]:
    for heading in soup.find_all("h2"):
        parts = []
        for part in heading.find_next_siblings():
            if part.name == "h2":
                break
            parts.append(_text(part))
        answer = {"@type": "Answer", "text": " ".join(filter(None, parts))}
        yield {"@type": "Question", "name": _text(heading), "acceptedAnswer": answer}


def _claims(soup: BeautifulSoup, address: str, config: MkDocsConfig) -> Iterator[dict[str, Any]]:
    for link in soup.select("td > a[id^=claim-]"):
        row = link.find_parent("tr")
        assert isinstance(row, Tag)
        claim, verdict, truth = (_text(cell) for cell in row.find_all("td")[:3])
        rating: dict[str, Any] = {"@type": "Rating", "alternateName": verdict}
        if verdict in RATINGS:
            rating |= {"ratingValue": RATINGS[verdict], "worstRating": 1, "bestRating": 5}
        yield {
            "@type": "ClaimReview",
            "url": f"{address}#{link['id']}",
            "claimReviewed": claim,
            "reviewBody": truth,
            "reviewRating": rating,
            "author": AUTHOR,
            "datePublished": config.extra["released"],
        }


def _software(config: MkDocsConfig) -> dict[str, Any]:
    software = {
        "@type": "SoftwareSourceCode",
        "name": "keras_lstm_ext",
        "description": "The LSTM family as Keras 3 layers",
        "programmingLanguage": "Python",
        "license": CODE_LICENCE,
        "author": AUTHOR,
        "codeRepository": config.extra["repository"],
    }
    return {key: value for key, value in software.items() if value}


def _records(page: Page, config: MkDocsConfig, records: list[str]) -> dict[str, Any]:
    folder = f"{config.site_url or '/'}experiments/results/"
    return {
        "@type": "Dataset",
        "name": f"Records of the runs: {_title(page, config)}",
        "description": page.meta["description"],
        "license": TEXT_LICENCE,
        "creator": AUTHOR,
        "distribution": [
            {
                "@type": "DataDownload",
                "encodingFormat": "application/json",
                "contentUrl": folder + record,
            }
            for record in records
        ],
    }


def _text(tag: Tag) -> str:
    text = " ".join(tag.get_text(" ").split())
    return re.sub(r"(?<=\() | (?=[).,;:?])", "", text)
