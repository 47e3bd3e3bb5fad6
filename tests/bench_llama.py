"""Compares plae's speed and memory with llama.cpp's on the same GGUF file and the same prompts, one after the other in each round.

    python3 tests/bench_llama.py [--rounds N] [--counts N,N] [--single N] [--prompts N] [--longest N] PLAE MODEL.gguf SOURCE.th [FIRST]

PLAE is the built binary; SOURCE.th has one sentence a line, measured from line FIRST (0-based, by default 700) on, those of LONG
characters or more (gemma-3-270m is shown other examples for shorter ones). Both translate greedily on two threads, LONGEST tokens at
most, from the ids that plae makes of its prompt. Reading the examples that all prompts begin with is counted on neither side
(plae's warming up does it, llama.cpp does it before the clock starts), nor is loading.

    batches   COUNT sentences (48, then 200); llama.cpp has 16 at a time, plae what it takes
    single    sentences one at a time
    prompt    200 tokens read, no example among them, one token written; llama.cpp in one call of its own
    load      the file in the system's cache
    memory    the most that each process held with the most sentences; llama.cpp's also without what Python held before it

plae computes the tokens that English can use (`--vocabulary english`, what a model fetched by name gets), and all (`full`).
Needs llama-cpp-python and numpy. The lines of a round are printed as they come, the ratios of the rounds at the end.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time

THREADS, PARALLEL, READ, LONG = 2, 16, 200, 60


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


class Llama:
    """llama.cpp by its C functions."""

    def __init__(self, model):
        import llama_cpp
        import numpy

        self.api, self.numpy, self.before = llama_cpp, numpy, peak()
        start = time.time()
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(model.encode(), llama_cpp.llama_model_default_params())
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx, parameters.n_batch, parameters.n_seq_max = 320 * PARALLEL + 640, 2048, PARALLEL + 1
        parameters.n_threads = parameters.n_threads_batch = THREADS
        parameters.kv_unified = True
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        self.load = time.time() - start
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
        self.memory = llama_cpp.llama_get_memory(self.context)
        self.batch = llama_cpp.llama_batch_init(8192, 0, 1)

    def decode(self, entries):
        """`(token, position, sequence, whether logits are wanted)` each."""
        batch = self.batch
        for slot, (token, position, sequence, logits) in enumerate(entries):
            batch.token[slot], batch.pos[slot], batch.n_seq_id[slot], batch.logits[slot] = token, position, 1, logits
            batch.seq_id[slot][0] = sequence
        batch.n_tokens = len(entries)
        assert self.api.llama_decode(self.context, batch) == 0

    def best(self, slot):
        logits = self.api.llama_get_logits_ith(self.context, slot)
        return int(self.numpy.ctypeslib.as_array(logits, (self.size,)).argmax())

    def ends(self, token):
        buffer = ctypes.create_string_buffer(64)
        length = self.api.llama_token_to_piece(self.vocabulary, token, buffer, 64, 0, True)
        return b"\n" in buffer.raw[:max(0, length)] or self.api.llama_vocab_is_eog(self.vocabulary, token)

    def translate(self, prompts, parallel, longest):
        """Output tokens and seconds."""
        shared = len(os.path.commonprefix(prompts))
        api, memory = self.api, self.memory
        api.llama_memory_clear(memory, True)
        if shared:
            self.decode([(token, i, 0, 0) for i, token in enumerate(prompts[0][:shared])])
        order, written = sorted(range(len(prompts)), key=lambda i: len(prompts[i])), 0
        start = time.time()
        for first in range(0, len(order), parallel):
            group, entries, last = order[first:first + parallel], [], []
            for sequence, index in enumerate(group, 1):
                api.llama_memory_seq_rm(memory, sequence, -1, -1)
                api.llama_memory_seq_cp(memory, 0, sequence, -1, -1)
                prompt = prompts[index]
                entries += [(prompt[i], i, sequence, i == len(prompt) - 1) for i in range(shared, len(prompt))]
                last.append(len(entries) - 1)
            self.decode(entries)
            live = {s: (self.best(slot), len(prompts[i]), 0) for s, (i, slot) in enumerate(zip(group, last), 1)}
            while live := {s: v for s, v in live.items() if v[2] < longest and not self.ends(v[0])}:
                self.decode([(token, position, s, 1) for s, (token, position, _) in live.items()])
                written += len(live)
                live = {s: (self.best(slot), at + 1, n + 1) for slot, (s, (_, at, n)) in enumerate(live.items())}
        return written, time.time() - start

    def read(self, prompts):
        start = time.time()
        for prompt in prompts:
            self.api.llama_memory_clear(self.memory, True)
            self.decode([(token, i, 0, i == len(prompt) - 1) for i, token in enumerate(prompt)])
            self.best(len(prompt) - 1)
        return sum(map(len, prompts)), time.time() - start


def child(model, job):
    """llama.cpp in a process of its own: the job's figures as JSON."""
    job = json.loads(job)
    llama = Llama(model)
    llama.read([job["prompts"][0][:8]])
    if job["read"]:
        tokens, seconds = llama.read(job["prompts"])
    else:
        tokens, seconds = llama.translate(job["prompts"], job["parallel"], job["longest"])
    print(json.dumps({"tokens": tokens, "seconds": seconds, "load": llama.load, "peak": peak(), "before": llama.before}))


