"""ONNX Runtime as exports are run in it."""

import numpy as np
import pytest
import torch

from gensynth.formats.onnx import runner

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def eight_bits() -> bytes:
    """A convolution in 8 bits whose products overflow 16 bits if two of them are added."""
    helper, kinds = onnx.helper, onnx.TensorProto
    scalars = {"s": np.float32(1 / 127), "z": np.int8(0), "big": np.float32(1)}
    weights = {"w": np.full((8, 16, 3, 3), 127, dtype=np.int8)}
    constants = [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in scalars.items()]
    constants += [onnx.numpy_helper.from_array(v, k) for k, v in weights.items()]
    nodes = [
        helper.make_node("QuantizeLinear", ["images", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["x"]),
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["weight"]),
        helper.make_node("Conv", ["x", "weight"], ["y"]),
        helper.make_node("QuantizeLinear", ["y", "big", "z"], ["r"]),
        helper.make_node("DequantizeLinear", ["r", "big", "z"], ["logits"]),
    ]
    given = helper.make_tensor_value_info("images", kinds.FLOAT, ["N", 16, 8, 8])
    made = helper.make_tensor_value_info("logits", kinds.FLOAT, ["N", 8, 6, 6])
    graph = helper.make_graph(nodes, "eight", [given], [made], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def test_eight_bits_do_not_overflow_on_any_processor() -> None:
    images = torch.full((2, 16, 8, 8), 0.8)
    plain = onnxruntime.SessionOptions()
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    exact = onnxruntime.InferenceSession(eight_bits(), plain)
    (expected,) = exact.run(None, {"images": images.numpy()})
    assert expected.max() == 116  # 16 x 9 products of 0.8, which is stored as 102 / 127.
    assert np.abs(runner(eight_bits())(images).numpy() - expected).max() <= 1
