"""Compares plae with Hugging Face transformers on the same encoder-decoder checkpoint: source ids and target ids.

    pip install torch==2.8.0 transformers==4.57.1 sentencepiece protobuf
    python3 tests/parity_transformers.py PLAE DIR LINES.th [--beam 1,4] [--max-tokens N] [--limit N] [--precision f32]

PLAE is the built binary, DIR a checkpoint, LINES.th has one sentence a line; lines without Thai are left out, as plae
copies them. A beam of `config` is the width that the checkpoint's own generation configuration asks for. transformers
translates one line at a time, in float32, with the tokenizer of `tokenizer.json` where DIR has one and else with
sentencepiece. Where two tokens or two hypotheses are within 0.001 of each other, a choice depends on rounding: such a
line may differ. Exits with 1 when any other line does.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

import torch
import transformers

NEAR_TIE = 1e-3
THAI = re.compile("[\u0e01-\u0e5b]")


class Reference:
    """A checkpoint as transformers runs it, with Thai as its source language and English as its target."""

    def __init__(self, path, model=None):
        path = pathlib.Path(path)
        fast = (path / "tokenizer.json").exists()
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(path, use_fast=fast)
        self.model = model or transformers.AutoModelForSeq2SeqLM.from_pretrained(
            path, dtype=torch.float32, attn_implementation="eager")
        self.model.eval()
        self.prefix, self.first = "", None
        vocabulary, kind = self.tokenizer.get_vocab(), self.model.config.model_type
        if kind == "marian":
            self.prefix = ">>eng<< " if ">>eng<<" in vocabulary else ""
            # Beam search takes the size of the logits from here, which is the source's where the vocabularies are separate.
            self.model.config.vocab_size = self.model.config.decoder_vocab_size
        elif kind == "t5":
            self.prefix = "<2en> " if "<2en>" in vocabulary else ""
        elif "tha_Thai" in vocabulary:
            self.tokenizer.src_lang, self.first = "tha_Thai", self.tokenizer.convert_tokens_to_ids("eng_Latn")
        elif "th_TH" in vocabulary:
            self.tokenizer.src_lang, self.first = "th_TH", self.tokenizer.convert_tokens_to_ids("en_XX")
        elif "small100" in path.resolve().name:
            self.tokenizer.src_lang = "en"
        else:
            self.tokenizer.src_lang, self.first = "th", self.tokenizer.get_lang_id("en")

    def source_ids(self, line):
        """What the encoder gets: language tokens, the line's tokens, the end."""
        return self.tokenizer(self.prefix + line).input_ids

    def translate(self, source_ids, beam, max_tokens):
        """The target ids, without start, forced first token and end, and the smallest margin of all choices on the way."""
        ids, margins = torch.tensor([source_ids]), []
        options = {"max_new_tokens": max_tokens} if max_tokens else {}
        if beam:
            options["num_beams"] = beam
        if self.first is not None:
            options["forced_bos_token_id"] = self.first
        configuration = self.model.generation_config
        ends = torch.tensor(configuration.eos_token_id).reshape(-1)
        self._watch(margins, ends)
        with torch.no_grad():
            out = self.model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, output_scores=True,
                                      return_dict_in_generate=True, **options)
        if (beam or configuration.num_beams) == 1:
            best = torch.stack(out.scores)[:, 0].topk(2).values
            margins.append((best[:, 0] - best[:, 1]).min().item())
        target = out.sequences[0, 1:].tolist()
        forced = self.first if self.first is not None else configuration.forced_bos_token_id
        if forced is not None and target and target[0] == forced:
            target = target[1:]
        stop = next((i for i, token in enumerate(target) if token in ends), len(target))
        return target[:stop], min(margins)

    def _watch(self, margins, ends):
        """Lets beam search write down how near each of its choices came to another one."""
        model, kind = self.model, type(self.model)

        def continuations(accumulated_log_probs, num_beams, beams_to_keep, vocab_size, **others):
            values, indices = accumulated_log_probs[0].topk(beams_to_keep + 1)
            end = torch.isin(indices % vocab_size, ends)
            kept, cut = values[num_beams - 1], values[num_beams]
            # Which hypotheses end, and which of the others go on.
            margins.extend((values[:num_beams][end[:num_beams]] - cut).tolist())
            margins.extend((kept - values[num_beams:][end[num_beams:]]).tolist())
            open_values = values[~end]
            if len(open_values) > num_beams:
                margins.append((open_values[num_beams - 1] - open_values[num_beams]).item())
            return kind._get_top_k_continuations(model, accumulated_log_probs=accumulated_log_probs, num_beams=num_beams,
                                                 beams_to_keep=beams_to_keep, vocab_size=vocab_size, **others)

        best = []

        def finished(**arguments):
            found = kind._update_finished_beams(model, **arguments)
            scores = found[1][0].sort(descending=True).values
            # The last step's counts: replaces what the step before left.
            best[:] = [(scores[0] - scores[1]).item()]
            return found

        def heuristic(**arguments):
            if arguments["is_sent_finished"].all() and arguments["early_stopping"] is False:
                length = arguments["cur_len"] - arguments["decoder_prompt_len"]
                possible = arguments["running_beam_scores"][0, 0] / length ** arguments["length_penalty"]
                margins.append(abs(possible - arguments["beam_scores"].min()).item())
            return kind._check_early_stop_heuristic(**arguments)

        def unfinished(*arguments):
            more = kind._beam_search_has_unfinished_sequences(*arguments)
            if not more:
                margins.extend(best)
            return more

        model._get_top_k_continuations, model._update_finished_beams = continuations, finished
        model._check_early_stop_heuristic, model._beam_search_has_unfinished_sequences = heuristic, unfinished