def output(command, text=None):
    run = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if run.returncode:
        sys.exit(run.stderr.decode())
    return run.stdout.decode()


class Comparison:
    def __init__(self, binary, model, longest, directory):
        self.binary, self.model, self.longest, self.directory, self.ratios = binary, model, longest, directory, {}

    def prompts(self, lines, *options):
        """The ids that plae gives the model for each line."""
        command = [self.binary, "translate", "--model", self.model, "--split", "line", "--normalize", "off", "--format", "jsonl",
                   "--ids", "--max-tokens", "1", "-q", *options, "-"]
        segments = output(command, "".join(line + "\n" for line in lines).encode()).splitlines()[1:]
        return [json.loads(segment)["source_ids"] for segment in segments]

    def llama(self, prompts, parallel, read=False):
        job = json.dumps({"prompts": prompts, "parallel": parallel, "longest": self.longest, "read": read})
        return json.loads(output([sys.executable, __file__, "--child", self.model], job.encode()))

    def plae(self, lines, vocabulary, *options, longest=None):
        path = os.path.join(self.directory, "lines.th")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        return json.loads(output([self.binary, "bench", "--json", "--model", self.model, "--split", "line", "--normalize", "off",
                                  "--quality", "fast", "--max-tokens", str(longest or self.longest), "--vocabulary", vocabulary,
                                  *options, path]))

    def note(self, name, vocabulary, ratio):
        self.ratios.setdefault((name, vocabulary), []).append(ratio)

    def translate(self, name, lines, parallel, *options):
        llama = self.llama(self.prompts(lines), parallel)
        rate = llama["tokens"] / llama["seconds"]
        memory = f"{llama['peak'] / 1e6:.0f} MB, {(llama['peak'] - llama['before']) / 1e6:.0f} without Python"
        print(f"{name:14} llama.cpp     {rate:6.1f} tokens/s  {len(lines) / llama['seconds']:5.2f} sentences/s  "
              f"load {llama['load']:.2f} s  {memory}", flush=True)
        for vocabulary in ("english", "full"):
            plae = self.plae(lines, vocabulary, *options)
            ratio = plae["tokens_per_second"] / rate
            self.note(name, vocabulary, ratio)
            print(f"{name:14} plae {vocabulary:8} {plae['tokens_per_second']:6.1f} tokens/s  {plae['sentences_per_second']:5.2f} sentences/s"
                  f"  load {plae['load_seconds']:.2f} s  {plae['peak_memory_bytes'] / 1e6:.0f} MB  {ratio:.2f}x", flush=True)

    def read(self, text, count):
        # As many characters as make the tokens that are asked for, in prompts that have nothing else.
        def ids(start, length):
            return self.prompts([text[start:start + length]], "--prompt", "{text}")[0]

        lines, start = [], 0
        while len(lines) < count:
            low, high = 1, 4 * READ
            while low < high:
                middle = (low + high) // 2
                low, high = (low, middle) if len(ids(start, middle)) >= READ else (middle + 1, high)
            lines.append(text[start:start + low])
            start += low
        prompts = self.prompts(lines, "--prompt", "{text}")
        llama = self.llama(prompts, 1, read=True)
        rate = llama["tokens"] / llama["seconds"]
        print(f"{'prompt':14} llama.cpp     {rate:6.0f} tokens/s", flush=True)
        for vocabulary in ("english", "full"):
            plae = self.plae(lines, vocabulary, "--prompt", "{text}", "--batch-tokens", "1", longest=1)
            own = plae["source_tokens"] / plae["seconds"]
            self.note("prompt", vocabulary, own / rate)
            print(f"{'prompt':14} plae {vocabulary:8} {own:6.0f} tokens/s  {own / rate:.2f}x", flush=True)


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(sys.argv[2], sys.stdin.read())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--counts", default="48,200")
    parser.add_argument("--single", type=int, default=12)
    parser.add_argument("--prompts", type=int, default=6)
    parser.add_argument("--longest", type=int, default=256)
    parser.add_argument("plae")
    parser.add_argument("model")
    parser.add_argument("source")
    parser.add_argument("first", type=int, nargs="?", default=700)
    options = parser.parse_args()
    counts = [int(count) for count in options.counts.split(",") if count]
    if 1 in (options.single, *counts):
        parser.error("one prompt alone does not show what all begin with; take 2")
    with open(options.source, encoding="utf-8") as file:
        lines = [line for line in file.read().split("\n")[options.first:] if len(line) >= LONG]
    with tempfile.TemporaryDirectory() as directory:
        comparison = Comparison(options.plae, options.model, options.longest, directory)
        for _ in range(options.rounds):
            for count in counts:
                comparison.translate(f"{count} in batches", lines[:count], PARALLEL)
            if options.single:
                comparison.translate(f"{options.single} single", lines[:options.single], 1, "--batch-tokens", "1")
            if options.prompts:
                comparison.read("".join(lines).replace(" ", ""), options.prompts)
    for (name, vocabulary), ratios in comparison.ratios.items():
        print(f"{name:14} {vocabulary:8} {', '.join(f'{ratio:.2f}' for ratio in ratios)} times llama.cpp")


if __name__ == "__main__":
    main()
