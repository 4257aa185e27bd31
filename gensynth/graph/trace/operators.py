"""torch's operators by the kind of layer they are, and the names that a graph gives them.

Names are bare: without namespace, overload and underscores, so that `add_` is `add`. An operator
that stands in no table is `other`: counted nowhere, and said so.
"""

from gensynth.graph.graph import Kind


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VANISHING = _words("alias detach lift lift_fresh native_dropout")
"""Operators that change nothing when a network is evaluated."""
VALUE_FREE = _words(
    "empty_like zeros_like ones_like full_like rand_like randn_like new_empty new_zeros new_ones "
    "new_full new_empty_strided"
)
"""Operators that read the shape of a tensor, not its values."""
TOLD_BY_SHAPE = _words(
    "view unsafe_view reshape_alias t clone to_copy copy unsqueeze squeeze expand split unbind "
    "split_with_sizes unsafe_split unsafe_split_with_sizes"
)
"""Moves whose arguments follow from the shapes they read and make."""
_OPERATORS: dict[Kind, str] = {
    "conv": "convolution",
    "linear": "linear addmm mm mv addmv bmm baddbmm",
    "matmul": "scaled_dot_product_flash_attention_for_cpu scaled_dot_product_flash_attention "
    "scaled_dot_product_efficient_attention scaled_dot_product_cudnn_attention",
    "norm": "native_batch_norm native_batch_norm_legit_no_training cudnn_batch_norm "
    "native_layer_norm native_group_norm fused_rms_norm",
    "activation": "relu silu gelu elu celu selu mish hardswish hardsigmoid hardtanh sigmoid tanh "
    "leaky_relu prelu_kernel softplus log_sigmoid_forward hardshrink softshrink threshold abs neg "
    "exp log log1p sqrt rsqrt pow square reciprocal sign erf sin cos clamp clamp_min clamp_max "
    "round floor ceil masked_fill",
    "softmax": "softmax log_softmax safe_softmax",
    "pool": "max_pool2d_with_indices avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d",
    "reduce": "mean sum amax amin var std linalg_vector_norm logsumexp",
    "resize": "upsample_nearest2d upsample_nearest_exact2d upsample_bilinear2d "
    "upsample_bicubic2d upsample_bilinear2d_aa upsample_bicubic2d_aa",
    "combine": "add sub rsub mul div maximum minimum where lerp addcmul addcdiv",
    "move": "view unsafe_view reshape_alias permute transpose t slice select split unbind "
    "split_with_sizes unsafe_split unsafe_split_with_sizes unsqueeze squeeze expand cat stack "
    "constant_pad_nd reflection_pad2d replication_pad2d clone to_copy copy index index_select "
    "flip roll pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle as_strided "
    "repeat unfold im2col",
}
KIND: dict[str, Kind] = {op: kind for kind, ops in _OPERATORS.items() for op in ops.split()}
_ALIASES = {
    "group_norm": "native_group_norm",
    "layer_norm": "native_layer_norm",
    "rms_norm": "fused_rms_norm",
    "batch_norm": "native_batch_norm native_batch_norm_legit_no_training cudnn_batch_norm",
    "attention": _OPERATORS["matmul"],
    "prelu": "prelu_kernel",
    "max": "max_pool2d_with_indices adaptive_max_pool2d",
    "avg": "avg_pool2d adaptive_avg_pool2d",
    "softmax": "safe_softmax",
    "view": "unsafe_view reshape_alias",
    "transpose": "t",
    "split": "split_with_sizes unsafe_split unsafe_split_with_sizes",
    "pad": "constant_pad_nd",
    "channel_shuffle": "native_channel_shuffle",
    "clone": "to_copy",
}
NAME = {operator: name for name, operators in _ALIASES.items() for operator in operators.split()}