def plae(binary, path, lines, beam, max_tokens, precision):
    """The segments for these lines, one a line, and the seconds it took, loading included."""
    command = [binary, "translate", "--model", path, "--split", "line", "--normalize", "off", "--format", "jsonl", "--ids", "-q"]
    command += ["--beam", str(beam)] if beam else []
    command += ["--max-tokens", str(max_tokens)] if max_tokens else []
    command += ["--precision", precision] if precision else []
    start = time.perf_counter()
    run = subprocess.run(command + ["-"], input="".join(line + "\n" for line in lines).encode(), stdout=subprocess.PIPE)
    seconds = time.perf_counter() - start
    # 1 says that a segment was flagged, and random weights are.
    if run.returncode not in (0, 1):
        sys.exit(f"plae failed with {run.returncode}")
    segments = [json.loads(line) for line in run.stdout.decode().splitlines()[1:]]
    if [segment["source"] for segment in segments] != lines:
        sys.exit("plae's segments are not the lines")
    return segments, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plae")
    parser.add_argument("dir")
    parser.add_argument("lines")
    parser.add_argument("--beam", default="1,4")
    parser.add_argument("--max-tokens", type=int)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--precision")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    lines = [line.strip() for line in pathlib.Path(options.lines).read_text(encoding="utf-8").split("\n")]
    lines = [line for line in lines if THAI.search(line)][:options.limit]

    reference = Reference(options.dir)
    sources = [reference.source_ids(line) for line in lines]
    failed = False
    for beam in options.beam.split(","):
        width = None if beam == "config" else int(beam)
        segments, seconds = plae(options.plae, options.dir, lines, width, options.max_tokens, options.precision)
        start = time.perf_counter()
        expected = [reference.translate(ids, width, options.max_tokens) for ids in sources]
        theirs = time.perf_counter() - start
        same_source = same = near = 0
        for line, segment, source, (target, margin) in zip(lines, segments, sources, expected):
            if segment["source_ids"] != source:
                print(f"  source ids differ: {line}\n    plae         {segment['source_ids']}\n    transformers {source}")
                continue
            same_source += 1
            if segment["target_ids"] == target:
                same += 1
                continue
            near += margin < NEAR_TIE
            print(f"  {'near tie' if margin < NEAR_TIE else 'target ids differ'}, margin {margin:.2g}: {line}")
            print(f"    plae         {segment['target_ids']}\n    transformers {target}")
        ties = sum(margin < NEAR_TIE for _, margin in expected)
        distinct = len({tuple(target) for target, _ in expected})
        print(f"beam {beam}: source ids of {same_source} and target ids of {same} of {len(lines)} lines identical, {near} of "
              f"{ties} near ties differ, {distinct} distinct outputs; plae {seconds:.2f} s with loading, transformers {theirs:.2f} s")
        failed |= same_source < len(lines) or same + near < len(lines)
    print("DIFFERS" if failed else "agrees")
    sys.exit(failed)


if __name__ == "__main__":
    main()
