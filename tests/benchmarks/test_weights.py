"""Our language half in llama.cpp's order of rows: what turns halves here turns neighbours there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.peers.weights import language_tensors
from tests.tiny import tiny_model

Numbers = npt.NDArray[np.float32]


def angles(size: int, position: int) -> Numbers:
    return np.float32(position) * np.float32(100.0) ** (-np.arange(size // 2, dtype=np.float32) * 2 / size)


def halves(states: Numbers, position: int) -> Numbers:
    first, second = np.split(states, 2)
    turn = angles(len(states), position)
    return np.concatenate(
        [first * np.cos(turn) - second * np.sin(turn), second * np.cos(turn) + first * np.sin(turn)]
    )


def neighbours(states: Numbers, position: int) -> Numbers:
    first, second = states[0::2], states[1::2]
    turn = angles(len(states), position)
    turned = np.empty_like(states)
    turned[0::2] = first * np.cos(turn) - second * np.sin(turn)
    turned[1::2] = second * np.cos(turn) + first * np.sin(turn)
    return turned


def test_queries_and_keys_meet_as_before() -> None:
    model = tiny_model(2)
    text = model.get_decoder()
    found = language_tensors(model)
    layer = text.layers[1].self_attn
    states = np.random.default_rng(0).normal(size=text.config.hidden_size).astype(np.float32)
    size = text.config.hidden_size // text.config.num_attention_heads
    query, key = (part.weight.detach().numpy() @ states for part in (layer.q_proj, layer.k_proj))
    theirs_query, theirs_key = (found[f"blk.1.{name}.weight"] @ states for name in ("attn_q", "attn_k"))
    for head in range(text.config.num_attention_heads):
        mine = slice(head * size, (head + 1) * size)
        here = halves(query[mine], 5) @ halves(key[:size], 3)
        there = neighbours(theirs_query[mine], 5) @ neighbours(theirs_key[:size], 3)
        assert np.isclose(here, there, rtol=1e-4)
    assert not np.allclose(theirs_query, query)


def test_every_tensor_has_a_name_of_theirs() -> None:
    model = tiny_model()
    found = language_tensors(model)
    assert len(found) == len(model.get_decoder().state_dict())
    assert {
        "token_embd.weight",
        "output_norm.weight",
        "blk.0.ffn_gate.weight",
        "blk.1.attn_norm.weight",
    } <= set(found)
