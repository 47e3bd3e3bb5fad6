"""Writes tests/golden/search.json: what transformers' own search finds over a model whose logits are simple arithmetic.

    pip install torch==2.8.0 transformers==4.57.1 && python3 tests/golden/search.py

The logits of a row are those of `logits` below, a function of the source and the last two tokens: exact in float32, and no
two of a row alike. `src/decode/tests.rs` computes the same. Each case has the options that differ from the defaults and,
for each source, the hypotheses: the ids after the decoder's start and forced first token and before the end, and the score
that ranked them (none in greedy search).
"""

import json
import pathlib
import random

import torch
from torch import nn
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput
from transformers.utils import logging

HERE = pathlib.Path(__file__).parent
VOCABULARY, START, PAD, END, FIRST, LAST = 40, 1, 1, 0, 7, 5
MASK = 0xFFFF_FFFF


def logits(source, before, last):
    """One row of logits, multiples of 2^-17 between -4 and 4; those of the end are raised by 1."""
    row = []
    for token in range(VOCABULARY):
        x = (source * 73856093 ^ before % 2 * 19349663 ^ last * 83492791 ^ token * 2654435761) & MASK
        for _ in range(2):
            x = (x ^ x >> 16) * 0x45D9F3B & MASK
        row.append(((x ^ x >> 16) % 2**14 * 64 + token) / 2**17 - 4 + (token == END))
    return row


class Config(PretrainedConfig):
    model_type = "arithmetic"

    def __init__(self, **kwargs):
        super().__init__(is_encoder_decoder=True, vocab_size=VOCABULARY, **kwargs)
        self.vocab_size = VOCABULARY


class Encoder(nn.Module):
    main_input_name = "input_ids"

    def forward(self, input_ids, attention_mask=None, return_dict=True, **_):
        return BaseModelOutput(last_hidden_state=input_ids[:, :, None].float())


class Model(PreTrainedModel, GenerationMixin):
    config_class = Config
    main_input_name = "input_ids"

    def __init__(self, config):
        super().__init__(config)
        self.encoder, self.weight, self.rows = Encoder(), nn.Parameter(torch.zeros(1)), {}

    def get_encoder(self):
        return self.encoder

    def prepare_inputs_for_generation(self, input_ids, encoder_outputs=None, **_):
        return {"decoder_input_ids": input_ids, "encoder_outputs": encoder_outputs}

    def forward(self, input_ids=None, decoder_input_ids=None, encoder_outputs=None, attention_mask=None, **_):
        sources = encoder_outputs.last_hidden_state[:, 0, 0].long().tolist()
        rows = []
        for source, ids in zip(sources, decoder_input_ids.tolist(), strict=True):
            key = source, ids[-2] if len(ids) > 1 else VOCABULARY, ids[-1]
            if key not in self.rows:
                self.rows[key] = logits(*key)
            rows.append(self.rows[key])
        return Seq2SeqLMOutput(logits=torch.tensor(rows, dtype=torch.float32)[:, None])


def run(model, case):
    """The hypotheses of each source; none for a case in which rounding decides, as where the same bigrams come in another
    order."""
    case = dict(case)
    sources = torch.tensor(case.pop("sources"))[:, None]
    beam, best = case.get("num_beams", 1), case.pop("num_return_sequences", 1)
    config = GenerationConfig(decoder_start_token_id=START, pad_token_id=PAD, use_cache=False,
                              **{"eos_token_id": END, "num_return_sequences": beam, **case})
    out = model.generate(sources, attention_mask=torch.ones_like(sources), generation_config=config,
                         return_dict_in_generate=True, output_scores=True)
    skip = 1 + ("forced_bos_token_id" in case)
    ends = case.get("eos_token_id", END)
    ends = ends if isinstance(ends, list) else [ends]
    scores = out.sequences_scores.tolist() if beam > 1 else [None] * len(out.sequences)
    found = []
    for ids, score in zip(out.sequences.tolist(), scores, strict=True):
        ids = ids[skip:]
        end = min((ids.index(end) for end in ends if end in ids), default=len(ids))
        # Places in which nothing has finished are no hypotheses.
        found.append([ids[:end], score and round(score, 5)] if score is None or score > -1e7 else None)
    found = [[h for h in found[i:i + beam] if h] for i in range(0, len(found), beam)]
    if any(a[1] - b[1] < 1e-5 for one in found for a, b in zip(one, one[1:])):
        return None
    return [one[:best] for one in found]


def cases():
    rng = random.Random(1)
    # What may be forced is in no list of what is banned: transformers then has nothing left to choose from.
    some = lambda n: rng.sample([token for token in range(2, VOCABULARY) if token not in (FIRST, LAST)], n)
    options = {
        "length_penalty": lambda: rng.choice([0.0, 0.5, 0.6, 1.4, 2.0, -0.5, -1.0]),
        "early_stopping": lambda: rng.choice([True, "never"]),
        "no_repeat_ngram_size": lambda: rng.choice([1, 2, 3]),
        "repetition_penalty": lambda: rng.choice([0.75, 1.25, 1.5, 3.0]),
        "bad_words_ids": lambda: [some(1), some(1), [END], some(2), some(2), [START, *some(1)], some(3), *(
            [a, b] for a in some(6) for b in some(4))],
        "suppress_tokens": lambda: some(6),
        "begin_suppress_tokens": lambda: [END, *some(12)],
        "min_new_tokens": lambda: rng.choice([1, 3, 5]),
        "forced_bos_token_id": lambda: FIRST,
        "forced_eos_token_id": lambda: rng.choice([END, LAST]),
        "renormalize_logits": lambda: True,
        "eos_token_id": lambda: rng.choice([[END, 4], [3, END, 9], [6], [END, 2, 3, 5, 8]]),
    }
    for beam in [1, 2, 4, 5]:
        alone = [[key] for key in options]
        mixed = [rng.sample(list(options), rng.randint(2, 5)) for _ in range(100)]
        for keys in [[], [], [], *alone, *alone, *mixed]:
            case = {key: options[key]() for key in keys}
            if beam > 1:
                case |= {"num_beams": beam}
                if rng.random() < 0.3:
                    case |= {"num_return_sequences": rng.randint(2, beam)}
            else:
                case = {k: v for k, v in case.items() if k not in ("early_stopping", "length_penalty")}
            # A minimum that forbids a forced end is the one thing that is decided otherwise on purpose.
            least = case.get("min_new_tokens", 0) + ("forced_bos_token_id" in case) + ("begin_suppress_tokens" in case)
            tokens = max(rng.choice([2, 4, 7, 12, 20]), least + 1)
            yield {"max_new_tokens": tokens, "sources": rng.sample(range(1000), 3), **case}


def main():
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    model = Model(Config()).eval()
    lines = []
    for case in cases():
        if found := run(model, case):
            lines.append(json.dumps({**case, "found": found}, separators=(",", ":")))
    text = "[\n" + ",\n".join(lines) + "\n]\n"
    (HERE / "search.json").write_text(text)
    print(len(lines), "cases,", len(text), "bytes")


main()
