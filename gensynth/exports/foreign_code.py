"""The code of networks that are not of a search space, as a single file.

An export of an export keeps its code. A network of timm is built by timm. The code of a factory is
carried along if it is a file of the user's own, and imported if it belongs to an installed package.
"""

import ast
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from gensynth.errors import InputError
from gensynth.exports.layout import literal, spaced
from gensynth.exports.standalone import combined, import_lines, is_installed
from gensynth.exports.standalone import standalone as code_of_space
from gensynth.models import exported, factories, timm_models
from gensynth.models.timm_variants import read_variant
from gensynth.space import Source, Task

Facts = Mapping[str, Any]
_DOCSTRING = '''"""{name}: {what}; this file needs {needs}.

    model = {name}()
    model.load_state_dict(safetensors.torch.load_file("model.safetensors"))
    logits = model(images)

Images have the shape (N, {shape}) and are prepared as PREPROCESSING and predict.py describe.
"""'''
_MAKE = '''def make(spec: dict[str, Any]) -> nn.Module:
    """Build the network that `spec` describes, with fresh weights."""
    {body}'''
_FACTORY = '''def {name}() -> nn.Module:
    """Build the network in eval mode, with fresh weights."""
    return make(SPEC).eval()'''
_IMPORTS = "from typing import Any\n\n{line}\nfrom torch import nn"
_TIMM = """options = {"img_size": tuple(spec["image_size"])} if "image_size" in spec else {}
    classes, channels = spec["classes"], spec["channels"]
    return timm.create_model(spec["name"], num_classes=classes, in_chans=channels, **options)"""


def builder_code(source: Source, name: str, facts: Mapping[str, Any] | None = None) -> str:
    """Return the text of the file whose function `name` builds the network of `source`.

    Args:
        source: the network.
        name: name of the function and of the file.
        facts: plain data to state as constants, by their names.

    Raises:
        InputError: the code cannot be combined into a single file.
    """
    facts = facts or {}
    if source.module == exported.__name__:
        return _of_export(source, facts)
    if source.module == timm_models.__name__:
        return _of_timm(source, name, facts)
    if source.module == factories.__name__:
        return _of_factory(source, name, facts)
    return code_of_space(source, name, facts)


def _of_export(source: Source, facts: Facts) -> str:
    """Return the code of an export with other constants; earlier versions lack some of them."""
    folder = Path(source.spec["folder"])
    lines = exported.code_file(folder).read_text(encoding="utf-8").splitlines()
    nodes = {name: exported.constant(folder, name) for name in ("SPEC", *facts)}
    spec = nodes["SPEC"]
    found = {name: node for name, node in nodes.items() if node is not None}
    new = [_fact(name, value) for name, value in facts.items() if name not in found]
    if spec is not None and spec.value is not None:
        same = ast.literal_eval(spec.value) == source.spec["spec"]
        kept = lines[spec.lineno - 1 : spec.end_lineno]
        texts = {"SPEC": "\n".join([*(kept if same else [_spec_line(source.spec["spec"])]), *new])}
        texts |= {name: _fact(name, facts[name]) for name in facts if name in found}
        for name, node in sorted(found.items(), key=lambda item: -item[1].lineno):
            lines[node.lineno - 1 : node.end_lineno] = [texts[name]]
    return "\n".join(lines) + "\n"


def _of_timm(source: Source, name: str, facts: Facts) -> str:
    spec = {key: value for key, value in source.spec.items() if key != "fused"}
    variant = read_variant(str(spec["name"]))
    if variant.width != 1.0 or variant.for_small_images:
        line, needs = f"from {timm_models.__name__} import make", "gensynth, timm and torch"
        parts = [_IMPORTS.format(line=line), *_constants(source, {**spec, "fused": False}, facts)]
    else:
        needs = "timm and torch"
        parts = [_IMPORTS.format(line="import timm"), *_constants(source, spec, facts)]
        parts.append(_MAKE.format(body=_TIMM))
    return _file(source, name, f"the network {spec['name']} of timm", needs, parts)


def _of_factory(source: Source, name: str, facts: Facts) -> str:
    module, _, attribute = source.spec["name"].partition(":")
    found, task = getattr(import_module(module), attribute), Task(**source.spec["task"])
    if not callable(found) or not hasattr(found, "__name__"):
        problem = "is a network, not a function that builds one, so its code cannot be exported"
        raise InputError(source.spec["name"], problem)
    _, told = factories.built_with_keywords(found, task, source.spec["name"])
    if "task" in told:
        problem = "takes a `task` of gensynth, which an export lacks; let it take `classes` instead"
        raise InputError(source.spec["name"], problem)
    body = f"return {attribute}(**spec)"
    if is_installed(module):
        needs = f"{module.partition('.')[0]} and torch"
        parts = [_IMPORTS.format(line=f"from {module} import {attribute}")]
    else:
        kept, carried = combined(source, module, attribute, packages=True)
        _refuse_taken(kept, name, source.spec["name"])
        others = {i.module.partition(".")[0] for i in carried.imports.values()} | {"torch"}
        needs = " and ".join(sorted(o for o in others if o == "torch" or is_installed(o)))
        parts = [import_lines(kept, carried), *kept.values()]
    parts += [*_constants(source, told, facts), _MAKE.format(body=body)]
    return _file(source, name, f"the network {source.spec['name']}", needs, parts)


def _refuse_taken(kept: Mapping[str, str], name: str, place: str) -> None:
    for word in (name, "make", "SPEC", "INPUT_SHAPE", "PREPROCESSING", "CLASSES"):
        if word in kept:
            raise InputError(place, f"an export defines {word} itself; rename yours")


def _constants(source: Source, spec: Mapping[str, Any], facts: Facts) -> list[str]:
    lines = [f"INPUT_SHAPE = ({_shape(source)})", _spec_line(spec)]
    return lines + [_fact(name, value) for name, value in facts.items()]


def _fact(name: str, value: Any) -> str:
    return f"{name} = {literal(value, len(name) + 3)}"


def _spec_line(spec: Mapping[str, Any]) -> str:
    return f"SPEC: dict[str, Any] = {literal(spec, 23)}"


def _file(source: Source, name: str, what: str, needs: str, parts: list[str]) -> str:
    head = _DOCSTRING.format(name=name, what=what, needs=needs, shape=_shape(source))
    return spaced([head, *parts, _FACTORY.format(name=name)])


def _shape(source: Source) -> str:
    return ", ".join(map(str, source.input_shape))
