"""Compares plae with llama.cpp on the same GGUF file and the same prompt: token ids, greedy translations, chrF2.

    python3 tests/parity_llama.py [--f32] PLAE MODEL.gguf SOURCE.th REFERENCE.en [FIRST] [COUNT]

PLAE is the built binary; SOURCE.th and REFERENCE.en have one sentence a line. Ids are compared on all lines of LONG characters or
more (gemma-3-270m is shown other examples for shorter ones), translations on those of COUNT lines from FIRST (0-based, by default
200 from 700) on. llama.cpp also translates with its other kind of attention: how far it agrees with itself then is how far any two
programs that round differently can agree.

With --f32, without that, neither side rounds activations or keys and values: llama.cpp gets the same weights written out in float32
(to a temporary file of four bytes a weight) and a float32 cache, plae `--precision f32`.

Needs llama-cpp-python, sacrebleu and, for --f32, gguf. Exits with 1 when ids differ, when chrF2 differs by more than 0.5,
or when with --f32 fewer than 80 % of the translations are identical.
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile

import llama_cpp
import numpy
import sacrebleu

MAX_TOKENS = 120
LONG = 60


def plae(binary, model, lines, max_tokens, precision):
    """The JSONL header and segments for these lines, one segment a line."""
    command = [binary, "translate", "--model", model, "--split", "line", "--normalize", "off", "--format", "jsonl",
               "--ids", "--max-tokens", str(max_tokens), "--precision", precision, "-q", "-"]
    run = subprocess.run(command, input="".join(line + "\n" for line in lines).encode(), stdout=subprocess.PIPE)
    if run.returncode:
        sys.exit(f"plae failed with {run.returncode}")
    header, *segments = [json.loads(line) for line in run.stdout.decode().splitlines()]
    assert len(segments) == len(lines), f"{len(segments)} segments for {len(lines)} lines"
    return header, segments


def load(model, flash_attention, cache):
    return llama_cpp.Llama(model, n_ctx=2048, n_threads=2, n_threads_batch=2, flash_attn=flash_attention, type_k=cache,
                           type_v=cache, verbose=False)


def write_f32(model):
    """A copy of a GGUF file with every tensor in float32; gives its path."""
    import gguf
    reader = gguf.GGUFReader(model)
    directory = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, directory)
    path = os.path.join(directory, "f32.gguf")
    writer = gguf.GGUFWriter(path, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name not in ("general.architecture", "general.file_type"):
            inner = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], inner)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32)
        writer.add_tensor(tensor.name, values.reshape(tensor.shape[::-1]))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def greedy(llm, prompts, count):
    """Output ids for the first `count` prompts, without what ends them; the prompts' common start is read once."""
    ends = {i for i in range(llm.n_vocab()) if b"\n" in llm.detokenize([i], special=False)}
    ends |= {llm.token_eos(), llama_cpp.llama_vocab_eot(llama_cpp.llama_model_get_vocab(llm._model.model))}
    common = min(next((i for i, (a, b) in enumerate(zip(prompts[0], ids)) if a != b), len(ids)) for ids in prompts[1:])
    llm.reset()
    llm.eval(prompts[0][:common])
    outputs = []
    for ids in prompts[:count]:
        llm.n_tokens = common
        llm.eval(ids[common:])
        out = []
        while len(out) < MAX_TOKENS:
            logits = numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llm._ctx.ctx, -1), (llm.n_vocab(),))
            token = int(logits.argmax())
            if token in ends:
                break
            out.append(token)
            llm.eval([token])
        outputs.append(out)
    return outputs


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--f32"]
    exact = len(arguments) < len(sys.argv) - 1
    binary, model, source, reference = arguments[:4]
    first, count = (int(arguments[4]), int(arguments[5])) if len(arguments) > 5 else (700, 200)
    precision, cache = ("f32", llama_cpp.GGML_TYPE_F32) if exact else ("auto", llama_cpp.GGML_TYPE_F16)
    pairs = list(zip(*(open(path, encoding="utf-8").read().splitlines() for path in (source, reference))))
    wanted = [pair for pair in pairs[first:first + count] if len(pair[0]) >= LONG]
    rest = [pair for pair in pairs[:first] + pairs[first + count:] if len(pair[0]) >= LONG]
    thai, english = [pair[0] for pair in wanted + rest], [pair[1] for pair in wanted]
    count = len(wanted)

    header, segments = plae(binary, model, thai, 1, precision)
    prompt = header["parameters"]["prompt"]
    weights = write_f32(model) if exact else model
    llm = load(weights, False, cache)
    expected = [llm.tokenize(prompt.replace("{text}", line).encode(), add_bos=True, special=False) for line in thai]
    same_ids = sum(a["source_ids"] == b for a, b in zip(segments, expected))
    print(f"source ids identical: {same_ids} of {len(thai)} lines")

    _, segments = plae(binary, model, thai[:count], MAX_TOKENS, precision)
    ours = [segment["target"] for segment in segments]
    their_ids = greedy(llm, expected, count)
    theirs = [" ".join(llm.detokenize(out).decode("utf-8", "replace").split()) for out in their_ids]
    other = their_ids if exact else greedy(load(model, True, cache), expected, count)

    same_text = sum(a == b for a, b in zip(ours, theirs))
    same_out = sum(segment["target_ids"] == out for segment, out in zip(segments, their_ids))
    print(f"greedy translations identical: {same_text} of {count} texts, {same_out} of {count} id sequences")
    scores = [sacrebleu.corpus_chrf(texts, [english]).score for texts in (ours, theirs)]
    print(f"chrF2: plae {scores[0]:.2f}, llama.cpp {scores[1]:.2f}")
    same_self = sum(a == b for a, b in zip(their_ids, other))
    if not exact:
        print(f"llama.cpp with and without flash attention: {same_self} of {count} id sequences identical")
    agree = same_ids == len(thai) and abs(scores[0] - scores[1]) <= 0.5
    agree = agree and (not exact or same_text >= 0.8 * count)
    print("agrees" if agree else "DIFFERS")
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
