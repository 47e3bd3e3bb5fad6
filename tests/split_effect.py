#!/usr/bin/env python3
"""What a splitter is worth: its boundaries against PyThaiNLP's crfcut, and documents translated from its segments.

    pip install pythainlp python-crfsuite sacrebleu
    python tests/split_effect.py ../shared/data boundaries
    python tests/split_effect.py ../shared/data translation --model gemma-3-270m.gguf

plae's segments come from `train_splitter --segments`: by a splitter that was not trained on the text it splits.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile

EXAMPLE = ["cargo", "run", "--quiet", "--release", "--example", "train_splitter", "--"]
PLAE = ["cargo", "run", "--quiet", "--release", "--"]


def crfcut(text):
    from pythainlp.tokenize import sent_tokenize

    return [part.strip() for part in sent_tokenize(text, engine="crfcut") if part.strip()]


def ends(segments):
    """Characters other than spaces before the end of each segment but the last."""
    total, found = 0, set()
    for segment in segments[:-1]:
        total += sum(not char.isspace() for char in segment)
        found.add(total)
    return found


def compare(name, gold, found):
    """Prints F1 and how many gold sentences are cut inside."""
    right = cuts = boundaries = sentences = broken = 0
    for wanted, got in zip(gold, found, strict=True):
        a, b = ends(wanted), ends(got)
        right, cuts, boundaries = right + len(a & b), cuts + len(b), boundaries + len(a)
        start = 0
        for end in sorted(a) + [sum(not char.isspace() for char in "".join(wanted))]:
            sentences += 1
            broken += any(start < cut < end for cut in b)
            start = end
    print(f"{name} | {2 * right / max(1, cuts + boundaries):.3f} | {sentences} | {broken}")


def held_out(data, source):
    """The segments of plae for each document of a source."""
    output = subprocess.run(
        [*EXAMPLE, "--segments", source, data], check=True, capture_output=True, text=True
    ).stdout
    return [json.loads(line) for line in output.splitlines()]


def boundaries(options):
    print("source, splitter | F1 | gold sentences | cut inside")
    for source, file in [("flores", "flores_dev"), ("pud", "pud")]:
        lines = (options.data / "boundaries" / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()
        gold = [[" ".join(text.split()) for text in json.loads(line)["sents"]] for line in lines]
        texts = [" ".join(sentences) for sentences in gold]
        compare(f"{source}, every space", gold, [text.split() for text in texts])
        compare(f"{source}, crfcut", gold, [crfcut(text) for text in texts])
        compare(f"{source}, plae", gold, held_out(options.data, source))


def translated(options, segments):
    """The translation of each segment."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "segments.txt")
        path.write_text("".join(f"{segment}\n" for segment in segments), encoding="utf-8")
        command = [*PLAE, "translate", path, "--model", options.model, "--split", "line"]
        output = subprocess.run(
            [*command, "--format", "jsonl", "-o", "-"], check=True, capture_output=True, text=True
        ).stdout
    rows = [json.loads(line) for line in output.splitlines()]
    return {row["source"]: row["target"] or "" for row in rows if "source" in row}


def translation(options):
    from sacrebleu.metrics import BLEU, CHRF

    lines = (options.data / "alignment" / "pud.jsonl").read_text(encoding="utf-8").splitlines()
    documents = [json.loads(line) for line in lines][: options.documents]
    gold = [[" ".join(text.split()) for text in document["th"]] for document in documents]
    texts = [" ".join(sentences) for sentences in gold]
    ways = {
        "gold": gold,
        "plae": held_out(options.data, "pud")[: len(texts)],
        "crfcut": [crfcut(text) for text in texts],
        "every space": [text.split() for text in texts],
    }
    for text, segments in zip(texts, ways["plae"], strict=True):
        assert "".join(text.split()) == "".join("".join(segments).split()), "the documents are not the same"
    known = translated(options, dict.fromkeys(s for way in ways.values() for doc in way for s in doc))
    references = [" ".join(document["en"]) for document in documents]
    print(f"{len(documents)} documents, splitter | segments | chrF2 | of gold's | BLEU | length to reference's")
    best = None
    for name, way in ways.items():
        hypotheses = [" ".join(known.get(segment, segment) for segment in segments) for segments in way]
        score = CHRF(word_order=0).corpus_score(hypotheses, [references]).score
        best = best or score
        bleu = BLEU().corpus_score(hypotheses, [references]).score
        length = sum(map(len, hypotheses)) / sum(map(len, references))
        print(f"{name} | {sum(map(len, way))} | {score:.2f} | {score / best:.3f} | {bleu:.2f} | {length:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("task", choices=["boundaries", "translation"])
    parser.add_argument("--model", default="gemma-3-270m", help="of plae, or a file")
    parser.add_argument("--documents", type=int, help="the first so many; default all")
    options = parser.parse_args()
    options.data = options.data.resolve()
    if os.path.exists(options.model):
        options.model = os.path.abspath(options.model)
    os.chdir(pathlib.Path(__file__).resolve().parent.parent)
    {"boundaries": boundaries, "translation": translation}[options.task](options)


if __name__ == "__main__":
    main()
