"""Makes the text version of the pages readable: TeX in place of rendered formulas, no buttons."""

from bs4 import BeautifulSoup


def preprocess(soup: BeautifulSoup, output: str) -> None:
    """Called by mkdocs-llmstxt with every page, before it is converted to Markdown."""
    for math in soup.select(".math"):
        annotation = math.select_one("annotation")
        # As code, nothing in it is escaped.
        code = soup.new_tag("code")
        code.string = annotation.get_text() if annotation else ""
        if math.name == "div":
            block = soup.new_tag("pre")
            block.append(code)
            math.replace_with(block)
        else:
            math.replace_with(code)
    for unwanted in soup.select("button, svg, .headerlink, .references"):
        unwanted.decompose()
