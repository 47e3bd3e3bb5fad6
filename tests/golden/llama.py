"""Writes tests/golden/gemma-3-270m.json: ids and greedy translations by llama.cpp of the lines in tests/golden/lines.th,
and by how much the logit of each token written, and of the end, exceeds the next best.

    python3 tests/golden/llama.py MODEL.gguf

Needs llama-cpp-python 0.3.36 and the file that models/gemma-3-270m.toml names. The prompt is that manifest's.
"""

import json
import pathlib
import sys
import tomllib

import llama_cpp
import numpy

HERE = pathlib.Path(__file__).parent
MAX_TOKENS = 60


def main():
    manifest = tomllib.loads((HERE / "../../models/gemma-3-270m.toml").read_text(encoding="utf-8"))
    prompt = manifest["prompt"]["template"]
    lines = (HERE / "lines.th").read_text(encoding="utf-8").split("\n")[:-1]
    llm = llama_cpp.Llama(sys.argv[1], n_ctx=2048, n_threads=2, n_threads_batch=2, verbose=False)
    ends = {i for i in range(llm.n_vocab()) if b"\n" in llm.detokenize([i])} | {llm.token_eos()}
    entries = []
    for line in lines:
        ids = llm.tokenize(prompt.replace("{text}", line).encode(), add_bos=True, special=False)
        llm.reset()
        llm.eval(ids)
        out, margins = [], []
        while len(out) < MAX_TOKENS:
            logits = numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llm._ctx.ctx, -1), (llm.n_vocab(),))
            second, first = numpy.sort(numpy.partition(logits, -2)[-2:]).tolist()
            margins.append(round(first - second, 3))
            token = int(logits.argmax())
            if token in ends:
                break
            out.append(token)
            llm.eval([token])
        entries.append({"source_ids": ids, "target_ids": out, "margins": margins})
    golden = {"llama_cpp": llama_cpp.__version__, "max_tokens": MAX_TOKENS, "prompt": prompt, "lines": entries}
    path = HERE / "gemma-3-270m.json"
    path.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
