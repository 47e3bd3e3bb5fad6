"""Writes tests/golden/transformers5: the small files of checkpoints as transformers 5 saves them, and ids that it computes.

    pip install 'transformers==5.24.0' torch==2.8.0 safetensors sentencepiece==0.2.3 protobuf
    python3 tests/golden/transformers5.py

transformers 5 loads each checkpoint of tests/golden/decoder and tests/golden/seq2seq and saves it again. NAME has what it then wrote
besides the weights, which are the same numbers under the same names. Loaded from there, the ids must be those that transformers 4.57.1 computed, but for near ties. `variants.json` has other settings of the same
weights, each as the config.json that transformers 5 saves, with the source ids of a few lines and the ids of its greedy search.

It cannot load marian-separate, whose vocabularies differ in size. What its own conversion of a sentencepiece model makes of T5's and
mBART's user-defined pieces and unknown characters differs from the model: of those tokenizers only NLLB's, which had a tokenizer.json
before, is kept.
"""

import json
import pathlib
import shutil
import tempfile

import torch
import transformers

HERE = pathlib.Path(__file__).parent
OUT = HERE / "transformers5"
NEAR_TIE = 1e-3
KEPT = ["config.json", "generation_config.json", "tokenizer_config.json"]
WITH_TOKENIZER = ["nllb"]
WITHOUT_TOKENIZER = ["mbart50", "t5-madlad", "t5-tied"]
LINES = 12


def rope(**parameters):
    """Sets the rotation's parameters, in the form that transformers 5 has."""
    return lambda config: setattr(config, "rope_parameters", parameters)


def nested(full, sliding):
    return rope(full_attention=full, sliding_attention=sliding)


def window(config):
    config.use_sliding_window, config.sliding_window = True, 8
    config.layer_types = ["full_attention", "sliding_attention", "sliding_attention"]


