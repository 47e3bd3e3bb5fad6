"""Writes tests/golden/ct2: CTranslate2 conversions of the checkpoints of tests/golden/seq2seq, and what CTranslate2 makes of them.

    pip install torch==2.8.0 transformers==4.57.1 ctranslate2==4.8.5 sentencepiece==0.2.1 protobuf && python3 tests/golden/ct2.py [NAME...]

Each directory NAME-TYPE has model.bin, config.json and the vocabulary as ct2-transformers-converter writes them, and the
SentencePiece models under the names that repositories of conversions use. NAME.json has for each line of seq2seq/lines.th the
source ids, and the ids of greedy search and of five beams (length penalty 1, `<unk>` disabled) for at most MAX_TOKENS tokens,
computed by CTranslate2 in float32 from the float32 conversion. `kinds` has the ids of greedy search for the other conversions, computed
in float32 too, and for those in 8 bits how many lines are the same when CTranslate2 computes in 8 bits.
"""

import json
import pathlib
import shutil
import sys
import tempfile

import ctranslate2
import transformers
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
from parity_transformers import Reference  # noqa: E402

MAX_TOKENS = 24
# The types of each conversion, and the files beside it: from the name in the checkpoint to that in the conversion.
VARIANTS = {
    "marian-tied": (["float32", "int8", "float16", "bfloat16", "int16"], {"source.spm": "source.spm", "target.spm": "target.spm"}),
    "marian-prefix": (["float32"], {"source.spm": "src.spm.model", "target.spm": "tgt.spm.model"}),
    "m2m100": (["float32", "int8"], {"sentencepiece.bpe.model": "sentencepiece.model"}),
    "nllb": (["float32", "int8"], {"sentencepiece.bpe.model": "sentencepiece.bpe.model"}),
    "mbart50": (["float32", "int8_float16"], {"sentencepiece.bpe.model": "sentencepiece.bpe.model"}),
    "t5-madlad": (["float32", "int8"], {"spiece.model": "spiece.model"}),
    "t5-tied": (["float32"], {"spiece.model": "spm.model"}),
}


def convert(name, kind, files):
    """Writes one conversion and gives its directory."""
    source, target = HERE / "seq2seq" / name, HERE / "ct2" / f"{name}-{kind}"
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(source, copy, dirs_exist_ok=True)
        if name == "m2m100":
            # Real repositories name the languages here too; the converter takes them from it.
            names = {"additional_special_tokens": [f"__{code}__" for code in FAIRSEQ_LANGUAGE_CODES["m2m100"]]}
            (pathlib.Path(copy) / "special_tokens_map.json").write_text(json.dumps(names))
        if name == "mbart50":
            # As in mbart-large-50-many-to-one-mmt.
            for file, key, value in (("special_tokens_map.json", "bos_token", "<s>"), ("config.json", "tokenizer_class", "MBart50Tokenizer")):
                path = pathlib.Path(copy) / file
                path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
        ctranslate2.converters.TransformersConverter(copy).convert(str(target), quantization=kind)
    for old, new in files.items():
        shutil.copy(source / old, target / new)
    return target


def vocabulary(directory):
    return json.loads((directory / "shared_vocabulary.json").read_text(encoding="utf-8"))


def golden(name, directories, lines):
    """The ids of every line, and the ids by the other conversions."""
    directory = directories[0]
    with tempfile.TemporaryDirectory() as copy:
        # A conversion has the SentencePiece model, whose ids may differ from those of tokenizer.json.
        shutil.copytree(HERE / "seq2seq" / name, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tokenizer.json"))
        reference = Reference(copy)
    tokens = vocabulary(directory)
    # Of a token that is there twice, such as <extra_id_0>, the first.
    number = {token: i for i, token in reversed(list(enumerate(tokens)))}
    prefix = None if reference.first is None else [tokens[reference.first]]

    def search(directory, compute_type, sources, beam):
        translator = ctranslate2.Translator(str(directory), compute_type=compute_type, intra_threads=1)
        for source in sources:
            result = translator.translate_batch(
                [[tokens[i] for i in source]], target_prefix=prefix and [prefix], beam_size=beam, length_penalty=1, disable_unk=True,
                max_decoding_length=MAX_TOKENS)[0]
            yield [number[token] for token in result.hypotheses[0][len(prefix or []):]]

    sources = [reference.source_ids(line) for line in lines]
    greedy, beam = (list(search(directory, "float32", sources, width)) for width in (1, 5))
    kinds = {}
    for other in directories[1:]:
        kind = other.name.removeprefix(f"{name}-")
        kinds[kind] = {"greedy": list(search(other, "float32", sources, 1))}
        if kind.startswith("int8"):
            rounded = search(other, "int8_float32", sources, 1)
            kinds[kind]["int8_equal"] = sum(a == b for a, b in zip(rounded, kinds[kind]["greedy"]))
    return [{"source_ids": s, "greedy": g, "beam": b} for s, g, b in zip(sources, greedy, beam)], kinds


def main():
    transformers.logging.set_verbosity_error()
    lines = (HERE / "seq2seq" / "lines.th").read_text(encoding="utf-8").splitlines()
    (HERE / "ct2").mkdir(exist_ok=True)
    for name in sys.argv[1:] or VARIANTS:
        kinds, files = VARIANTS[name]
        directories = [convert(name, kind, files) for kind in kinds]
        found, kinds = golden(name, directories, lines)
        text = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in found)
        kinds = json.dumps(kinds, separators=(",", ":"))
        (HERE / "ct2" / f"{name}.json").write_text(f'{{"max_tokens":{MAX_TOKENS},"kinds":{kinds},"lines":[\n{text}\n]}}\n')
        print(name, len({tuple(entry["beam"]) for entry in found}), "distinct")


if __name__ == "__main__":
    main()
