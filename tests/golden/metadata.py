"""Writes tests/golden/metadata.json: GGUF files whose metadata is written in other ways, and what llama.cpp makes of them.

    pip install gguf==0.19.0 llama-cpp-python==0.3.36 numpy
    python3 tests/golden/metadata.py

Each variant is a file of tests/golden/decoder in which some keys are set or removed, as converters other than the one that wrote
it do. metadata.json has these changes, so that the tests of plae can make the same file, and llama.cpp's answer: the ids that end a
generation, and for some lines the ids of greedy search with the smallest margin on the way; or `refused`, where llama.cpp does
not load the file.
"""

import concurrent.futures
import json
import multiprocessing
import os
import pathlib
import sys
import tempfile

import gguf
import llama_cpp
import numpy

HERE = pathlib.Path(__file__).parent
MAX_TOKENS = 20
LINES = (0, 2, 6, 7, 12, 14, 18, 21, 22, 29, 35)

# name: (file, keys to set with the type of each, keys to remove, tokens to rename by id, tokens whose type changes by id)
VARIANTS = {
    # llama.cpp#13322 and neighbours: the window of Gemma 3.
    "gemma3 as it is": ("gemma3", {}),
    "no window": ("gemma3", {}, ["gemma3.attention.sliding_window"]),
    "window of 0": ("gemma3", {"gemma3.attention.sliding_window": ("u32", 0)}),
    "every third layer global": ("gemma3", {"gemma3.attention.sliding_window_pattern": ("u32", 3)}),
    "every layer global": ("gemma3", {"gemma3.attention.sliding_window_pattern": ("u32", 1)}),
    "no layer global": ("gemma3", {"gemma3.attention.sliding_window_pattern": ("u32", 0)}),
    "windows by a list of booleans": ("gemma3", {"gemma3.attention.sliding_window_pattern": ("[bool]", [True, False, True, True, False, True, True])}),
    "windows by a list of numbers": ("gemma3", {"gemma3.attention.sliding_window_pattern": ("[u32]", [0, 1, 0, 1, 1, 1, 0])}),
    "windows by a short list": ("gemma3", {"gemma3.attention.sliding_window_pattern": ("[bool]", [True, True, False])}),
    # The rotation.
    "a factor without a type": ("gemma3", {"gemma3.rope.scaling.factor": ("f32", 8.0)}),
    "a linear factor": ("gemma3", {"gemma3.rope.scaling.type": ("str", "linear"), "gemma3.rope.scaling.factor": ("f32", 8.0)}),
    "the old name of the factor": ("gemma3", {"gemma3.rope.scale_linear": ("f32", 4.0)}),
    "both names of the factor": ("gemma3", {"gemma3.rope.scale_linear": ("f32", 4.0), "gemma3.rope.scaling.factor": ("f32", 2.0)}),
    "a factor of type none": ("gemma3", {"gemma3.rope.scaling.type": ("str", "none"), "gemma3.rope.scaling.factor": ("f32", 8.0)}),
    "a factor of 0": ("gemma3", {"gemma3.rope.scaling.factor": ("f32", 0.0)}),
    "the base of windowed layers": ("gemma3", {"gemma3.rope.freq_base_swa": ("f32", 300.0)}),
    "YaRN of Gemma 3": ("gemma3", {"gemma3.rope.scaling.type": ("str", "yarn"), "gemma3.rope.scaling.factor": ("f32", 4.0),
                                   "gemma3.rope.scaling.original_context_length": ("u32", 32)}),
    "a factor of attention": ("gemma3", {"gemma3.rope.scaling.attn_factor": ("f32", 1.3)}),
    "a cap on the logits": ("gemma3", {"gemma3.final_logit_softcapping": ("f32", 0.7)}),
    "a cap of 0": ("gemma3", {"gemma3.final_logit_softcapping": ("f32", 0.0)}),
    "heads of keys by a list": ("gemma3", {"gemma3.attention.head_count_kv": ("[u32]", [2] * 7)}),
    "heads of keys by a list that varies": ("gemma3", {"gemma3.attention.head_count_kv": ("[u32]", [2, 2, 2, 1, 2, 2, 2])}),
    "heads of keys by a short list": ("gemma3", {"gemma3.attention.head_count_kv": ("[u32]", [2] * 6)}),
    "sizes by lists": ("gemma3", {"gemma3.attention.head_count": ("[i32]", [4] * 7), "gemma3.feed_forward_length": ("[i32]", [40] * 7)}),
    "no epsilon": ("gemma3", {}, ["gemma3.attention.layer_norm_rms_epsilon"]),
    "a part of each head rotated": ("gemma3", {"gemma3.rope.dimension_count": ("u32", 8)}),
    "experts": ("gemma3", {"gemma3.expert_count": ("u32", 4), "gemma3.expert_used_count": ("u32", 2)}),
    "gemma2 as it is": ("gemma2", {}),
    "Gemma 2 without caps": ("gemma2", {}, ["gemma2.attn_logit_softcapping", "gemma2.final_logit_softcapping"]),
    "Gemma 2 with every third layer global": ("gemma2", {"gemma2.attention.sliding_window_pattern": ("u32", 3)}),
    "Gemma 2 with a factor without a type": ("gemma2", {"gemma2.rope.scaling.factor": ("f32", 4.0)}),
    "Gemma 2 with a base of windowed layers": ("gemma2", {"gemma2.rope.freq_base_swa": ("f32", 500.0)}),
    "Gemma 2 with both": ("gemma2", {"gemma2.rope.freq_base_swa": ("f32", 500.0), "gemma2.rope.scale_linear": ("f32", 2.0)}),
    "Gemma 2 with a factor of type none": ("gemma2", {"gemma2.rope.scaling.type": ("str", "none"), "gemma2.rope.scaling.factor": ("f32", 4.0)}),
    "Gemma 2 with YaRN": ("gemma2", {"gemma2.rope.scaling.type": ("str", "yarn"), "gemma2.rope.scaling.factor": ("f32", 4.0),
                                     "gemma2.rope.scaling.original_context_length": ("u32", 32)}),
    "llama as it is": ("llama", {}),
    "Llama with a factor without a type": ("llama", {"llama.rope.scaling.factor": ("f32", 4.0)}),
    "Llama with the old name of the factor": ("llama", {"llama.rope.scale_linear": ("f32", 4.0)}),
    "Llama with YaRN": ("llama", {"llama.rope.scaling.type": ("str", "yarn"), "llama.rope.scaling.factor": ("f32", 4.0),
                                  "llama.rope.scaling.original_context_length": ("u32", 64)}),
    "Llama with YaRN of the context": ("llama", {"llama.rope.scaling.type": ("str", "yarn"), "llama.rope.scaling.factor": ("f32", 2.0)}),
    "Llama with longrope": ("llama", {"llama.rope.scaling.type": ("str", "longrope"), "llama.rope.scaling.factor": ("f32", 2.0)}),
    "Llama without a base": ("llama", {}, ["llama.rope.freq_base"]),
    "Llama with heads of keys by a list": ("llama", {"llama.attention.head_count_kv": ("[i32]", [2, 2, 2])}),
    "Llama with one expert": ("llama", {"llama.expert_count": ("u32", 0), "llama.expert_used_count": ("u32", 0)}),
    "qwen3 as it is": ("qwen3", {}),
    "Qwen 3 with YaRN": ("qwen3", {"qwen3.rope.scaling.type": ("str", "yarn"), "qwen3.rope.scaling.factor": ("f32", 4.0),
                                   "qwen3.rope.scaling.original_context_length": ("u32", 32), "qwen3.rope.freq_base": ("f32", 10000.0)}),
    "Qwen 3 with YaRN and a factor of attention": ("qwen3", {
        "qwen3.rope.scaling.type": ("str", "yarn"), "qwen3.rope.scaling.factor": ("f32", 4.0), "qwen3.rope.scaling.attn_factor": ("f32", 0.8),
        "qwen3.rope.scaling.original_context_length": ("u32", 32), "qwen3.rope.freq_base": ("f32", 10000.0)}),
    "Qwen 3 with a factor without a type": ("qwen3", {"qwen3.rope.scaling.factor": ("f32", 2.0)}),
    "hunyuan as it is": ("hunyuan", {}),
    "Hunyuan with alpha": ("hunyuan", {"hunyuan-dense.rope.freq_base": ("f32", 10000.0), "hunyuan-dense.rope.scaling.alpha": ("f32", 1000.0)}),
    # unsloth#468 and neighbours: ends of generation that no key names.
    "an end by its text": ("gemma3", {}, [], {9: "<|im_end|>"}),
    "an end by its text that is no control token": ("gemma3", {}, [], {300: "<end_of_turn>", 8: "<x>"}, {300: 1}),
    "no key of an end": ("gemma3", {}, ["tokenizer.ggml.eos_token_id"]),
    "another end": ("gemma3", {"tokenizer.ggml.eos_token_id": ("u32", 300)}),
    "an end of a turn": ("gemma3", {"tokenizer.ggml.eot_token_id": ("u32", 300), "tokenizer.ggml.eom_token_id": ("u32", 290)}),
    "an end beyond the tokens": ("gemma3", {"tokenizer.ggml.eos_token_id": ("u32", 5000)}),
    "ends of code": ("gemma3", {"tokenizer.ggml.fim_pad_token_id": ("u32", 300)}),
    "Llama that names one end of three": ("llama", {"tokenizer.ggml.eos_token_id": ("u32", 366)}),
    "ends of gpt-oss": ("llama", {"tokenizer.ggml.eos_token_id": ("u32", 367)}, [], {368: "<|return|>", 369: "<|call|>", 371: "<|end|>"}),
    "a normal </s>": ("llama", {}, [], {368: "<|tool_response>", 370: "</s>"}),
    "Qwen that names no end of a turn": ("qwen3", {"tokenizer.ggml.eos_token_id": ("u32", 376)}),
    "Qwen with another end": ("qwen3", {"tokenizer.ggml.eos_token_id": ("u32", 300)}),
}

