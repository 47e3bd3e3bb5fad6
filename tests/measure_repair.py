"""Measures what the repair of numbers and dates does: translates the same texts with a former plae and with this one, one after the other.

    python3 tests/measure_repair.py [--shared DIR] [--model MODEL] [--old PLAE | --before DIR] [--out DIR] [--only lines,releases] PLAE

The texts are lines 701 to 900 of FLORES-200 dev, a sentence each, and the releases of the Thai government, cut into sentences by plae
(`data/flores-dev` and `data/thaigov` below DIR, ../shared by default). OLD is the former binary; with `--before` its outputs are taken
from an earlier `--out`, and only the times of PLAE are measured. No memory is used.

Printed are, before and after: lines with a number, date, time, amount of money or unit that differs, by `plae check` and by
tests/count_numbers.py, which shares no code with plae, and the share of them that is mended; BLEU and chrF2; seconds, and their ratio.
Ends with 1 if an aim is missed. Needs Python 3.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import count_numbers
from check_faults import check

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = {"number", "date", "time", "money", "unit"}
FIRST, LAST = 701, 900
MENDED_AT_LEAST, TIME_RATIO_AT_MOST = 2 / 3, 1.15


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def translate(plae, model, out, arguments, stdin=None):
    """Runs plae and returns the seconds it took, and the processor's."""
    os.makedirs(out, exist_ok=True)
    before = os.times()
    start = time.monotonic()
    subprocess.run([plae, "translate", "--model", model, "--offline", "--no-memory", "--format", "jsonl", "--quiet", *arguments], check=True, stdin=stdin)
    after = os.times()
    return time.monotonic() - start, after.children_user + after.children_system - before.children_user - before.children_system


def translate_lines(plae, model, source, out):
    with open(source, encoding="utf-8") as stdin:
        return translate(plae, model, out, ["--split", "line", "--normalize", "off", "--force", "-o", os.path.join(out, "lines.jsonl"), "-"], stdin)


def translate_releases(plae, model, releases, out):
    return translate(plae, model, out, ["--force", "-o", os.path.join(out, "releases"), releases])


def outputs(out, what):
    if what == "lines":
        return [os.path.join(out, "lines.jsonl")]
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(out, "releases")) for name in names if name.endswith(".jsonl"))


def score(plae, directory, targets, references):
    paths = [os.path.join(directory, name) for name in ("hypothesis.txt", "reference.txt")]
    for path, lines in zip(paths, (targets, references)):
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
    done = subprocess.run([plae, "score", *paths, "--format", "jsonl"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def print_row(words, before, after, tail=""):
    print(f"{words:58}{before:>10}{after:>10}   {tail}")


def compare(plae, what, before, after):
    """Prints the counts of two outputs of the same texts; returns whether enough is mended."""
    before_pairs, after_pairs = (count_numbers.read_pairs(outputs(out, what)) for out in (before, after))
    good = True
    # The checker may take what a document's other lines are like into account, so each output is checked as a whole.
    flagged = []
    for pairs in (before_pairs, after_pairs):
        found = check(plae, [" ".join(source.split()) for source, _ in pairs], [" ".join(target.split()) for _, target in pairs])
        flagged.append(sum(any(flag["flag"] in FLAGS for flag in flags) for flags in found))
    counts = [count_numbers.count(pairs) for pairs in (before_pairs, after_pairs)]
    items = [sum(number for (_, state), number in counter.items() if state != "right") for counter, _ in counts]
    rows = [("by plae check, lines", *flagged), ("by count_numbers.py, lines", *(len(lines) for _, lines in counts)), ("by count_numbers.py, values", *items)]
    for words, left, right in rows:
        mended = (left - right) / max(1, left)
        good &= mended >= MENDED_AT_LEAST
        print_row(f"{what} ({len(after_pairs)}): wrong or missing {words}", left, right, f"{mended:.0%} mended, aim ≥ {MENDED_AT_LEAST:.0%}"
                  + ("" if mended >= MENDED_AT_LEAST else "   MISSED"))
    for kind in ("date", "year", "time", "figure"):
        bad = [sum(counter[kind, state] for state in ("missing", "wrong")) for counter, _ in counts]
        every = sum(number for (item_kind, _), number in counts[1][0].items() if item_kind == kind)
        print_row(f"    {kind}, of {every}", *bad)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", default=os.path.join(ROOT, "..", "shared"))
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--old")
    parser.add_argument("--before")
    parser.add_argument("--out", help="where the outputs are kept; a temporary directory by default")
    parser.add_argument("--only", default="lines,releases")
    parser.add_argument("plae")
    args = parser.parse_args()
    if not args.old and not args.before:
        parser.error("give --old PLAE or --before DIR")
    data = os.path.join(args.shared, "data")
    out = args.out or tempfile.mkdtemp(prefix="plae-repair-")
    before, after = args.before or os.path.join(out, "before"), os.path.join(out, "after")
    parts = args.only.split(",")
    good = True
    with tempfile.TemporaryDirectory(prefix="plae-repair-") as directory:
        source = os.path.join(directory, "lines.th")
        with open(source, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in read_lines(os.path.join(data, "flores-dev", "flores-dev.th"))[FIRST - 1:LAST]))
        releases = os.path.join(directory, "releases")
        os.mkdir(releases)
        for name in sorted(os.listdir(os.path.join(data, "thaigov"))):
            if name.endswith(".txt"):
                with open(os.path.join(data, "thaigov", name), encoding="utf-8") as file, open(os.path.join(releases, name), "w", encoding="utf-8") as copy:
                    copy.write(file.read())
        print_row("", "before", "after")
        for what, run, given in (("lines", translate_lines, source), ("releases", translate_releases, releases)):
            if what not in parts:
                continue
            old = run(args.old, args.model, given, before) if args.old else None
            new = run(args.plae, args.model, given, after)
            for words, left, right in zip(("seconds", "processor seconds"), old or (None, None), new):
                met = left is None or right / left <= TIME_RATIO_AT_MOST
                ratio = "" if left is None else f"{right / left:.2f} times, aim ≤ {TIME_RATIO_AT_MOST}" + ("" if met else "   MISSED")
                print_row(f"{what}: {words}", "" if left is None else f"{left:.1f}", f"{right:.1f}", ratio)
                # On a shared machine only the processor's seconds can be compared.
                good &= met or words == "seconds"
            good &= compare(args.plae, what, before, after)
            if what == "lines":
                references = read_lines(os.path.join(data, "flores-dev", "flores-dev.en"))[FIRST - 1:LAST]
                scores = [score(args.plae, directory, [target for _, target in count_numbers.read_pairs(outputs(place, what))], references)
                          for place in (before, after)]
                for name in ("chrf2", "bleu"):
                    left, right = (each[name] for each in scores)
                    good &= right >= left
                    print_row(f"lines: {name}", f"{left:.2f}", f"{right:.2f}", "aim: no lower" + ("" if right >= left else "   MISSED"))
    print(f"outputs: {out}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
