"""Scaled dot-product attention, by whichever way is faster."""

import torch
import torch.nn.functional as F
from torch import Tensor

# On a CPU the fused kernel wins from here on in float32 and float64, and loses for smaller windows and in half
# precision, above all in its backward pass (benchmarks/attention.py).
MIN_TOKENS_FOR_SDPA_ON_CPU = 32


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    bias: Tensor | None = None,
    scale: float | None = None,
    want_scores: bool = False,
    explicit: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """``softmax(scale · q kᵀ + bias) v`` over the last two dimensions.

    Args:
        query: ``(..., tokens, d)``.
        key: ``(..., tokens, d)``.
        value: ``(..., tokens, e)``.
        bias: added to the logits, broadcastable to ``(..., tokens, tokens)``.
        scale: 1 / sqrt(d) unless given.
        want_scores: return the softmax too, so that other values can be weighted by it.
        explicit: compute the product as the formula says, on any device.

    Returns:
        The result ``(..., tokens, e)``, and the scores ``(..., tokens, tokens)`` or None.
    """
    if not (want_scores or explicit) and _sdpa_is_faster(query):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=scale), None
    if scale is None:
        scale = float(query.shape[-1]) ** -0.5
    logits = (query * scale) @ key.transpose(-2, -1)
    scores = torch.softmax(logits if bias is None else logits + bias, dim=-1)
    return scores @ value, scores if want_scores else None


def _sdpa_is_faster(query: Tensor) -> bool:
    if query.device.type != "cpu":
        return True
    return query.dtype in (torch.float32, torch.float64) and query.shape[-2] >= MIN_TOKENS_FOR_SDPA_ON_CPU
