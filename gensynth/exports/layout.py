"""How the file of an exported network is laid out: literals, imports and blank lines."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

LINE_LENGTH = 100


class Import(NamedTuple):
    """An import that stays: `from module import item` or, without an item, `import module`."""

    module: str
    item: str = ""
    renamed: str = ""
    """` as name`, or empty."""


def literal(value: Any, column: int = 0, depth: int = 0) -> str:
    """Return plain data as a Python literal that starts at `column`, in lines of limited length."""
    flat = _flat(value)
    fits = column + len(flat) < LINE_LENGTH
    if fits or not isinstance(value, (Mapping, list, tuple)) or not value:
        return flat
    inset = " " * (4 * depth + 4)
    if isinstance(value, Mapping):
        heads, items, ends = [f"{_flat(key)}: " for key in value], list(value.values()), "{}"
    else:
        heads, items, ends = [""] * len(value), list(value), "[]"
    lines = [
        f"{inset}{head}{literal(item, len(inset + head), depth + 1)},\n"
        for head, item in zip(heads, items, strict=True)
    ]
    return f"{ends[0]}\n{''.join(lines)}{inset[4:]}{ends[1]}"


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_flat(key)}: {_flat(item)}' for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_flat, value))}]"
    return repr(value)


def joined_imports(imports: Iterable[Import]) -> str:
    """Return the import lines in the usual order: standard library, blank line, others."""
    items: dict[tuple[bool, bool, str], list[str]] = {}
    for module, item, renamed in sorted(imports, key=_rank):
        outside = module.partition(".")[0] not in sys.stdlib_module_names
        items.setdefault((outside, bool(item), module), []).append(item + renamed)
    groups: dict[bool, list[str]] = {False: [], True: []}
    for (outside, from_, module), names in sorted(items.items()):
        if from_:
            groups[outside].append(f"from {module} import {', '.join(names)}")
        else:
            groups[outside] += [f"import {module}{renamed}" for renamed in names]
    return "\n\n".join("\n".join(lines) for lines in groups.values() if lines)


def _rank(line: Import) -> tuple[int, str]:
    """Return a key that sorts names as import sorters do: constants, classes, others."""
    item = line.item
    return (0 if item.isupper() and len(item) > 1 else 1 if item[:1].isupper() else 2), item


def spaced(parts: Sequence[str]) -> str:
    """Join the parts of a file by blank lines: two around functions and classes, else one."""
    text = parts[0]
    for before, part in pairwise(parts):
        block = any(part.startswith(_BLOCKS) for part in (before.lstrip("#"), part))
        text += ("\n\n\n" if block else "\n\n") + part
    return text + "\n"


_BLOCKS = ("def ", "class ", "@")
