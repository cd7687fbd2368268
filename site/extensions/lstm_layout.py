"""What pages need on paper and on a phone: labels for the cells of tables, and their references."""

import re
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import lstm_citations
from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor

_STASHED = re.compile("[\x02\x03].*?[\x02\x03]")
NARROW = 2
"""Columns that any screen has room for."""


class LabelProcessor(Treeprocessor):
    """Gives each cell the title of its column, which stands before it where rows are blocks."""

    def run(self, root: Element) -> None:
        """Called by Python-Markdown, when the text is in the tree."""
        for table in root.iter("table"):
            titles = [
                _STASHED.sub("", "".join(cell.itertext())).strip() for cell in table.iter("th")
            ]
            if len(titles) <= NARROW:
                table.set("data-narrow", "")
            for row in table.iter("tr"):
                for title, cell in zip(titles, row.findall("td"), strict=False):
                    cell.set("data-label", title)


class ReferencesProcessor(Treeprocessor):
    """Ends a page with the works that it cites, for those who have it on paper."""

    def run(self, root: Element) -> None:
        """Called by Python-Markdown, after the citations were found."""
        cited = lstm_citations.cited(self.md)
        if not cited:
            return
        attributes = {"class": "references", "data-search-exclude": ""}
        section = SubElement(root, "section", attributes)
        SubElement(section, "p", {"class": "references-title"}).text = "References"
        works = SubElement(section, "ul")
        for key in sorted(cited, key=lambda key: lstm_citations.labels()[key]):
            reference = lstm_citations.known(key)
            work = SubElement(works, "li")
            SubElement(work, "b").text = f"{lstm_citations.labels()[key]}."
            where = " ".join(lstm_citations.addresses(reference))
            work[0].tail = f" {lstm_citations.full(reference)} {where}"


class LayoutExtension(Extension):
    """Registers both after the processor of what is inline, with priority 20."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Called by Python-Markdown."""
        md.treeprocessors.register(LabelProcessor(md), "lstm_labels", 2)
        md.treeprocessors.register(ReferencesProcessor(md), "lstm_references", 1)


def makeExtension(**options: Any) -> LayoutExtension:
    """Called by Python-Markdown."""
    return LayoutExtension(**options)
