"""The code of one network as a single file, without what the network does not use.

The file combines the definitions of the module that builds the network and of the modules from
which it imports names, except for torch, numpy and the standard library. Definitions that `make`
never reaches are dropped. An entry of a module-level dict counts as reached only if the network
really used its value.
"""

import ast
import cProfile
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from types import FrameType
from typing import Any

from gensynth.errors import InputError
from gensynth.exports.layout import Import, joined_imports, literal, spaced
from gensynth.models.exported import BESIDE
from gensynth.space import Source, build_source

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


@dataclass
class Carried:
    """The top level of the modules that a network needs, in executable order."""

    packages: bool = False
    """Whether the file may need other installed packages than torch and numpy."""
    definitions: dict[str, str] = field(default_factory=dict)
    """Code of each function, class and constant, with its leading comments and its docstring."""
    imports: dict[str, Import] = field(default_factory=dict)
    """By the names that they bind."""
    files: set[str] = field(default_factory=set)

    def stays_outside(self, module: str) -> bool:
        """Return whether `module` is imported by the file instead of being part of it."""
        return module.partition(".")[0] in _OUTSIDE or (self.packages and is_installed(module))


def standalone(source: Source, name: str, facts: Mapping[str, Any] | None = None) -> str:
    """Return the text of the file whose function `name` builds the network of `source`.

    Args:
        source: the network.
        name: name of the function and of the file.
        facts: plain data to state as constants, by their names.

    Raises:
        InputError: the code cannot be combined into a single file.
    """
    kept, carried = combined(source, source.module, "make")
    taken = {*kept, *carried.imports, *(facts or ()), *(file[:-3] for file in BESIDE)}
    if name in taken or not name.isidentifier() or iskeyword(name):
        problem = f"cannot be the name of the function that builds {source.module}"
        raise InputError(name, f"{problem}; rename the space")
    shape = ", ".join(map(str, source.input_shape))
    parts = [
        _HEADER.format(name=name, shape=shape),
        import_lines(kept, carried),
        *kept.values(),
        f"INPUT_SHAPE = ({shape})",
        f"SPEC: dict[str, Any] = {literal(source.spec, 23)}",
        *(f"{key} = {literal(value, len(key) + 3)}" for key, value in (facts or {}).items()),
        _FACTORY.format(name=name),
    ]
    return spaced(parts)


def combined(
    source: Source, module: str, start: str, packages: bool = False
) -> tuple[dict[str, str], Carried]:
    """Return the definitions that `start` of a module needs to build the network of `source`.

    Args:
        source: builds the network.
        module: the module that defines `start`.
        start: a function or a class.
        packages: whether the file may import other installed packages than torch and numpy.

    Raises:
        InputError: the code cannot be combined into a single file.
    """
    carried = Carried(packages)
    _carry(module, carried)
    used = _used(source, carried)
    kept = _reachable(_without_dead_entries(carried.definitions, used), start)
    _refuse_inner_imports(kept, module, carried)
    return kept, carried


def import_lines(kept: Mapping[str, str], carried: Carried) -> str:
    """Return the import lines that the definitions `kept` need."""
    names = set().union(*map(_names, kept.values()))
    needed = {"nn": Import("torch", "nn"), "Any": Import("typing", "Any")}
    needed |= {bound: line for bound, line in carried.imports.items() if bound in names}
    return joined_imports(needed.values())


def is_installed(module: str) -> bool:
    """Return whether a module belongs to an installed package, not to files of the user's own."""
    found = find_spec(module.partition(".")[0])
    origin = found.origin if found is not None else None
    return origin is not None and bool({"site-packages", "dist-packages"} & set(Path(origin).parts))


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
        elif _is_script(node):
            continue
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
        relative = isinstance(node, ast.ImportFrom) and node.level > 0
        if not relative and carried.stays_outside(module):
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


def _is_script(node: ast.stmt) -> bool:
    """Return whether a statement is only run if the file is: `if __name__ == "__main__"`."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def _refuse_inner_imports(definitions: Mapping[str, str], module: str, carried: Carried) -> None:
    """Refuse imports inside functions, except of what an export may depend on."""
    for name, text in definitions.items():
        for node in ast.walk(ast.parse(text)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for wanted in names:
                if not carried.stays_outside(wanted):
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
        if isinstance(before, cProfile.Profile):  # It cannot be handed back to `sys.setprofile`.
            before.enable()
        else:
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