ADD = {"u32": "add_uint32", "i32": "add_int32", "f32": "add_float32", "str": "add_string", "bool": "add_bool"}


def write(target, base, keys, removed=(), renamed=(), types=()):
    """Writes the file with some keys and tokens changed."""
    reader = gguf.GGUFReader(HERE / "decoder" / f"{base}.gguf")
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture" or name in keys or name in removed:
            continue
        value = field.contents()
        for which, changes in (("tokens", renamed), ("token_type", types)):
            if name == f"tokenizer.ggml.{which}":
                for i, new in dict(changes).items():
                    value[i] = new
        sub = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, value, field.types[0], sub)
    for name, (kind, value) in keys.items():
        if kind.startswith("["):
            sub = {"u32": gguf.GGUFValueType.UINT32, "i32": gguf.GGUFValueType.INT32, "bool": gguf.GGUFValueType.BOOL}[kind[1:-1]]
            writer.add_key_value(name, value, gguf.GGUFValueType.ARRAY, sub)
        else:
            getattr(writer, ADD[kind])(name, value)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_shape=tensor.data.shape, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def answer(file, sources):
    """What llama.cpp makes of the file."""
    try:
        # 0: keys and values in float32 too.
        llm = llama_cpp.Llama(str(file), n_ctx=256, n_threads=1, n_threads_batch=1, type_k=0, type_v=0, verbose=False)
    except ValueError:
        return {"refused": True}
    vocabulary = llama_cpp.llama_model_get_vocab(llm._model.model)
    is_end = lambda token: bool(llama_cpp.llama_vocab_is_eog(vocabulary, token))  # noqa: E731
    lines = []
    for source in sources:
        llm.reset()
        llm.eval(source)
        out, margin = [], 1e3
        while len(out) < MAX_TOKENS:
            logits = numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llm._ctx.ctx, -1), (llm.n_vocab(),))
            second, first = numpy.sort(numpy.partition(logits, -2)[-2:]).tolist()
            margin = min(margin, first - second)
            token = int(logits.argmax())
            if is_end(token):
                break
            out.append(token)
            llm.eval([token])
        lines.append({"greedy": out, "margin": float(f"{margin:.3g}")})
    return {"ends": [i for i in range(llm.n_vocab()) if is_end(i)], "lines": lines}


