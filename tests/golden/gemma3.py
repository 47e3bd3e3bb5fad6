"""Writes tests/golden/tiny-gemma3.gguf, a Gemma 3 with random weights, and what transformers computes with it.

    pip install torch==2.8.0 transformers==4.57.1 gguf && python3 tests/golden/gemma3.py

Every part is at work: two key-value heads, a window shorter than the texts, a global layer with scaled rotary
positions and a layer after it, all the types of weights of the real file but the K ones. The logits are those of the last
position of each text, the ids those of greedy search.
"""

import json
import pathlib

import gguf
import numpy
import torch
from gguf import GGMLQuantizationType as Type
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

HERE = pathlib.Path(__file__).parent
WIDTH, DIM, HEADS, GROUPS, FEED_FORWARD, LAYERS, WINDOW, POSITIONS = 64, 32, 4, 2, 96, 7, 6, 400
WORDS = ["\u2581", "a", "b", "e", "t", "\u2581t", "\u2581te", "ab", "ก", "า", "กา", "ร", "การ", "ำ", "น", "นำ"]
PIECES = ([(t, 3, -1000.0) for t in ["<pad>", "<eos>", "<bos>", "<unk>"]] + [(t, 4, -1000.0) for t in ["\n", "\n\n"]]
          + [(f"<0x{b:02X}>", 6, -1000.0) for b in range(256)] + [(t, 1, -float(i)) for i, t in enumerate(WORDS)])
NAMES = {"self_attn.q_proj": ("attn_q", Type.Q5_0), "self_attn.k_proj": ("attn_k", Type.Q5_0),
         "self_attn.v_proj": ("attn_v", Type.Q8_0), "self_attn.o_proj": ("attn_output", Type.Q4_0),
         "mlp.gate_proj": ("ffn_gate", Type.Q5_0), "mlp.up_proj": ("ffn_up", Type.Q5_0), "mlp.down_proj": ("ffn_down", Type.F16),
         "input_layernorm": ("attn_norm", Type.F32), "post_attention_layernorm": ("post_attention_norm", Type.F32),
         "pre_feedforward_layernorm": ("ffn_norm", Type.F32), "post_feedforward_layernorm": ("post_ffw_norm", Type.F32),
         "self_attn.q_norm": ("attn_q_norm", Type.F32), "self_attn.k_norm": ("attn_k_norm", Type.F32)}


def tensor_name(name):
    """The GGUF name and type of a transformers parameter."""
    if name == "model.embed_tokens.weight":
        return "token_embd.weight", Type.Q8_0
    if name == "model.norm.weight":
        return "output_norm.weight", Type.F32
    layer, part = name.removeprefix("model.layers.").removesuffix(".weight").split(".", 1)
    return f"blk.{layer}.{NAMES[part][0]}.weight", NAMES[part][1]


def main():
    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=len(PIECES), hidden_size=WIDTH, intermediate_size=FEED_FORWARD, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=GROUPS, head_dim=DIM, query_pre_attn_scalar=DIM,
        sliding_window=WINDOW, max_position_embeddings=POSITIONS, rope_theta=1e6, rope_local_base_freq=1e4,
        rope_scaling={"rope_type": "linear", "factor": 8.0}, attn_implementation="eager",
        layer_types=["full_attention" if i % 6 == 5 else "sliding_attention" for i in range(LAYERS)],
        pad_token_id=0, eos_token_id=1, bos_token_id=2)
    model = Gemma3ForCausalLM(config).float().eval()

    writer = gguf.GGUFWriter(HERE / "tiny-gemma3.gguf", "gemma3")
    writer.add_name("tiny random Gemma 3")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q5_0)
    writer.add_context_length(POSITIONS)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(GROUPS)
    writer.add_key_length(DIM)
    writer.add_value_length(DIM)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_sliding_window(WINDOW)
    writer.add_rope_freq_base(1e6)
    writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
    writer.add_rope_scaling_factor(8.0)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _, _ in PIECES])
    writer.add_token_scores([score for _, _, score in PIECES])
    writer.add_token_types([kind for _, kind, _ in PIECES])
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(3)
    writer.add_add_space_prefix(False)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            gguf_name, kind = tensor_name(name)
            norm = "norm" in name
            # Small embeddings, or the model would only repeat its last token.
            values = torch.randn_like(parameter) * (0.2 if norm else 0.1 if "embed" in name else 0.5)
            # The file holds what multiplies; transformers adds the 1 itself.
            stored = (values + 1 if norm else values).numpy()
            data = stored if kind == Type.F32 else gguf.quants.quantize(stored, kind)
            exact = stored if kind == Type.F32 else gguf.quants.dequantize(data, kind)
            parameter.copy_(torch.from_numpy(numpy.array(exact - 1 if norm else exact)))
            writer.add_tensor(gguf_name, data, raw_dtype=None if kind in (Type.F32, Type.F16) else kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    texts = []
    for length in (1, 2, 5, WINDOW + 1, 3 * WINDOW, 60):
        ids = [2] + torch.randint(6, len(PIECES), (length,)).tolist()
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1].tolist()
            out = model.generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False, suppress_tokens=[1])
        texts.append({"ids": ids, "logits": [round(x, 4) for x in logits], "greedy": out[0, len(ids):].tolist()})
    (HERE / "tiny-gemma3.json").write_text(json.dumps(texts, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
