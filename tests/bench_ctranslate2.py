"""Compares plae's speed with CTranslate2's on a Marian checkpoint with random weights, one after the other in each round.

    pip install ctranslate2 torch transformers==4.57.1 sentencepiece
    python3 tests/bench_ctranslate2.py PLAE LINES.th LINES.en DIR [--size base|big] [--count 64] [--rounds 3] [--beam 4 1]
                                       [--precision int8 f32]

PLAE is the built binary; LINES.th and LINES.en have one sentence a line, and train the vocabularies of a checkpoint that is
written to DIR if there is none: a vocabulary of 62,000 tokens and six layers of 512 (base) or 1024 (big) on either side, as
Opus-MT's. The first COUNT lines are translated into exactly 40 tokens each, loading left out, by two threads; plae writes
all tokens (`full`) and those of English only. Tokens/s, and plae's ratio to the CTranslate2 of the same round.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

TOKENS = 40
VOCABULARY = 62_000
SIZES = {"base": (512, 2048, 8, "swish"), "big": (1024, 4096, 16, "relu")}


def write_checkpoint(directory, size, sources, targets):
    import sentencepiece
    import torch
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    directory.mkdir(parents=True)
    ids = {"</s>": 0, "<unk>": 1}
    for name, lines in (("source", sources), ("target", targets)):
        model = directory / f"{name}.spm"
        with open(model, "wb") as out:
            sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=out, vocab_size=6000,
                                                     hard_vocab_limit=False, minloglevel=2)
        pieces = sentencepiece.SentencePieceProcessor(model_file=str(model))
        for piece in map(pieces.id_to_piece, range(pieces.get_piece_size())):
            if piece not in ("<s>", "</s>", "<unk>"):
                ids.setdefault(piece, len(ids))
    for number in range(len(ids), VOCABULARY - 1):
        ids[f"unused{number}"] = number
    ids["<pad>"] = len(ids)
    (directory / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    width, feed_forward, heads, activation = SIZES[size]
    pad = ids["<pad>"]
    torch.manual_seed(1)
    config = MarianConfig(vocab_size=len(ids), d_model=width, encoder_layers=6, decoder_layers=6, encoder_ffn_dim=feed_forward,
                          decoder_ffn_dim=feed_forward, encoder_attention_heads=heads, decoder_attention_heads=heads,
                          max_position_embeddings=512, activation_function=activation, scale_embedding=True, pad_token_id=pad,
                          decoder_start_token_id=pad, eos_token_id=0, forced_eos_token_id=0, bad_words_ids=[[pad]])
    MarianMTModel(config).save_pretrained(directory)
    files = [str(directory / name) for name in ("source.spm", "target.spm", "vocab.json")]
    MarianTokenizer(*files, source_lang="th", target_lang="en").save_pretrained(directory)


class CTranslate2:
    def __init__(self, directory, precision, lines):
        import ctranslate2
        from transformers import MarianTokenizer

        converted = directory.with_name(directory.name + "-ct2")
        if not converted.exists():
            ctranslate2.converters.TransformersConverter(str(directory)).convert(str(converted))
        compute = {"int8": "int8", "f32": "float32"}[precision]
        self.translator = ctranslate2.Translator(str(converted), compute_type=compute, inter_threads=1, intra_threads=2)
        tokenizer = MarianTokenizer.from_pretrained(directory)
        self.sources = [tokenizer.convert_ids_to_tokens(tokenizer.encode(line)) for line in lines]

    def speed(self, beam):
        self.translator.translate_batch(self.sources[:4], beam_size=beam, max_decoding_length=4)
        start = time.perf_counter()
        results = self.translator.translate_batch(self.sources, beam_size=beam, max_batch_size=2048, batch_type="tokens",
                                                  min_decoding_length=TOKENS, max_decoding_length=TOKENS)
        seconds = time.perf_counter() - start
        return sum(len(result.hypotheses[0]) for result in results) / seconds


def plae(binary, directory, file, precision, beam, vocabulary):
    command = [binary, "bench", "--model", str(directory), "--split", "line", "--normalize", "off", "--beam", str(beam),
               "--min-tokens", str(TOKENS), "--max-tokens", str(TOKENS), "--precision", precision, "--vocabulary", vocabulary, file]
    report = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"RAYON_NUM_THREADS": "2"})
    return float(re.findall(r"([\d.]+) tokens/s", report.stdout)[-1])


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("plae")
    parser.add_argument("sources")
    parser.add_argument("targets")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--beam", type=int, nargs="+", default=[4, 1])
    parser.add_argument("--precision", nargs="+", default=["int8", "f32"])
    options = parser.parse_args()
    sources, targets = (open(path, encoding="utf-8").read().splitlines() for path in (options.sources, options.targets))
    directory = options.directory.resolve()
    if not directory.exists():
        write_checkpoint(directory, options.size, sources, targets)
    lines = [sources[i % len(sources)] + " " * (i // len(sources)) for i in range(options.count)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        for precision in options.precision:
            other = CTranslate2(directory, precision, lines)
            for beam in options.beam:
                for _ in range(options.rounds):
                    theirs = other.speed(beam)
                    line = f"{precision}, beam {beam}: CTranslate2 {theirs:.0f}"
                    for vocabulary in ("english", "full"):
                        ours = plae(options.plae, directory, file.name, precision, beam, vocabulary)
                        line += f"; plae, {vocabulary} {ours:.0f} ({ours / theirs:.2f}x)"
                    print(line, flush=True)


if __name__ == "__main__":
    main()
