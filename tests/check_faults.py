"""Seeds faults into translations, and counts those that `plae check` flags, and the untouched lines that it flags.

    python3 tests/check_faults.py [--data DIR] [--lines FROM-TO] [--seed N] [--most N] [--only KIND[,KIND]] [--also] [--show N] [--speed] PLAE

DIR has FLORES-200 dev (../shared/data/flores-dev by default): flores-dev.th and the three translations in FILES, people's and two
systems', a sentence a line. Each kind of fault has several ways (`digit` of `digit changed`), and each way is tried once on each line
that has a place for it, at a random place, the same with the same seed. Each document that is checked is a whole file of which a quarter
of the lines, at most, are faulty: what a document's own lines lead to expect is then as in a real one. A fault counts as found if
its line has a warning or a failure; notes do not count.

Printed are the share of the untouched lines that are flagged, and the share of the faults that are found, beside what is aimed at.
`--also` adds kinds without an aim. `--show N` prints N of the false alarms and of the missed faults of each kind. `--speed` measures
instead how long 100,000 pairs take on one core. Ends with 1 if an aim is missed. Needs Python 3.
"""

import argparse
import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILES = ["flores-dev.en", "flores-dev.google.en", "flores-dev.microsoft.en"]
UNTOUCHED_FLAGGED_AT_MOST = 0.01
FAULTY_SHARE = 0.25
SPEED_PAIRS, SPEED_SECONDS = 100_000, 10

MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
SHORT_MONTHS = "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec".split()
NUMBER_WORDS = ("two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty "
                "thirty forty fifty sixty seventy eighty ninety").split()
SCALES = ["thousand", "million", "billion", "trillion"]
UNITS = [("kilometres", "miles"), ("kilometers", "miles"), ("km", "miles"), ("metres", "feet"), ("meters", "feet"), ("kg", "pounds"),
         ("kilograms", "pounds"), ("years", "days"), ("months", "weeks"), ("hours", "minutes"), ("minutes", "seconds"), ("US$", "€"), ("$", "£"),
         ("dollars", "euros"), ("percent", "percentage points"), ("%", " percentage points"), ("euros", "dollars")]
AUXILIARIES = "is are was were has have had could will would should may might must does did do".split()
# Past tense and base of verbs, for `did not`.
PASTS = dict(pair.split("/") for pair in (
    "said/say told/tell made/make took/take came/come went/go became/become began/begin gave/give found/find won/win lost/lose led/lead left/leave "
    "held/hold kept/keep met/meet got/get saw/see knew/know thought/think brought/bring bought/buy built/build sent/send spent/spend stood/stand "
    "rose/rise fell/fall grew/grow wrote/write spoke/speak drove/drive showed/show ran/run paid/pay received/receive announced/announce "
    "reported/report stated/state claimed/claim called/call started/start used/use moved/move died/die killed/kill asked/ask helped/help "
    "opened/open closed/close caused/cause reached/reach returned/return happened/happen included/include decided/decide joined/join "
    "confirmed/confirm discovered/discover appeared/appear continued/continue created/create offered/offer played/play described/describe "
    "ended/end followed/follow attacked/attack agreed/agree arrived/arrive allowed/allow believed/believe blocked/block broke/break "
    "carried/carry changed/change crashed/crash finished/finish hit/hit hoped/hope identified/identify increased/increase issued/issue "
    "launched/launch learned/learn lived/live managed/manage needed/need occurred/occur proposed/propose published/publish recorded/record "
    "released/release remained/remain resulted/result scored/score served/serve signed/sign suggested/suggest suffered/suffer "
    "supported/support tried/try turned/turn visited/visit voted/vote wanted/want warned/warn worked/work").split())
CONJUNCTIONS = ("which who whose where when while because although though since after before until unless whereas and but so that including as "
                "if with by to from during").split()
FIGURE = re.compile(r"(?<!&#)(?<!&#\d)(?:\d[\d,.:]*\d|\d)")
QUANTITY = re.compile(r"(?:US\$|[$€£]\s?)?(?<![\w.#/])\d[\d,.:]*(?<=\d)(?:\s?(?:%|percent|thousand|million|billion|trillion|a\.m\.|p\.m\.|am|pm|km/h|km|mph)(?!\w))?(?![\w.]*\d)")
URL = re.compile(r"https?://\S+|www\.\S+|\b[\w.]+@[\w.]+\b|#\w+")
NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*")


