"""torch's operators by the kind of layer they are, and the names that a graph gives them.

An operator is identified by its namespace and name (`aten::relu`, `quantized::linear`); one that is
in no table is `other`, whatever its bare name resembles. The bare name, without underscores at its
ends, names the row, so that `add_` is `add`.
"""

from gensynth.graph.graph import Kind


def _aten(text: str) -> frozenset[str]:
    return frozenset(f"aten::{word}" for word in text.split())


VANISHING = _aten("alias detach lift lift_fresh native_dropout")
"""Operators that change nothing when a network is evaluated."""
VALUE_FREE = _aten(
    "empty_like zeros_like ones_like full_like rand_like randn_like new_empty new_zeros new_ones "
    "new_full new_empty_strided"
)
"""Operators that read the shape of a tensor, not its values."""
TOLD_BY_SHAPE = frozenset(
    [
        "view",
        "unsafe_view",
        "reshape_alias",
        "t",
        "clone",
        "to_copy",
        "copy",
        "unsqueeze",
        "squeeze",
        "expand",
        "split",
        "unbind",
        "split_with_sizes",
        "unsafe_split",
        "unsafe_split_with_sizes",
    ]
)
"""Moves whose arguments follow from the shapes they read and make."""
_ATEN: dict[Kind, str] = {
    "conv": "convolution",
    "linear": "linear addmm mm mv addmv bmm baddbmm dot mkldnn_rnn_layer",
    "matmul": "scaled_dot_product_flash_attention_for_cpu scaled_dot_product_flash_attention "
    "scaled_dot_product_efficient_attention scaled_dot_product_cudnn_attention",
    "norm": "native_batch_norm native_batch_norm_legit_no_training cudnn_batch_norm "
    "batch_norm_no_update native_batch_norm_legit native_layer_norm native_group_norm "
    "fused_rms_norm",
    "activation": "relu relu6 silu gelu elu celu selu mish hardswish hardsigmoid hardtanh sigmoid "
    "tanh leaky_relu prelu_kernel prelu rrelu_with_noise softplus log_sigmoid_forward hardshrink "
    "softshrink threshold abs neg exp exp2 expm1 log log1p log2 log10 sqrt rsqrt pow square "
    "reciprocal sign sgn erf erfc erfinv sin cos tan asin acos atan sinh cosh asinh acosh atanh "
    "sinc logit clamp clamp_min clamp_max round floor ceil trunc frac masked_fill nan_to_num "
    "isnan isinf logical_not bitwise_not eq ne lt le gt ge remainder fmod fill bernoulli uniform "
    "normal zero quantize_per_tensor quantize_per_channel quantize_per_tensor_dynamic dequantize "
    "fake_quantize_per_tensor_affine_cachemask fake_quantize_per_channel_affine_cachemask "
    "fake_quantize_per_tensor_affine_cachemask_tensor_qparams fused_moving_avg_obs_fq_helper "
    "int_repr i0 lgamma digamma polar angle special_entr heaviside isfinite signbit",
    "softmax": "softmax log_softmax safe_softmax",
    "pool": "max_pool2d_with_indices avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d "
    "max_pool3d_with_indices avg_pool3d adaptive_avg_pool3d adaptive_max_pool3d "
    "max_pool2d quantized_max_pool2d",
    "reduce": "mean sum amax amin var std linalg_vector_norm norm logsumexp prod any all nansum "
    "max min aminmax median var_mean std_mean",
    "resize": "upsample_nearest2d upsample_nearest_exact2d upsample_bilinear2d "
    "upsample_bicubic2d upsample_bilinear2d_aa upsample_bicubic2d_aa upsample_nearest1d "
    "upsample_linear1d upsample_nearest3d upsample_trilinear3d grid_sampler_2d",
    "combine": "add sub rsub mul div maximum minimum where lerp addcmul addcdiv fmax fmin atan2 "
    "hypot logaddexp floor_divide logical_and logical_or logical_xor bitwise_and bitwise_or "
    "bitwise_xor complex copysign xlogy foreach_add",
    "move": "view unsafe_view reshape_alias permute transpose t slice select split unbind "
    "split_with_sizes unsafe_split unsafe_split_with_sizes unsqueeze squeeze expand cat stack "
    "constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d "
    "replication_pad2d replication_pad3d clone to_copy copy index index_select gather take "
    "flip roll rot90 pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle "
    "as_strided repeat repeat_interleave unfold im2col view_as_real view_as_complex real imag "
    "conj resolve_conj resolve_neg neg_view diagonal tril triu narrow movedim contiguous "
    "slice_scatter select_scatter as_strided_copy view_copy",
    "mix": "cumsum cumprod cummax cummin logcumsumexp sort topk argsort argmax argmin kthvalue "
    "glu embedding col2im scatter scatter_add scatter_reduce index_put index_add index_copy "
    "index_fill masked_scatter masked_select nonzero one_hot bincount searchsorted bucketize "
    "unique2 unique_dim max_unpool2d local_response_norm renorm multinomial cross diff histc "
    "native_channel_norm pixel_norm count_nonzero mode",
}
_QUANTIZED: dict[Kind, str] = {
    "conv": "conv1d conv1d_relu conv2d conv2d_relu conv2d_add conv2d_add_relu conv3d conv3d_relu",
    "linear": "linear linear_relu linear_dynamic linear_relu_dynamic linear_leaky_relu linear_tanh",
    "combine": "add add_relu mul mul_relu add_out mul_out add_scalar mul_scalar",
    "activation": "hardswish sigmoid elu leaky_relu relu6 celu relu prelu gelu softmax",
    "move": "cat cat_relu",
    "norm": "batch_norm2d batch_norm2d_relu layer_norm group_norm instance_norm",
}
_DECOMPOSED: dict[Kind, str] = {
    "activation": "quantize_per_tensor dequantize_per_tensor quantize_per_channel "
    "dequantize_per_channel quantize_per_token dequantize_per_token "
    "fake_quant_per_channel convert_element_type",
}
"""Steps of an exported program that was quantised; its products are aten's."""
_TABLES = {"aten": _ATEN, "quantized": _QUANTIZED, "quantized_decomposed": _DECOMPOSED}
KIND: dict[str, Kind] = {
    f"{namespace}::{name}": kind
    for namespace, table in _TABLES.items()
    for kind, names in table.items()
    for name in names.split()
}
"""The kind of a known operator, by namespace and name without underscores at its ends."""
OVERLOADS: dict[str, Kind] = {
    "aten::max.other": "combine",
    "aten::min.other": "combine",
    "aten::sort.values_stable": "mix",
}
"""Overloads that are of another kind than the operator's others."""
_ALIASES = {
    "group_norm": "native_group_norm",
    "layer_norm": "native_layer_norm",
    "rms_norm": "fused_rms_norm",
    "batch_norm": "native_batch_norm native_batch_norm_legit_no_training cudnn_batch_norm "
    "batch_norm_no_update native_batch_norm_legit",
    "attention": _ATEN["matmul"],
    "prelu": "prelu_kernel",
    "max": "max_pool2d_with_indices adaptive_max_pool2d max_pool3d_with_indices "
    "adaptive_max_pool3d quantized_max_pool2d max_pool2d",
    "avg": "avg_pool2d adaptive_avg_pool2d avg_pool3d adaptive_avg_pool3d",
    "softmax": "safe_softmax",
    "view": "unsafe_view reshape_alias",
    "transpose": "t",
    "split": "split_with_sizes unsafe_split unsafe_split_with_sizes",
    "pad": "constant_pad_nd",
    "channel_shuffle": "native_channel_shuffle",
    "clone": "to_copy",
}
NAME = {operator: name for name, operators in _ALIASES.items() for operator in operators.split()}
"""The name of a row, where it is not the operator's bare name."""