def answer_apart(file, sources):
    """The answer of a process of its own: llama.cpp ends its process on some files."""
    pool = concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    try:
        return pool.submit(answer, file, sources).result()
    except concurrent.futures.process.BrokenProcessPool:
        return {"refused": True}
    finally:
        pool.shutdown()


def main():
    if not (HERE / "decoder/gemma2.gguf").exists():
        import decoder

        # Not compared with transformers: the file does not say query_pre_attn_scalar, and llama.cpp takes another.
        decoder.convert(HERE / "decoder/gemma2", None)
    os.environ["GGML_NO_BACKTRACE"] = "1"
    found = []
    sources = {}
    for base in ("gemma2", "gemma3", "llama", "qwen3", "hunyuan"):
        lines = json.loads((HERE / "decoder" / f"{base}.json").read_text(encoding="utf-8"))["lines"]
        sources[base] = [lines[i]["source_ids"] for i in LINES]
    for name, (base, keys, *changes) in VARIANTS.items():
        removed, renamed, types = (changes + [[], {}, {}][len(changes):])[:3]
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "variant.gguf"
            write(file, base, keys, removed, renamed, types)
            got = answer_apart(file, sources[base])
        print(name, "refused" if "refused" in got else [len(line["greedy"]) for line in got["lines"]], file=sys.stderr)
        entry = {"name": name, "file": base, "set": {key: value for key, (_, value) in keys.items()}, "remove": removed, "texts": renamed, "types": types}
        found.append({key: value for key, value in entry.items() if value} | got)
    golden = {"llama_cpp": llama_cpp.__version__, "max_tokens": MAX_TOKENS, "sources": sources, "variants": found}
    text = json.dumps(golden, ensure_ascii=False, separators=(",", ":")).replace('{"name"', '\n{"name"')
    (HERE / "metadata.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
