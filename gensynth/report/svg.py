"""SVG elements, built as a tree so that no text can break out of its place."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

Attribute = str | float


def element(tag: str, text: str = "", **attributes: Attribute) -> Element:
    """Make an element; `class_` becomes `class`, `stroke_width` becomes `stroke-width`."""
    made = Element(tag, {_name(key): _value(value) for key, value in attributes.items()})
    made.text = text or None
    return made


def titled(made: Element, words: str) -> Element:
    """Add a title to an element, for tooltips and screen readers."""
    made.insert(0, element("title", words))
    return made


def picture(width: float, height: float, label: str, parts: list[Element]) -> str:
    """Put parts into a picture of `width` x `height` units that scales with its container."""
    root = element("svg", viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=label)
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("style", f"max-width:{width:g}px")
    root.extend(parts)
    return ElementTree.tostring(root, encoding="unicode")


def _name(key: str) -> str:
    if key == "viewBox":
        return key
    return key.rstrip("_").replace("_", "-")


def _value(value: Attribute) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
