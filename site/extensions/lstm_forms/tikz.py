"""A part of a diagram, which is SVG, as TikZ with the same coordinates."""

import re
from xml.etree import ElementTree

HEAD = r"""% \usepackage{tikz} \usetikzlibrary{arrows.meta}
\begin{tikzpicture}[x=0.75pt, y=-0.75pt, font=\footnotesize,
  line/.style={semithick, -{Latex[length=4pt]}}, peephole/.style={dashed},
  part/.style={draw, semithick, inner sep=0pt}, small/.style={font=\scriptsize}]"""
FOOT = r"\end{tikzpicture}"
_CODES = {
    "\u2212": "-",
    "\u00d7": r"\times",
    "\u03c6": r"\varphi",
    "\u03c3": r"\sigma",
    "\u200b": "",
}


def tikz(part: str) -> str:
    """The TikZ of a line, a shape with its letter, or a text."""
    element = ElementTree.fromstring(part)
    if element.tag == "path":
        style = ", ".join(element.get("class", "").split())
        return rf"\draw[{style}] {path(element.get('d', ''))};"
    if element.tag == "g":
        return _shape(element)
    style = "small" if "small" in element.get("class", "") else ""
    x, y = float(element.get("x", "")), float(element.get("y", ""))
    return rf"\node[{style}] at ({x:g},{y - 4:g}) {{{text(element)}}};"


def _shape(element: ElementTree.Element) -> str:
    shape, letter = element
    if shape.tag == "rect":
        x, y, width, height = (float(shape.get(k, "")) for k in ("x", "y", "width", "height"))
        size = f"minimum width={0.75 * width:g}pt, minimum height={0.75 * height:g}pt"
        size = f"rounded corners=3pt, {size}"
        place = f"({x + width / 2:g},{y + height / 2:g})"
    else:
        place = f"({shape.get('cx')},{shape.get('cy')})"
        size = f"circle, minimum size={1.5 * float(shape.get('r', '')):g}pt"
    return rf"\node[part, {size}] at {place} {{{text(letter)}}};"


def path(d: str) -> str:
    """A path of M, L, H, V and C with absolute coordinates."""
    x = y = "0"
    words = []
    for command, given in re.findall(r"([MLHVC])([^MLHVC]*)", d):
        numbers = given.replace(",", " ").split()
        if command == "C":
            a, b, c, e, x, y = numbers
            words.append(f".. controls ({a},{b}) and ({c},{e}) .. ({x},{y})")
            continue
        x = numbers[0] if command != "V" else x
        y = numbers[-1] if command != "H" else y
        words.append(f"({x},{y})" if command == "M" else f"-- ({x},{y})")
    return " ".join(words)


def text(element: ElementTree.Element) -> str:
    """Letters with their indices as mathematics, words as they are."""
    written = _coded(element.text or "")
    for span in element:
        inside = _coded(span.text or "")
        written += f"_{{{inside}}}" if span.get("class") == "index" else inside
        written += _coded(span.tail or "")
    words = re.fullmatch(r"[A-Za-z]{2,}", written)
    return written if words else f"${written}$"


def _coded(given: str) -> str:
    for sign, code in _CODES.items():
        given = given.replace(sign, code + " " if code.startswith("\\") else code)
    return given.strip() if given.strip() else given