# Other settings of a checkpoint's weights: the checkpoint, and what is changed.
VARIANTS = {
    "gemma3-other-bases": ("gemma3", nested({"rope_type": "default", "rope_theta": 250000.0}, {"rope_type": "default", "rope_theta": 500.0})),
    "gemma3-linear": ("gemma3", nested({"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                                       {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0})),
    "gemma3-layers": ("gemma3", lambda config: setattr(config, "layer_types", ["full_attention", "sliding_attention"] * 3 + ["full_attention"])),
    "gemma2-base": ("gemma2", rope(rope_type="default", rope_theta=500.0)),
    "llama-linear": ("llama", rope(rope_type="linear", factor=4.0, rope_theta=20000.0)),
    "llama-yarn": ("llama", rope(rope_type="yarn", factor=4.0, rope_theta=20000.0, original_max_position_embeddings=64, beta_fast=16.0,
                                 truncate=False)),
    "qwen3-window": ("qwen3", window),
    "mistral-base": ("mistral", rope(rope_type="default", rope_theta=300.0)),
    "mistral-no-window": ("mistral", lambda config: setattr(config, "sliding_window", None)),
    "hunyuan-alpha": ("hunyuan", rope(rope_type="dynamic", type="dynamic", alpha=50.0, factor=1.0, rope_theta=10000.0)),
    # The embeddings are tied by config.json, and the file has an output projection of its own: it counts.
    "llama-own-output": ("llama", lambda config: setattr(config, "tie_word_embeddings", True)),
}


def kind(config):
    if config.is_encoder_decoder:
        return transformers.AutoModelForSeq2SeqLM
    return transformers.AutoModelForImageTextToText if hasattr(config, "text_config") else transformers.AutoModelForCausalLM


def load(path, **options):
    config = transformers.AutoConfig.from_pretrained(path)
    return kind(config).from_pretrained(path, attn_implementation="eager", **options).eval()


def greedy(model, source, first, ends, most):
    """The ids of greedy search before the end, without a forced first one, and the smallest margin of a choice."""
    ids = torch.tensor([source])
    options = {} if first is None else {"forced_bos_token_id": first}
    with torch.no_grad():
        out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, num_beams=1, max_new_tokens=most, output_scores=True,
                             repetition_penalty=1.0, return_dict_in_generate=True, **options)
    best = torch.stack(out.scores)[:, 0].topk(2).values
    skipped = 1 if model.config.is_encoder_decoder else len(source)
    target = out.sequences[0, skipped:].tolist()
    forced = first if first is not None else model.generation_config.forced_bos_token_id
    target = target[1:] if forced is not None and target[:1] == [forced] else target
    stop = next((i for i, token in enumerate(target) if token in ends), len(target))
    return target[:stop], (best[:, 0] - best[:, 1]).min().item()


def facts(path, model):
    """The ids that end an output, and the one that it is forced to begin with."""
    ends = torch.tensor(model.generation_config.eos_token_id).reshape(-1).tolist()
    codes = {"m2m100": "__en__", "nllb": "eng_Latn"}
    if path.name not in codes:
        return ends, None
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    return ends, tokenizer.get_lang_id("en") if path.name == "m2m100" else tokenizer.convert_tokens_to_ids(codes[path.name])


def compare(name, model, golden, first, ends):
    differ = []
    for entry in golden["lines"]:
        found, margin = greedy(model, entry["source_ids"], first, ends, golden["max_tokens"])
        if found != entry["greedy"] and min(margin, entry["greedy_margin"]) > NEAR_TIE:
            differ.append((entry["source_ids"], found, entry["greedy"]))
    print(f"{name}: {len(golden['lines'])} lines, {len(differ)} differ", *differ, sep="\n  ", flush=True)


def save(path, golden):
    """Saves a checkpoint as transformers 5 does, keeps what is small, and checks that it computes the same."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder) / path.name
        model = load(path)
        model.save_pretrained(folder)
        tokenizer = transformers.AutoTokenizer.from_pretrained(path)
        tokenizer.save_pretrained(folder)
        first = facts(path, model)
        compare(path.name, load(folder, dtype=torch.float32), golden, first[1], first[0])
        kept = [name for name in KEPT if not (name.startswith("tokenizer") and path.name in WITHOUT_TOKENIZER)]
        kept += ["tokenizer.json"] if path.name in WITH_TOKENIZER else []
        (OUT / path.name).mkdir(parents=True)
        for name in kept:
            value = json.loads((folder / name).read_text(encoding="utf-8"))
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            (OUT / path.name / name).write_text(text + "\n", encoding="utf-8")


def variant(base, change, golden):
    """The config.json of a variant and the ids of its first lines."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder) / "saved"
        model = load(base)
        model.save_pretrained(folder)
        config = transformers.AutoConfig.from_pretrained(folder)
        change(config)
        config.save_pretrained(folder)
        model = load(folder, dtype=torch.float32)
        ends, first = facts(base, model)
        lines, differ = [], 0
        for entry in golden["lines"][:LINES]:
            found, margin = greedy(model, entry["source_ids"], first, ends, golden["max_tokens"])
            differ += found != entry["greedy"]
            lines.append({"source_ids": entry["source_ids"], "greedy": found, "greedy_margin": float(f"{margin:.3g}")})
        print(f"  {differ} of {LINES} lines are not those of {base.name}", flush=True)
        return {"checkpoint": base.name, "config": json.loads((folder / "config.json").read_text()), "max_tokens": golden["max_tokens"],
                "lines": lines}


def main():
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    shutil.rmtree(OUT, ignore_errors=True)
    paths = {path.name: path for folder in ("decoder", "seq2seq") for path in sorted((HERE / folder).iterdir())
             if (path / "config.json").exists()}
    golden = lambda path: json.loads(path.with_suffix(".json").read_text())  # noqa: E731
    for path in paths.values():
        if path.name != "marian-separate":
            save(path, golden(path))
    found = {}
    for name, (base, change) in VARIANTS.items():
        print(name, flush=True)
        found[name] = variant(paths[base], change, golden(paths[base]))
    text = ",\n".join(f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}" for name, value in found.items())
    (OUT / "variants.json").write_text("{\n" + text + "\n}\n")


main()
