"""The code of one network as a single file, without what the network does not use.

The file combines the definitions of the module that builds the network and of the modules from
which it imports names, except for torch, numpy and the standard library. Definitions that `make`
never reaches are dropped. An entry of a module-level dict counts as reached only if the network
really used its value.
"""

import ast
import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import pairwise
from keyword import iskeyword
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from gensynth.errors import InputError
from gensynth.models.exported import BESIDE
from gensynth.space import Source, build_source

LINE_LENGTH = 100
_OUTSIDE = frozenset({"torch", "numpy", *sys.stdlib_module_names})
_HEADER = '''"""{name}: a network found by gensynth; this file needs only torch.

    model = {name}()
    model.load_state_dict(safetensors.torch.load_file("model.safetensors"))
    logits = model(images)

Images have the shape (N, {shape}) and are prepared as PREPROCESSING and predict.py describe.
"""'''
_FACTORY = '''def {name}() -> nn.Module:
    """Build the network in eval mode, with fresh weights."""
    return make(SPEC).eval()'''


class Import(NamedTuple):
    """An import that stays: `from module import item` or, without an item, `import module`."""

    module: str
    item: str = ""
    renamed: str = ""
    """` as name`, or empty."""


@dataclass
class Carried:
    """The top level of the modules that a network needs, in executable order."""

    definitions: dict[str, str] = field(default_factory=dict)
    """Code of each function, class and constant, with its leading comments and its docstring."""
    imports: dict[str, Import] = field(default_factory=dict)
    """By the names that they bind."""
    files: set[str] = field(default_factory=set)


def standalone(source: Source, name: str, facts: Mapping[str, Any] | None = None) -> str:
    """Return the text of the file whose function `name` builds the network of `source`.

    Args:
        source: the network.
        name: name of the function and of the file.
        facts: plain data to state as constants, by their names.

    Raises:
        InputError: the code cannot be combined into a single file.
    """
    carried = Carried()
    _carry(source.module, carried)
    used = _used(source, carried)
    kept = _reachable(_without_dead_entries(carried.definitions, used), "make")
    _refuse_inner_imports(kept, source.module)
    taken = {*kept, *carried.imports, *(facts or ()), *(file[:-3] for file in BESIDE)}
    if name in taken or not name.isidentifier() or iskeyword(name):
        problem = f"cannot be the name of the function that builds {source.module}"
        raise InputError(name, f"{problem}; rename the space")
    names = set().union(*map(_names, kept.values()))
    needed = {"nn": Import("torch", "nn"), "Any": Import("typing", "Any")}
    needed |= {bound: line for bound, line in carried.imports.items() if bound in names}
    shape = ", ".join(map(str, source.input_shape))
    parts = [
        _HEADER.format(name=name, shape=shape),
        _import_lines(needed.values()),
        *kept.values(),
        f"INPUT_SHAPE = ({shape})",
        f"SPEC: dict[str, Any] = {literal(source.spec, 23)}",
        *(f"{key} = {literal(value, len(key) + 3)}" for key, value in (facts or {}).items()),
        _FACTORY.format(name=name),
    ]
    return _spaced(parts)


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


def _carry(module: str, carried: Carried) -> None:
    """Add the definitions of `module`, after those of the modules from which it imports."""
    path = import_module(module).__file__
    if path is None or path in carried.files:
        return
    carried.files.add(path)
    text = Path(path).read_text(encoding="utf-8")
    body = ast.parse(text).body
    last = ""
    for i, node in enumerate(body):
        place = f"{path}:{node.lineno}"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            _carry_import(node, carried, place)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            if i:
                carried.definitions[last] += "\n" + _cut(text, node)
        elif last := _defined(node):
            if last in carried.definitions:
                raise InputError(place, f"{last} is defined twice; rename one for a single file")
            carried.definitions[last] = _cut(text, node)
        else:
            problem = "an export can hold only imports, functions, classes and constants"
            raise InputError(place, problem)


