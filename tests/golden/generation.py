"""Writes tests/golden/generation.json: pairs of config.json and generation_config.json, and how transformers searches then.

    pip install torch==2.8.0 transformers==4.57.1 && python3 tests/golden/generation.py

Each pair is loaded as a checkpoint is, with a tiny model of its class, and the settings are those that `generate` without
arguments would use.
"""

import json
import pathlib
import tempfile

import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM, GenerationConfig
from transformers.utils import logging

HERE = pathlib.Path(__file__).parent
TINY = {"vocab_size": 40, "d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 1,
        "decoder_attention_heads": 1, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8}
MARIAN = {"model_type": "marian", **TINY, "decoder_vocab_size": 40, "pad_token_id": 39, "eos_token_id": 0,
          "max_position_embeddings": 64}
M2M = {"model_type": "m2m_100", **TINY, "max_position_embeddings": 10}
MBART = {"model_type": "mbart", **TINY, "max_position_embeddings": 64}
T5 = {"model_type": "t5", "vocab_size": 40, "d_model": 8, "d_kv": 8, "d_ff": 8, "num_layers": 1, "num_heads": 1}
OPUS = {**MARIAN, "decoder_start_token_id": 39, "num_beams": 6, "max_length": 50, "bad_words_ids": [[39]], "bos_token_id": 0,
        "forced_eos_token_id": 0}
SPECIAL = {"decoder_start_token_id": 39, "eos_token_id": 0, "pad_token_id": 39}

CASES = [
    # Only a config.json, as old checkpoints have it; keys left out are the class's.
    (OPUS, None),
    ({**MARIAN, "decoder_start_token_id": 39}, None),
    ({**MARIAN, "decoder_start_token_id": 39, "forced_eos_token_id": None}, None),
    (M2M, None),
    ({**M2M, "max_length": 30, "early_stopping": True, "num_beams": 5}, None),
    (MBART, None),
    ({**MBART, "decoder_start_token_id": 2, "forced_bos_token_id": 7, "min_length": 3, "length_penalty": 2}, None),
    ({**T5, "decoder_start_token_id": 0}, None),
    ({**T5, "decoder_start_token_id": 0, "n_positions": 512, "suppress_tokens": [3, 4], "begin_suppress_tokens": [5]}, None),
    # Only generation_config.json counts.
    (OPUS, {**SPECIAL, "num_beams": 2}),
    (OPUS, {**SPECIAL, "num_beams": 4, "max_length": 20, "renormalize_logits": True, "bad_words_ids": [[39], [3, 4]],
            "forced_eos_token_id": 0}),
    (OPUS, {"bos_token_id": 5, "eos_token_id": [0, 3], "forced_eos_token_id": [3, 0], "early_stopping": "never",
            "length_penalty": -0.5, "no_repeat_ngram_size": 3, "repetition_penalty": 1.25}),
    (M2M, {"decoder_start_token_id": 2, "eos_token_id": 2, "max_new_tokens": 77, "max_length": 200, "min_new_tokens": 2,
           "min_length": 9}),
    (M2M, {"decoder_start_token_id": 2, "eos_token_id": 2, "max_length": 200, "min_length": 9}),
    ({**T5, "decoder_start_token_id": 0}, {"decoder_start_token_id": 0, "eos_token_id": 1, "do_sample": True,
                                           "temperature": 0.5, "top_k": 7, "top_p": 0.25}),
    # One derived from config.json: it counts unless config.json asks for something unusual.
    (OPUS, {**SPECIAL, "_from_model_config": True, "num_beams": 2}),
    ({**MARIAN, "decoder_start_token_id": 39, "forced_eos_token_id": 0, "num_beams": 1},
     {**SPECIAL, "_from_model_config": True, "num_beams": 2}),
    ({**MARIAN, "decoder_start_token_id": 39, "forced_eos_token_id": 3},
     {**SPECIAL, "_from_model_config": True, "num_beams": 2}),
    ({**MARIAN, "decoder_start_token_id": 39, "forced_eos_token_id": None, "length_penalty": 1},
     {**SPECIAL, "_from_model_config": True, "num_beams": 3, "renormalize_logits": True}),
    ({**MARIAN, "decoder_start_token_id": 39, "early_stopping": True},
     {**SPECIAL, "_from_model_config": True, "num_beams": 3, "renormalize_logits": True}),
]


def settings(config, generation):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "config.json").write_text(json.dumps(config))
        model = AutoModelForSeq2SeqLM.from_config(AutoConfig.from_pretrained(folder))
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
        if generation is not None:
            (folder / "generation_config.json").write_text(json.dumps(generation))
        model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    found, _ = model._prepare_generation_config(None)
    model._prepare_special_tokens(found)
    sources = torch.tensor([[1, 2]])
    found = model._prepare_generated_length(found, True, True, "input_ids", 1, sources)
    end = found._eos_token_tensor
    end = None if end is None else end.tolist()
    return {
        "start": int(found._decoder_start_token_tensor), "end": end[0] if end and len(end) == 1 else end,
        "pad": found.pad_token_id, "forced_first": found.forced_bos_token_id, "forced_end": found.forced_eos_token_id,
        "beam": found.num_beams, "max_tokens": found.max_length - 1, "min_tokens": max(found.min_length - 1, 0),
        "length_penalty": float(found.length_penalty), "early_stopping": found.early_stopping,
        "no_repeat_ngram": found.no_repeat_ngram_size, "repetition_penalty": found.repetition_penalty,
        "bad_words": found.bad_words_ids or [], "suppress": found.suppress_tokens or [],
        "begin_suppress": found.begin_suppress_tokens or [], "renormalize": found.renormalize_logits,
        "sample": found.do_sample, "temperature": found.temperature, "top_k": found.top_k, "top_p": found.top_p,
    }


def main():
    logging.set_verbosity_error()
    cases = [{"config": c, "generation": g, "expected": settings(c, g)} for c, g in CASES]
    (HERE / "generation.json").write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")
    print(len(cases), GenerationConfig().transformers_version)


main()
