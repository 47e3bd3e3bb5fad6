"""Writes tests/golden/constraints.json: what transformers' constrained beam search finds.

    pip install torch==2.8.0 transformers==4.57.1 sentencepiece && python3 tests/golden/constraints.py

`generate()` of transformers 4.57.1 refuses constraints, but the classes are still there: `search` below is the loop of
`GenerationMixin._constrained_beam_search` of transformers 4.40 around `ConstrainedBeamSearchScorer`, one source at a time. Two
faults of the classes are mended: a token that breaks off a sequence may begin one itself, and a copied state does not share its
list of tokens with the original. Cases in which nothing meets the constraints, or in which rounding decides, are left out.

The cases of "arithmetic" are over the model of search.py, those of "checkpoints" over the tiny checkpoints of seq2seq/. Each has
`required`, `forbidden`, and what is found: the ids after the decoder's start (and forced first) token and before the end, and the
score that ranked them. A forbidden sequence never has a token of a required one: transformers gives forbidden tokens a place in
a bank.
"""

import ast
import json
import pathlib
import random

import torch
from transformers import AutoModelForSeq2SeqLM
from transformers.generation import beam_constraints, beam_search
from transformers.generation.logits_process import LogitsProcessorList, NoBadWordsLogitsProcessor
from transformers.utils import logging

HERE = pathlib.Path(__file__).parent
CHECKPOINTS = ["marian-tied", "marian-separate", "m2m100", "nllb", "mbart50", "t5-madlad", "t5-tied"]

# The constants and `logits` of search.py, which runs on import.
SEARCH = ast.parse((HERE / "search.py").read_text())
kept = [node for node in SEARCH.body if isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Tuple, ast.Name))
        and getattr(node.targets[0], "id", "") != "HERE" or isinstance(node, ast.FunctionDef) and node.name == "logits"]
exec(compile(ast.Module(kept, []), "search.py", "exec"))


class Progress(beam_constraints.ConstraintListState):
    def add(self, token):
        begun = self.inprogress_constraint is not None
        complete, stepped = super().add(token)
        return super().add(token) if begun and not stepped and not complete else (complete, stepped)

    def copy(self, stateful=True):
        new = Progress(self.constraints)
        new.reset(self.tokens)
        return new

    def reset(self, tokens):
        self.tokens = list(tokens or [])
        super().reset(tokens)


beam_constraints.ConstraintListState = beam_search.ConstraintListState = Progress


