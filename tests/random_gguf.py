"""Writes a GGUF file of Gemma 3 4B's or Qwen 3 4B's dimensions with random weights of the types of Q4_K_M, to measure with.

    pip install gguf numpy
    python3 tests/random_gguf.py gemma3|qwen3 VOCABULARY.gguf OUT.gguf [LAYERS]

The tokenizer is that of VOCABULARY.gguf, a file of the same architecture (gemma-3-270m for gemma3,
tests/golden/decoder/qwen3.gguf for qwen3), filled up with tokens that no text has. Blocks are written as random bytes under
scales that keep the values small. Measured with it: memory, loading time and tokens/s, by `plae bench` and by llama.cpp.
"""

import pathlib
import sys

import gguf
import numpy

# Width, size of the feed-forward layer, layers, heads of queries and of keys, size of a head, vocabulary.
SHAPES = {
    "gemma3": dict(width=2560, inner=10240, layers=34, heads=8, groups=4, dim=256, vocabulary=262144),
    "qwen3": dict(width=2560, inner=9728, layers=36, heads=32, groups=8, dim=128, vocabulary=151936),
}
Q4, Q6, F32 = gguf.GGMLQuantizationType.Q4_K, gguf.GGMLQuantizationType.Q6_K, gguf.GGMLQuantizationType.F32


def blocks(kind, rows, columns, random):
    """Random blocks as bytes, (rows, bytes of a row), with a zero mean."""
    count, size = rows * columns // 256, gguf.GGML_QUANT_SIZES[kind][1]
    data = numpy.frombuffer(random.bytes(count * size), dtype=numpy.uint8).reshape(count, size).copy()
    half = lambda value: numpy.frombuffer(numpy.float16(value).tobytes(), dtype=numpy.uint8)
    if kind == Q4:
        data[:, 0:2], data[:, 2:4] = half(1e-4), half(7.5e-4)
    else:
        data[:, 208:210] = half(2e-5)
    return data.reshape(rows, columns // 256 * size)


def main(architecture, vocabulary, out, layers=None):
    shape = SHAPES[architecture]
    width, layers = shape["width"], int(layers or shape["layers"])
    random = numpy.random.default_rng(1)
    reader = gguf.GGUFReader(vocabulary)
    writer = gguf.GGUFWriter(out, architecture)
    for field in reader.fields.values():
        if field.name.startswith("tokenizer."):
            value, kinds = field.contents(), field.types
            if field.name in ("tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type"):
                fill = {"tokens": "<filler {}>", "scores": -1e6, "token_type": 5}[field.name.rsplit(".", 1)[1]]
                value += [fill.format(i) if isinstance(fill, str) else fill for i in range(len(value), shape["vocabulary"])]
            sub = kinds[1] if len(kinds) > 1 else None
            writer.add_key_value(field.name, value, kinds[0], sub)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    writer.add_context_length(32768)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(shape["inner"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["groups"])
    writer.add_key_length(shape["dim"])
    writer.add_value_length(shape["dim"])
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    if architecture == "gemma3":
        writer.add_sliding_window(1024)

    def matrix(name, kind, rows, columns):
        data = blocks(kind, rows, columns, random)
        writer.add_tensor(f"{name}.weight", data, raw_dtype=kind)

    def norm(name, size):
        writer.add_tensor(f"{name}.weight", numpy.ones(size, dtype=numpy.float32))

    matrix("token_embd", Q6, shape["vocabulary"], width)
    norm("output_norm", width)
    queries, keys = shape["heads"] * shape["dim"], shape["groups"] * shape["dim"]
    for layer in range(layers):
        at = f"blk.{layer}."
        # llama.cpp's `use_more_bits`.
        more = layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
        best = Q6 if more else Q4
        for name in ["attn_norm", "ffn_norm"] + ["post_attention_norm", "post_ffw_norm"] * (architecture == "gemma3"):
            norm(at + name, width)
        for name in ["attn_q_norm", "attn_k_norm"]:
            norm(at + name, shape["dim"])
        matrix(at + "attn_q", Q4, queries, width)
        matrix(at + "attn_k", Q4, keys, width)
        matrix(at + "attn_v", best, keys, width)
        matrix(at + "attn_output", Q4, width, queries)
        matrix(at + "ffn_gate", Q4, shape["inner"], width)
        matrix(at + "ffn_up", Q4, shape["inner"], width)
        matrix(at + "ffn_down", best, width, shape["inner"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{out}: {pathlib.Path(out).stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main(*sys.argv[1:])