def pick(places, rng):
    """Returns a random item, or None if there is none."""
    return rng.choice(places) if places else None


def write_over(text, span, words):
    """Returns `text` with `words` in the place of a span, and no two spaces where the words are gone."""
    begin, end = span
    if not words:
        if text[:begin].endswith(" ") and (end == len(text) or text[end] in " ,.;:)”\"'"):
            begin -= 1
        elif begin == 0:
            return text[end:].lstrip(" ,")
    return text[:begin] + words + text[end:]


def replace_match(text, pattern, rng, make, group=0):
    """Returns `text` with one match of `pattern` replaced by `make(match)`, or None if there is nothing to replace."""
    changes = [(match, make(match)) for match in re.finditer(pattern, text)]
    chosen = pick([(match, words) for match, words in changes if words is not None and words != match.group(group)], rng)
    return chosen and write_over(text, chosen[0].span(group), chosen[1])


def other(items, item, rng):
    return rng.choice([each for each in items if each != item])


def as_written(word, like):
    return word.upper() if like.isupper() and len(like) > 1 else word.capitalize() if like[0].isupper() else word


# The ways: each takes the Thai line, the English one, a random generator and all English lines, and returns the faulty line, or None if
# the line has no place for the fault.

def digit(thai, text, rng, lines):
    def change(match):
        figure = match.group()
        at = pick([i for i, char in enumerate(figure) if char.isdigit()], rng)
        digits = [each for each in "0123456789" if each != figure[at] and not (at == 0 and each == "0")]
        return figure[:at] + rng.choice(digits) + figure[at + 1:]
    return replace_match(text, FIGURE, rng, change)


def digits_exchanged(thai, text, rng, lines):
    def change(match):
        figure = match.group()
        at = pick([i for i in range(len(figure) - 1) if figure[i:i + 2].isdigit() and figure[i] != figure[i + 1] and (i > 0 or figure[1] != "0")], rng)
        return None if at is None else figure[:at] + figure[at + 1] + figure[at] + figure[at + 2:]
    return replace_match(text, FIGURE, rng, change)


def digit_lost(thai, text, rng, lines):
    return replace_match(text, r"(?<!&#)(?<!&#\d)\d{2,}", rng, lambda match: match.group()[:-1] if rng.random() < 0.5 else match.group()[:1] + match.group()[2:])


def digit_more(thai, text, rng, lines):
    return replace_match(text, FIGURE, rng, lambda match: match.group() + rng.choice("0123456789"))


def month(thai, text, rng, lines):
    def change(match):
        return as_written(other(MONTHS, match.group(), rng), match.group())
    pattern = r"\b(?:" + "|".join(name for name in MONTHS if name not in ("May", "March")) + r")\b"
    return replace_match(text, pattern + r"|(?:(?<=\d )|(?<=\b[io]n )|(?<=\bof ))(?:May|March)\b|\b(?:May|March)(?= \d)", rng, change)


def short_month(thai, text, rng, lines):
    pattern = r"(?<=\d )(?:" + "|".join(SHORT_MONTHS) + r")\b|\b(?:" + "|".join(SHORT_MONTHS) + r")(?=\.? \d)"
    return replace_match(text, pattern, rng, lambda match: other(SHORT_MONTHS, match.group(), rng))


def weekday(thai, text, rng, lines):
    return replace_match(text, r"\b(?:" + "|".join(WEEKDAYS) + r")", rng, lambda match: other(WEEKDAYS, match.group(), rng))


def scale(thai, text, rng, lines):
    pattern = r"(?i)(?<![a-z])(" + "|".join(SCALES) + r")(?=s?(?![a-z]))"
    return replace_match(text, pattern, rng, lambda match: as_written(other(SCALES, match.group().lower(), rng), match.group()))


def scale_lost(thai, text, rng, lines):
    return replace_match(text, r"(?<=\d )(?:thousand|million|billion|trillion)(?!\w) ?", rng, lambda match: "")