def search(step, start, forced, end, required, forbidden, beams, max_tokens, length_penalty=1.0, early_stopping=False):
    """The best output and its score: `step` gives the logits after rows of ids. None where a constraint is not met."""
    constraints = [beam_constraints.DisjunctiveConstraint(one) if len(one) > 1 else beam_constraints.PhrasalConstraint(one[0]) for one in required]
    scorer = beam_search.ConstrainedBeamSearchScorer(1, beams, constraints, "cpu", length_penalty=length_penalty, do_early_stopping=early_stopping,
                                                     max_length=1 + max_tokens)
    processors = LogitsProcessorList([NoBadWordsLogitsProcessor(forbidden, eos_token_id=torch.tensor([end]))] if forbidden else [])
    ids = torch.tensor([[start, *forced]] * beams)
    scores = torch.tensor([0.0] + [-1e9] * (beams - 1))
    while ids.shape[1] < 1 + max_tokens:
        all_scores = processors(ids, torch.log_softmax(step(ids), -1)) + scores[:, None]
        width = all_scores.shape[1]
        best, flat = torch.topk(all_scores.view(1, -1), 2 * beams, dim=1, largest=True, sorted=True)
        out = scorer.process(ids, best, flat % width, flat // width, all_scores.clone(), pad_token_id=end, eos_token_id=end, decoder_prompt_len=1)
        scores = out["next_beam_scores"]
        ids = torch.cat([ids[out["next_beam_indices"]], out["next_beam_tokens"][:, None]], -1)
        if scorer.is_done:
            break
    out = scorer.finalize(ids, scores, None, None, pad_token_id=end, eos_token_id=end, max_length=1 + max_tokens, decoder_prompt_len=1)
    found = out["sequences"][0].tolist()[1 + len(forced):]
    found = found[:found.index(end)] if end in found else found
    has = lambda words: any(found[i:i + len(words)] == words for i in range(len(found)))
    if not all(any(has(words) for words in one) for one in required):
        return None
    ranks = sorted((score for score, _, _ in scorer._beam_hyps[0].beams), reverse=True)
    if len(ranks) > 1 and ranks[0] - ranks[1] < 1e-4:
        return None
    return [found, round(out["sequence_scores"][0].item(), 5)]


def choose_constraints(rng, tokens):
    """Random requirements, none of whose sequences begins another, and forbidden sequences of other tokens."""
    tokens = rng.sample(tokens, len(tokens))
    kept, others = tokens[:len(tokens) // 2], tokens[len(tokens) // 2:]
    required = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        one = [rng.sample(kept, rng.choice([1, 2, 2, 3, 4])) for _ in range(rng.choice([1, 1, 2, 3, 5]))]
        one = [a for i, a in enumerate(one) if not any(a[:len(b)] == b for j, b in enumerate(one) if i != j)]
        if one:
            required.append(one)
    forbidden = [rng.sample(others, rng.choice([1, 2])) for _ in range(rng.choice([0, 0, 3, 12]))]
    return required or [[kept[:1]]], forbidden


def arithmetic():
    rng, cases, rows = random.Random(2), [], {}
    for _ in range(260):
        source, beams = rng.randrange(1000), rng.choice([2, 3, 4, 5, 8])
        required, forbidden = choose_constraints(rng, [token for token in range(2, VOCABULARY)])
        options = {"length_penalty": rng.choice([1.0, 1.0, 0.5, 1.4, 0.0]), "early_stopping": rng.choice([False, False, True, "never"])}
        case = {"source": source, "num_beams": beams, "max_new_tokens": rng.choice([12, 16, 20]), **options, "required": required, "forbidden": forbidden}

        def step(ids):
            keys = [(source, row[-2] if len(row) > 1 else VOCABULARY, row[-1]) for row in ids.tolist()]
            for key in keys:
                if key not in rows:
                    rows[key] = logits(*key)
            return torch.tensor([rows[key] for key in keys], dtype=torch.float32)

        if found := search(step, START, [], END, required, forbidden, beams, case["max_new_tokens"], **options):
            cases.append({**case, "found": found})
    return cases


def checkpoints():
    rng, cases = random.Random(3), []
    for name in CHECKPOINTS:
        model = AutoModelForSeq2SeqLM.from_pretrained(HERE / "seq2seq" / name, dtype=torch.float32).eval()
        generation = model.generation_config
        golden = json.loads((HERE / "seq2seq" / f"{name}.json").read_text())
        start = generation.decoder_start_token_id if generation.decoder_start_token_id is not None else model.config.decoder_start_token_id
        end = generation.eos_token_id if generation.eos_token_id is not None else model.config.eos_token_id
        forced = generation.forced_bos_token_id or model.config.forced_bos_token_id
        forced = [forced] if forced is not None else []
        written = sorted({token for line in golden["lines"] for token in line["beam"]} - {start, end, *forced})
        for line in golden["lines"][:4]:
            source, beams = torch.tensor([line["source_ids"]]), 4
            required, forbidden = choose_constraints(rng, written)
            encoded = model.get_encoder()(source)

            def step(ids):
                states = type(encoded)(last_hidden_state=encoded.last_hidden_state.expand(len(ids), -1, -1))
                return model(encoder_outputs=states, attention_mask=torch.ones(len(ids), source.shape[1], dtype=torch.long), decoder_input_ids=ids).logits[:, -1]

            with torch.no_grad():
                if found := search(step, start, forced, end, required, forbidden, beams, 24):
                    cases.append({"checkpoint": name, "source_ids": line["source_ids"], "start": [start, *forced], "end": end, "num_beams": beams,
                                  "max_new_tokens": 24, "required": required, "forbidden": forbidden, "found": found})
    return cases


def main():
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    lines = {key: [json.dumps(case, separators=(",", ":")) for case in cases()] for key, cases in (("arithmetic", arithmetic), ("checkpoints", checkpoints))}
    text = "{\n" + ",\n".join(f'"{key}": [\n' + ",\n".join(cases) + "\n]" for key, cases in lines.items()) + "\n}\n"
    (HERE / "constraints.json").write_text(text)
    print({key: len(cases) for key, cases in lines.items()}, len(text), "bytes")


main()