def _carry_import(node: ast.Import | ast.ImportFrom, carried: Carried, place: str) -> None:
    for alias in node.names:
        renamed = f" as {alias.asname}" if alias.asname else ""
        if isinstance(node, ast.Import):
            module, item, bound = alias.name, "", alias.asname or alias.name.partition(".")[0]
        else:
            module, item, bound = node.module or "", alias.name, alias.asname or alias.name
        if module.partition(".")[0] in _OUTSIDE:
            carried.imports[bound] = Import(module, item, renamed)
        elif isinstance(node, ast.Import) or node.level or renamed:
            raise InputError(place, f"an export cannot contain {module or 'a relative import'}")
        else:
            _carry(module, carried)
            if bound not in carried.definitions:
                problem = f"an export needs {bound} to be defined in {module} itself"
                raise InputError(place, problem)


def _defined(node: ast.stmt) -> str:
    """Return the name that a statement defines; empty if it is not a definition."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""


def _refuse_inner_imports(definitions: Mapping[str, str], module: str) -> None:
    """Refuse imports inside functions, except of what an export may depend on."""
    for name, text in definitions.items():
        for node in ast.walk(ast.parse(text)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for wanted in names:
                if wanted.partition(".")[0] not in _OUTSIDE:
                    raise InputError(f"{module}.{name}", f"an export cannot contain {wanted}")


def _cut(text: str, node: ast.stmt) -> str:
    """Return the code of a statement, with its decorators and the comments right above it."""
    lines = text.splitlines()
    decorated = node.decorator_list if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else []
    first = min([node.lineno, *(part.lineno for part in decorated)]) - 1
    while first and lines[first - 1].startswith("#"):
        first -= 1
    return "\n".join(lines[first : node.end_lineno])


def _used(source: Source, carried: Carried) -> set[str]:
    """Build the network, run it once, and return the names of all functions and classes used."""
    import torch

    seen: set[str] = set()

    def observe(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename in carried.files:
            seen.add(frame.f_code.co_qualname.partition(".")[0])

    before = sys.getprofile()
    sys.setprofile(observe)
    try:
        network = build_source(source).eval()
        with torch.no_grad():
            network(torch.zeros(1, *source.input_shape))
    finally:
        sys.setprofile(before)
    return seen | {kind.__name__ for part in network.modules() for kind in type(part).__mro__}


def _without_dead_entries(definitions: Mapping[str, str], used: Collection[str]) -> dict[str, str]:
    """Drop the entries of module-level dicts whose value is a definition that was not used."""
    dead = definitions.keys() - set(used)
    return {name: _without_values(text, dead) for name, text in definitions.items()}


def _without_values(text: str, dead: Collection[str]) -> str:
    table = getattr(ast.parse(text).body[0], "value", None)
    if not isinstance(table, ast.Dict):
        return text
    entries = list(zip(table.keys, table.values, strict=True))
    kept = [
        (key, value)
        for key, value in entries
        if key is None or not (isinstance(value, ast.Name) and value.id in dead)
    ]
    if len(kept) == len(entries):
        return text

    def cut(node: ast.expr | None) -> str:
        return ast.get_source_segment(text, node) or "" if node else "**"

    lines = [f"    {cut(key)}: {cut(value)},\n" for key, value in kept]
    shorter = f"{{\n{''.join(lines)}}}" if lines else "{}"
    return text.replace(cut(table), shorter, 1)


def _reachable(definitions: Mapping[str, str], start: str) -> dict[str, str]:
    """Return the definitions that `start` needs, directly or indirectly."""
    live, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name in definitions and name not in live:
            live.add(name)
            waiting.extend(_names(definitions[name]))
    return {name: text for name, text in definitions.items() if name in live}


def _names(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def _import_lines(imports: Iterable[Import]) -> str:
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


def _spaced(parts: Sequence[str]) -> str:
    """Join the parts of a file by blank lines: two around functions and classes, else one."""
    text = parts[0]
    for before, part in pairwise(parts):
        block = any(part.startswith(_BLOCKS) for part in (before.lstrip("#"), part))
        text += ("\n\n\n" if block else "\n\n") + part
    return text + "\n"


_BLOCKS = ("def ", "class ", "@")