def scale_of_digits(thai, text, rng, lines):
    return replace_match(text, r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d,])", rng, lambda match: match.group() + ",000" if rng.random() < 0.5 else match.group()[:-4])


def year_543(thai, text, rng, lines):
    return replace_match(text, r"(?<![\d.,$€£])(?:1[5-9]|20)\d\d(?![\d,%]|\.\d)", rng, lambda match: str(int(match.group()) + 543))


def year_543_back(thai, text, rng, lines):
    return replace_match(text, r"(?<![\d.,$€£])(?:1[5-9]|20)\d\d(?![\d,%]|\.\d)", rng, lambda match: str(int(match.group()) - 543))


def figure_dropped(thai, text, rng, lines):
    return replace_match(text, r"(?<![\w.#/])\d[\d,.:]*(?<=\d)(?![\w/])", rng, lambda match: "")


def quantity_dropped(thai, text, rng, lines):
    return replace_match(text, QUANTITY, rng, lambda match: "")


def figure_vague(thai, text, rng, lines):
    return replace_match(text, r"(?<![\w.,$€£#/-])\d[\d,.]*(?= [a-z])", rng, lambda match: rng.choice(["several", "many", "some"]))


def has_value(thai, word):
    value = str(NUMBER_WORDS.index(word.lower()) + 2 if word.lower() in NUMBER_WORDS[:19] else (NUMBER_WORDS.index(word.lower()) - 16) * 10)
    return value in re.findall(r"\d+", thai)


NUMBER_WORD = r"(?i)\b(?:" + "|".join(NUMBER_WORDS) + r")\b(?!-)"


def word_dropped(thai, text, rng, lines):
    """Drops a number in words that the Thai writes in digits."""
    return replace_match(text, NUMBER_WORD, rng, lambda match: "" if has_value(thai, match.group()) else None)


def word_changed(thai, text, rng, lines):
    """Changes a number in words that the Thai writes in digits."""
    return replace_match(text, NUMBER_WORD, rng, lambda match: as_written(other(NUMBER_WORDS, match.group().lower(), rng), match.group())
                         if has_value(thai, match.group()) else None)


def any_word_dropped(thai, text, rng, lines):
    return replace_match(text, NUMBER_WORD, rng, lambda match: None if has_value(thai, match.group()) else "")


def any_word_changed(thai, text, rng, lines):
    return replace_match(text, NUMBER_WORD, rng, lambda match: None if has_value(thai, match.group()) else
                         as_written(other(NUMBER_WORDS, match.group().lower(), rng), match.group()))


# No negation follows.
NEGATED = r"(?! (?:not|never|no)\b|n['’]t|n&#39;t)"


def not_after_auxiliary(thai, text, rng, lines):
    return replace_match(text, r"(?i)(?<!'t )(?<!;t )\b(?:" + "|".join(AUXILIARIES) + r")\b" + NEGATED + r"(?= [a-z])", rng, lambda match: match.group() + " not")


def contracted(thai, text, rng, lines):
    return replace_match(text, r"\b(?:is|are|was|were|has|have|had|could|would|should|does|did)\b" + NEGATED + r"(?= [a-z])", rng,
                         lambda match: match.group() + rng.choice(["n't", "n’t"]))


def cannot(thai, text, rng, lines):
    return replace_match(text, r"\bcan\b" + NEGATED, rng, lambda match: rng.choice(["cannot", "can not", "can't"]))


def did_not(thai, text, rng, lines):
    return replace_match(text, r"(?<=[a-z)] )(?<!was )(?<!were )(?<!been )(?<!has )(?<!have )(?<!had )(?<!is )(?<!are )(?<!be )(?<!and )(?<!the )(?<!by )\b(?:"
                         + "|".join(PASTS) + r")\b(?! by)", rng, lambda match: rng.choice(["did not ", "didn't "]) + PASTS[match.group()])


def never(thai, text, rng, lines):
    return replace_match(text, r"\b(?:is|are|was|were|has|have|had|will|would|could|can)\b" + NEGATED + r"(?= [a-z])", rng, lambda match: match.group() + " never")


def no_longer(thai, text, rng, lines):
    return replace_match(text, r"\b(?:is|are|was|were|will|could|can)\b" + NEGATED + r"(?= [a-z])", rng, lambda match: match.group() + " no longer")


def finish(text, like):
    """Returns a piece of a sentence as a sentence that begins and ends as `like` does."""
    text = text.strip(" ,;:-–—")
    if like[:1].isupper():
        text = text[:1].upper() + text[1:]
    end = re.search(r"[.!?]?[”\"']?$", like).group()
    return text if text.endswith(end) else text.rstrip(".!?") + end


def half(text, keep):
    words = text.split()
    return finish(" ".join(keep(words)), text) if len(words) >= 8 else None


def first_half(thai, text, rng, lines):
    return half(text, lambda words: words[:len(words) // 2])


def second_half(thai, text, rng, lines):
    return half(text, lambda words: words[-(len(words) // 2):])


def both_ends(thai, text, rng, lines):
    return half(text, lambda words: words[:len(words) // 4] + words[-(len(words) // 4):])


def half_by_comma(thai, text, rng, lines):
    """Keeps what is before or after the comma or full stop that is nearest to the middle."""
    places = [match.end() for match in re.finditer(r"[,.;:] ", text) if 0.35 < match.end() / len(text) < 0.65]
    at = min(places, key=lambda at: abs(at - len(text) / 2), default=None)
    return None if at is None or len(text.split()) < 8 else finish(text[:at] if rng.random() < 0.5 else text[at:], text)


def without(text, spans, rng):
    """Removes one of the spans that has five words or more, if four words or more are left and less than half is gone."""
    def words(piece):
        return len(piece.split())
    chosen = pick([(begin, end) for begin, end in spans if words(text[begin:end]) >= 5 and words(text) - words(text[begin:end]) >= 4
                   and end - begin <= len(text) / 2], rng)
    return chosen and finish(re.sub(r"\s+", " ", write_over(text, chosen, "")), text)


def clause_between_commas(thai, text, rng, lines):
    commas = [match.start() for match in re.finditer(r",(?!\d)", text)]
    return without(text, list(zip(commas, commas[1:])), rng)


def clause_to_the_end(thai, text, rng, lines):
    """Drops what follows a conjunction or a relative pronoun, up to the end of the sentence."""
    ends = [match.start() for match in re.finditer(r"[.!?](?=\s|[”\"']|$)", text)] or [len(text)]
    spans = [(match.start(), min((end for end in ends if end > match.start()), default=len(text)))
             for match in re.finditer(r"(?<=\w)(?<!such),? (?:" + "|".join(CONJUNCTIONS) + r") ", text)]
    return without(text, spans, rng)


def clause_to_the_comma(thai, text, rng, lines):
    spans = [(match.start(), end) for match in re.finditer(r"(?<=\w)(?<!such),? (?:" + "|".join(CONJUNCTIONS) + r") ", text)
             for end in [text.find(", ", match.end())] if end > 0]
    return without(text, spans, rng)


def opening_clause(thai, text, rng, lines):
    end = text.find(", ")
    return without(text, [(0, end + 2)] if end > 0 else [], rng)


def whole_sentence(thai, text, rng, lines):
    starts = [0] + [match.end() for match in re.finditer(r"[a-z)][.!?][”\"']? (?=[A-Z“\"])", text)] + [len(text)]
    return without(text, list(zip(starts, starts[1:])), rng) if len(starts) > 2 else None


def tail(text, words, times):
    end = re.search(r"[.!?]?[”\"']?\s*$", text)
    pieces = text[:end.start()].split()
    if len(pieces) < words + 3:
        return None
    return " ".join(pieces + pieces[-words:] * times) + end.group().strip()


def tail_once(thai, text, rng, lines):
    return tail(text, rng.choice([5, 6, 7, 8]), 1)


def tail_twice(thai, text, rng, lines):
    return tail(text, rng.choice([4, 5, 6]), 2)


def tail_many(thai, text, rng, lines):
    return tail(text, rng.choice([1, 2, 3]), rng.choice([4, 6, 10]))


def last_clause_again(thai, text, rng, lines):
    places = [match.start() for match in re.finditer(r", ", text) if len(text[match.start():].split()) >= 5]
    return text.rstrip(" .") + text[places[-1]:] if places else None


def sentence_again(thai, text, rng, lines):
    return text.rstrip() + " " + text if len(text.split()) >= 5 else None


def name_swapped(thai, text, rng, lines):
    names = [match.group() for line in rng.sample(lines, 20) for match in NAME.finditer(line)]
    return replace_match(text, NAME, rng, lambda match: other(names + ["Willem Jansen", "Okafor"], match.group(), rng))


def name_dropped(thai, text, rng, lines):
    return replace_match(text, NAME, rng, lambda match: "")


def latin_name_dropped(thai, text, rng, lines):
    names = [name for name in re.findall(r"[A-Z][A-Za-z0-9]{2,}(?: [A-Z][A-Za-z0-9]{2,})*", thai) if name in text]
    name = pick(names, rng)
    return name and write_over(text, (text.index(name), text.index(name) + len(name)), "")


def url_dropped(thai, text, rng, lines):
    return replace_match(text, URL, rng, lambda match: "")


def sentence_of_another_line(thai, text, rng, lines):
    return other(lines, text, rng)


def second_sentence(thai, text, rng, lines):
    return text.rstrip() + " " + other(lines, text, rng)


def quotation_dropped(thai, text, rng, lines):
    return replace_match(text, r"[“\"][^“”\"]{8,}[”\"]", rng, lambda match: "")


def quotation_marks_dropped(thai, text, rng, lines):
    return replace_match(text, r"[“\"][^“”\"]{8,}[”\"]", rng, lambda match: match.group()[1:-1])


def brackets_dropped(thai, text, rng, lines):
    return replace_match(text, r"\([^()]{2,}\)", rng, lambda match: "")


def negation_dropped(thai, text, rng, lines):
    return replace_match(text, r"\b(?:not|never) |(?<!wo)(?<!ca)n(?:'|’|&#39;)t\b", rng, lambda match: "")


def unit_swapped(thai, text, rng, lines):
    places = [(at.span(), right) for left, right in UNITS for at in re.finditer(
        (r"(?<=\d)\s?" if left == "%" else r"(?<=\d )" if left.isalpha() else "") + re.escape(left) + (r"(?!\w)" if left.isalpha() else ""), text)]
    chosen = pick(places, rng)
    return chosen and write_over(text, chosen[0], chosen[1])


def noon_swapped(thai, text, rng, lines):
    return replace_match(text, r"(?<=\d)\s?([ap])\.?m\b", rng, lambda match: "p" if match.group(1) == "a" else "a", 1)


def words_in_thai(thai, text, rng, lines):
    at = pick([match.start() for match in re.finditer(" ", text)], rng)
    piece = pick([piece for piece in re.findall(r"[\u0e01-\u0e4e]{6,12}", thai)], rng)
    return at and piece and text[:at] + " " + piece + text[at:]


# Kind of fault: least share to be found (None: no aim) and its ways.
KINDS = {
    "digit changed": (0.95, [digit, digits_exchanged, digit_lost, digit_more, word_changed]),
    "month or weekday swapped": (0.90, [month, short_month, weekday]),
    "scale swapped": (0.85, [scale, scale_lost, scale_of_digits]),
    "year moved by 543": (0.98, [year_543, year_543_back]),
    "number dropped": (0.90, [figure_dropped, quantity_dropped, figure_vague, word_dropped]),
    "not added": (0.85, [not_after_auxiliary, contracted, cannot, did_not, never, no_longer]),
    "half gone": (0.70, [first_half, second_half, both_ends, half_by_comma]),
    "clause gone": (0.35, [clause_between_commas, clause_to_the_end, clause_to_the_comma, opening_clause, whole_sentence]),
    "tail repeated": (0.95, [tail_once, tail_twice, tail_many, last_clause_again, sentence_again]),
}
ALSO = {
    "number in words": (None, [any_word_changed, any_word_dropped]),
    "name": (None, [name_swapped, name_dropped, latin_name_dropped, url_dropped]),
    "detached": (None, [sentence_of_another_line, second_sentence]),
    "quotes and brackets": (None, [quotation_dropped, quotation_marks_dropped, brackets_dropped]),
    "negation dropped": (None, [negation_dropped]),
    "unit or half of the day": (None, [unit_swapped, noon_swapped]),
    "left in Thai": (None, [words_in_thai]),
}

Fault = collections.namedtuple("Fault", "file line kind way text")


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().split("\n")


def seed_faults(name, thai, english, kinds, seed, most):
    """Returns a list of faults, each way once for each line that has a place for it, for `most` lines at most."""
    faults = []
    for kind, (_, ways) in kinds.items():
        for way in ways:
            lines = list(range(len(thai)))
            random.Random(f"{seed}/{way.__name__}").shuffle(lines)
            before = len(faults)
            for line in lines:
                if len(faults) - before == most:
                    break
                source, target = thai[line], english[line]
                rng = random.Random(f"{seed}/{name}/{line}/{way.__name__}")
                text = way(source, target, rng, english)
                if text and text.strip() and text != target:
                    faults.append(Fault(name, line, kind, way.__name__, text))
    return faults


def make_documents(faults, lines, seed):
    """Divides the faults among documents: each has one fault a line at most, in FAULTY_SHARE of its lines at most."""
    random.Random(seed).shuffle(faults)
    documents, most = [], max(1, int(lines * FAULTY_SHARE))
    place_of_line = collections.Counter()
    for fault in faults:
        place = place_of_line[fault.line]
        while place < len(documents) and (len(documents[place]) >= most or fault.line in documents[place]):
            place += 1
        if place == len(documents):
            documents.append({})
        documents[place][fault.line] = fault
        place_of_line[fault.line] = place if len(documents[place]) < most else place + 1
    return documents


def check(plae, thai, english, beginning=()):
    """Returns, for each pair, the list of its warnings and failures, as `plae check` gives them."""
    with tempfile.TemporaryDirectory(prefix="plae-faults-") as directory:
        paths = [os.path.join(directory, name) for name in ("source.txt", "target.txt")]
        for path, lines in zip(paths, (thai, english)):
            with open(path, "w", encoding="utf-8") as file:
                file.write("".join(line.replace("\n", " ") + "\n" for line in lines))
        done = subprocess.run([*beginning, plae, "check", *paths, "--format", "jsonl"], capture_output=True, text=True, encoding="utf-8")
    if done.returncode != 0:
        sys.exit(f"plae check ended with {done.returncode}: {done.stderr}")
    pairs = [row for row in map(json.loads, done.stdout.splitlines()) if row["type"] == "pair"]
    found = [[] for _ in thai]
    for pair in pairs:
        found[pair["line"] - 1] = [flag for flag in pair["flags"] if flag["severity"] != "note"]
    return found


def describe(flags):
    return "; ".join(f"{flag['flag']} ({flag['detail']})" if flag.get("detail") else flag["flag"] for flag in flags)


def show_line(head, thai, before, after):
    print(f"    {head}\n        {thai}\n        {before}" + (f"\n      → {after}" if after else ""))


def measure_untouched(plae, texts, thai, first, show):
    """Prints how many untouched lines are flagged; returns whether few enough are."""
    good = True
    print(f"{'untouched lines flagged':28}{'':28}{'found':>7}{'of':>7}{'share':>8}   aim")
    for name, english in texts.items():
        found = check(plae, thai, english)
        alarms = [(line, flags) for line, flags in enumerate(found) if flags]
        share = len(alarms) / len(thai)
        good &= share <= UNTOUCHED_FLAGGED_AT_MOST
        mark = "" if share <= UNTOUCHED_FLAGGED_AT_MOST else "   MISSED"
        print(f"{name:56}{len(alarms):7}{len(thai):7}{share:8.2%} ≤ {UNTOUCHED_FLAGGED_AT_MOST:.0%}{mark}")
        counts = collections.Counter(flag["flag"] for _, flags in alarms for flag in flags)
        print("    " + ", ".join(f"{flag} {count}" for flag, count in counts.most_common()))
        for line, flags in alarms[:show]:
            show_line(f"line {line + first}: {describe(flags)}", thai[line], english[line], None)
    return good


def measure_faults(plae, texts, thai, first, kinds, seed, most, show):
    """Prints the share found of each kind and way; returns whether all aims are met."""
    found_by_way, flags_by_kind, missed = {}, {kind: collections.Counter() for kind in kinds}, collections.defaultdict(list)
    for name, english in texts.items():
        for document in make_documents(seed_faults(name, thai, english, kinds, seed, most), len(thai), seed):
            flags_of_line = check(plae, thai, [document[line].text if line in document else text for line, text in enumerate(english)])
            for line, fault in document.items():
                found_by_way.setdefault((fault.kind, fault.way), []).append(bool(flags_of_line[line]))
                flags_by_kind[fault.kind].update({flag["flag"] for flag in flags_of_line[line]})
                if not flags_of_line[line]:
                    missed[fault.kind].append(fault)
    good = True
    print(f"\n{'kind':28}{'way':28}{'found':>7}{'of':>7}{'share':>8}   aim")
    for kind, (aim, ways) in kinds.items():
        results = {way.__name__: found_by_way.get((kind, way.__name__), []) for way in ways}
        every = [found for results_of_way in results.values() for found in results_of_way]
        share = sum(every) / max(1, len(every))
        met = aim is None or share >= aim
        good &= met
        print(f"{kind:28}{'':28}{sum(every):7}{len(every):7}{share:8.1%}" + ("" if aim is None else f" ≥ {aim:.0%}") + ("" if met else "   MISSED"))
        for way, of_way in results.items():
            if of_way:
                print(f"{'':28}{way.replace('_', ' '):28}{sum(of_way):7}{len(of_way):7}{sum(of_way) / len(of_way):8.1%}")
        print("    " + ", ".join(f"{flag} {count}" for flag, count in flags_by_kind[kind].most_common(6)))
        for fault in sorted(missed[kind], key=lambda fault: (fault.way, fault.file, fault.line))[::max(1, len(missed[kind]) // max(1, show))][:show]:
            show_line(f"{fault.way}, {fault.file} line {fault.line + first}", thai[fault.line], texts[fault.file][fault.line], fault.text)
    return good


def measure_speed(plae, thai, english):
    """Prints how long `plae check` takes for SPEED_PAIRS pairs on one core."""
    times = SPEED_PAIRS // len(thai) + 1
    sources, targets = (thai * times)[:SPEED_PAIRS], (english * times)[:SPEED_PAIRS]
    beginning = ["taskset", "-c", "0"]
    start, before = time.monotonic(), os.times()
    check(plae, sources, targets, beginning)
    seconds, after = time.monotonic() - start, os.times()
    # Other programs may use the core too, and this script reads the output: what counts is the processor's time for plae.
    own = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"{SPEED_PAIRS} pairs on one core: {own:.1f} s of processor time (aim under {SPEED_SECONDS}), {seconds:.1f} s with this script's reading")
    return own < SPEED_SECONDS


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.path.join(ROOT, "..", "shared", "data", "flores-dev"))
    parser.add_argument("--lines", default="1-997", help="first and last line of the files that are used")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--only", default="", help="kinds of fault, by a part of their names")
    parser.add_argument("--also", action="store_true", help="kinds without an aim as well")
    parser.add_argument("--most", type=int, default=sys.maxsize, help="so many faults of each way and file at most")
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("plae")
    args = parser.parse_args()
    if not os.path.isdir(args.data):
        sys.exit(f"{args.data}: no such directory; FLORES-200 dev is expected there")
    first, last = map(int, args.lines.split("-"))
    thai = read_lines(os.path.join(args.data, "flores-dev.th"))[first - 1:last]
    thai = thai[:-1] if thai[-1] == "" else thai
    texts = {name: read_lines(os.path.join(args.data, name))[first - 1:first - 1 + len(thai)] for name in FILES}
    if args.speed:
        return 0 if measure_speed(args.plae, thai, texts[FILES[0]]) else 1
    kinds = {**KINDS, **(ALSO if args.also else {})}
    if args.only:
        kinds = {kind: value for kind, value in {**KINDS, **ALSO}.items() if any(part in kind for part in args.only.split(","))}
    good = measure_untouched(args.plae, texts, thai, first, args.show)
    good &= measure_faults(args.plae, texts, thai, first, kinds, args.seed, args.most, args.show)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
