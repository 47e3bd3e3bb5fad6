"""Counts the dates, times and figures of Thai texts whose values are missing or wrong in a translation, without plae's own code.

    python3 tests/count_numbers.py [--show N] SOURCE TARGET        two files, a sentence a line
    python3 tests/count_numbers.py [--show N] FILE.jsonl …         outputs of `plae translate --format jsonl`

A simple reading by regular expressions, made to measure what plae mends by its own reading. Of the Thai text it counts

    date       a day and a month with or without a year, a month with a year, a month; days of the week
    year       after ปี, พ.ศ., ค.ศ. and the like, and 2400 to 2599; years of the Buddhist era are turned into the common era
    time       hours and minutes
    figure     numbers in digits, Thai digits too, of two digits or more, or with a per cent sign or a word of scale (ล้าน, แสน, …)

and looks in the English for the value in any usual form: digits, words, scales, ordinals, names of months, both clocks. A value that is
not there is `wrong` if the English has another one of the same class that the Thai does not have, and `missing` otherwise. Numbers in
words and numbers of one digit are not counted in the Thai. Needs Python 3.
"""

import argparse
import collections
import json
import re
import sys

THAI_MONTHS = ["มกราคม", "กุมภาพันธ์", "มีนาคม", "เมษายน", "พฤษภาคม", "มิถุนายน", "กรกฎาคม", "สิงหาคม", "กันยายน", "ตุลาคม", "พฤศจิกายน", "ธันวาคม"]
THAI_SHORT_MONTHS = ["ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.", "ธ.ค."]
ENGLISH_MONTHS = "january february march april may june july august september october november december".split()
THAI_WEEKDAYS = {"จันทร์": "mon", "อังคาร": "tue", "พุธ": "wed", "พฤหัส": "thu", "ศุกร์": "fri", "เสาร์": "sat", "อาทิตย์": "sun"}
THAI_SCALES = {"ร้อย": 1e2, "พัน": 1e3, "หมื่น": 1e4, "แสน": 1e5, "ล้าน": 1e6, "ร้อยล้าน": 1e8, "พันล้าน": 1e9, "หมื่นล้าน": 1e10, "แสนล้าน": 1e11,
               "ล้านล้าน": 1e12}
ENGLISH_SCALES = {"hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12,
                  "lakh": 1e5, "dozen": 12, "crore": 1e7}
UNITS = dict(zip("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
                 "nineteen".split(), range(20)))
TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10)))
ORDINALS = {"first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12}
# Words that stand for a number, as a translator may choose them.
OTHER_WORDS = {"half": [50, 0.5], "quarter": [25, 0.25, 15], "dozen": [12], "decade": [10], "century": [100], "centuries": [100], "triple": [3],
               "centennial": [100], "centenary": [100], "noon": [12], "midday": [12], "midnight": [0, 24], "a hundred": [100], "a thousand": [1000], "a million": [1e6],
               "a billion": [1e9], "fortnight": [14], "percent": [], "teens": [13], "twenties": [20], "thirties": [30], "two-thirds": [66], "third": [33]}

SHORT_MONTH = "(?<![ก-๙])(?:" + "|".join(month[:-1].replace(".", r"\.\s?") + r"\.?(?![ก-๙])" for month in THAI_SHORT_MONTHS) + ")"
MONTH = r"(?P<month>" + "|".join(THAI_MONTHS) + "|" + SHORT_MONTH + ")"
ERA = r"(?:พุทธศักราช|พ\.?\s?ศ\.?|คริสต์ศักราช|คริสตศักราช|ค\.?\s?ศ\.?|ปี)"
DATE = re.compile(r"(?:(?P<first>\d{1,2})\s*(?:-|–|—|ถึง|และ|,)\s*(?:วันที่\s*)?)?(?:(?P<day>\d{1,2})\s*)?(?:เดือน\s*)?" + MONTH
                  + r"(?:\s*(?:" + ERA + r"\s*)*(?P<year>\d{4}|[3-9]\d(?![,.]\d))(?!\d))?")
SLASHED = re.compile(r"(?<![\d/])(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})(?![\d/])")
YEAR = re.compile(r"(?:(?:ปี|พุทธศักราช|พ\.?\s?ศ\.?|คริสต์ศักราช|คริสตศักราช|ค\.?\s?ศ\.?|ปีงบประมาณ|ปีการศึกษา|ทศวรรษ|ประจำปี)\s*(?:ที่)?\s*)+(?P<year>\d{4})(?:\s*[-–—/]\s*(?P<until>\d{4}|\d\d))?(?![\d,.]\d)")
TIME = re.compile(r"(?P<hour>\d{1,2})[.:](?P<minute>\d{2})(?=\s*(?:น\.|น(?![ก-๙])|นาฬิกา|[-–—]\s*\d{1,2}[.:]\d{2}\s*น))|(?<=เวลา)\s*(?P<hour2>\d{1,2})[.:](?P<minute2>\d{2})(?!\d)")
FIGURE = re.compile(r"(?P<rate>ร้อยละ\s*)?(?<![A-Za-z\d.,-])(?P<number>\d[\d,]*(?:\.\d+)?)(?:\s*[-–—]\s*(?P<until>\d[\d,]*(?:\.\d+)?))?\s*"
                    r"(?P<scale>ล้านล้าน|แสนล้าน|หมื่นล้าน|พันล้าน|ร้อยล้าน|ล้าน|แสน|หมื่น|พัน|ร้อย(?!ละ))?\s*(?P<percent>%|เปอร์เซ็น)?(?![A-Za-z])")
CODE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|(?<!\d)0\d{1,2}[- ]\d{3,4}[- ]?\d{3,4}(?!\d)|[A-Za-z][A-Za-z\d.-]*\d[A-Za-z\d-]*")

Item = collections.namedtuple("Item", "kind words values")


def read_number(words):
    return float(words.replace(",", ""))


def common_year(year, words):
    """Returns a year in the common era."""
    return year - 543 if re.search("พ\\.?\\s?ศ|พุทธ", words) or (year >= 2300 and not re.search("ค\\.?\\s?ศ|คริสต", words)) else year


def month_number(words):
    for names in (THAI_MONTHS, [short.replace(".", "") for short in THAI_SHORT_MONTHS]):
        plain = re.sub(r"[.\s]", "", words)
        for number, name in enumerate(names, 1):
            if plain.startswith(name) if names is THAI_MONTHS else plain == name:
                return number
    return 0


def read_thai(text):
    """Returns the counted items of a Thai text, and all numbers in digits that it has."""
    text = text.translate({0x0e50 + digit: str(digit) for digit in range(10)})
    text = re.sub(r"[\u200b-\u200d\ufeff]", "", text).replace("เเ", "แ")
    items, numbers = [], {float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}

    def take(pattern, make):
        nonlocal text
        for match in pattern.finditer(text):
            items.extend(make(match))
        text = pattern.sub(" ; ", text)

    def date(match):
        parts = match.groupdict()
        month = int(parts["month"]) if parts["month"].isdigit() else month_number(parts["month"])
        if month == 0 or month > 12:
            return
        values = [("month", month)] + [("day", int(parts[name])) for name in ("first", "day") if parts.get(name)]
        if parts["year"]:
            year = int(parts["year"])
            values.append(("year", common_year(year + 2500 if year < 100 else year, match.group())))
        yield Item("date", match.group().strip(), values)

    def years(match):
        for name in ("year", "until"):
            if match[name] and len(match[name]) == 4:
                yield Item("year", match.group().strip(), [("year", common_year(int(match[name]), match.group()))])

    def moment(match):
        yield Item("time", match.group().strip(), [("time", (int(match["hour"] or match["hour2"]), int(match["minute"] or match["minute2"])))])

    def figure(match):
        scale = THAI_SCALES.get(match["scale"] or "", 1)
        for name in ("number", "until"):
            digits = match[name]
            if digits and (sum(char.isdigit() for char in digits) >= 2 or scale > 1 or match["percent"] or match["rate"]):
                value = read_number(digits)
                if re.fullmatch("2[45]\\d\\d", digits) and scale == 1 and not match["percent"] and not match["rate"]:
                    yield Item("year", match.group().strip(), [("year", value - 543)])
                    continue
                yield Item("figure", match.group().strip(), [("figure", value * scale)])

    take(CODE, lambda match: ())
    for thai, english in THAI_WEEKDAYS.items():
        for _ in re.finditer("วัน(?:ที่)?" + thai, text):
            items.append(Item("date", "วัน" + thai, [("weekday", english)]))
    take(SLASHED, date)
    take(DATE, date)
    take(YEAR, years)
    take(TIME, moment)
    take(FIGURE, figure)
    for item in items:
        numbers |= {float(value) for kind, value in item.values if kind in ("day", "year", "figure")}
    return items, numbers


def read_words(text):
    """Returns the values of numbers in English words: each longest run of them, and each scale with what stands before it."""
    values = set()
    for run in re.finditer(r"(?:(?:" + "|".join([*UNITS, *TENS, "hundred", "thousand", "million", "billion", "trillion", "and"]) + r")(?:st|nd|rd|th|s)?\b[\s-]*)+", text):
        total = current = 0
        seen = False
        for word in re.findall(r"[a-z]+", run.group()):
            base = word if word in UNITS or word in TENS or word in ENGLISH_SCALES or word == "and" else re.sub(r"(?:th|s)$", "", word)
            if base in UNITS or base in TENS:
                value = UNITS.get(base, TENS.get(base))
                if seen and current % 100 and not (current % 10 == 0 and value < 10 and current % 100 >= 20):
                    values.add(float(total + current))
                    # "nineteen ninety-five"
                    current = current * 100 + value if 10 <= current < 100 and value >= 10 else value
                else:
                    current += value
                seen = True
                values.add(float(value))
            elif base in ENGLISH_SCALES:
                scale = ENGLISH_SCALES[base]
                if scale == 100:
                    current = max(current, 1) * 100
                else:
                    total += max(current, 1) * scale
                    current = 0
                seen = True
                values.add(float(total + current))
        if seen:
            values.add(float(total + current))
    return values


def read_english(text):
    """Returns the values of an English text: sets of numbers, of months, weekdays and times, and the numbers in digits among them."""
    text = re.sub(r"&#39;", "'", text).replace("&quot;", '"').lower()
    digits, numbers = set(), set()
    for match in re.finditer(r"(\d[\d,]*(?:\.\d+)?)(?:\s*[-–—]\s*|\s+to\s+)?(?:[\s-]*(hundred|thousand|million|billion|trillion|lakh|crore|mn|bn|[mkb](?![a-z])))?", text):
        try:
            value = read_number(match.group(1))
        except ValueError:
            continue
        digits.add(value * ENGLISH_SCALES.get(match.group(2), 1))
        numbers |= {value, value * ENGLISH_SCALES.get(match.group(2), 1)}
    # Both ends of a range share the scale: 3-5 million.
    for match in re.finditer(r"(\d[\d,.]*\d|\d)\s*(?:[-–—]|to|and|or)\s*\$?(?:\d[\d,.]*\d|\d)\s*(hundred|thousand|million|billion|trillion)", text):
        numbers.add(read_number(match.group(1)) * ENGLISH_SCALES[match.group(2)])
    # 1995-96, the '80s and 2.30
    for match in re.finditer(r"\b(\d\d)\d\d\s*[-–—/]\s*(\d\d)\b", text):
        numbers.add(float(match.group(1) + match.group(2)))
    numbers |= read_words(text)
    for word, values in [*OTHER_WORDS.items(), *((word, [value]) for word, value in ORDINALS.items())]:
        if re.search(r"\b" + word, text):
            numbers |= set(map(float, values))
    for match in re.finditer(r"(\w+)(?: and a|-and-a)[ -]half (million|billion|thousand|hundred)?", text):
        whole = UNITS.get(match.group(1), int(match.group(1)) if match.group(1).isdigit() else 1)
        numbers.add((whole + 0.5) * ENGLISH_SCALES.get(match.group(2), 1))
    dates = [tuple(map(int, match.groups())) for match in re.finditer(r"(?<![\d/])(\d{1,2})/(\d{1,2})/\d{4}(?![\d/])", text)]
    months = {number for number, name in enumerate(ENGLISH_MONTHS, 1) if re.search(r"\b(?:" + name + r"|" + name[:3] + r"t?\b)", text)}
    months |= {month for date in dates for month in date}
    weekdays = {name for name in THAI_WEEKDAYS.values() if re.search(r"\b" + name + r"(?:day|sday|nesday|rsday|urday|\b)", text)}
    times = set()
    for match in re.finditer(r"\b(\d{1,2})(?:[.:h](\d{2})|(\d{2})(?= ?(?:utc|gmt|hours|hrs)))?\s*(a\.?m|p\.?m|o'clock)?", text):
        hour, minute, half = int(match.group(1)), int(match.group(2) or match.group(3) or 0), (match.group(4) or "")[:1]
        for moment in {(hour, minute), *([(hour % 12 + 12, minute)] if half == "p" else [(hour % 12, minute)] if half == "a" else [])}:
            times.add(moment)
    times |= {(12, 0)} if re.search("noon|midday", text) else set()
    times |= {(0, 0), (24, 0)} if "midnight" in text else set()
    times |= {(int(value), 0) for value in numbers if value < 25} | {(int(value) + 12, 0) for value in read_words(text) if value <= 12}
    return {"numbers": numbers, "digits": digits, "month": months, "weekday": weekdays, "time": times}


def has_value(english, kind, value):
    if kind in ("month", "weekday", "time"):
        return value in english[kind]
    return any(abs(number - value) <= 1e-6 * abs(value) for number in english["numbers"])


def compare(thai, english):
    """Returns `(item, state)` for each item of the Thai text; a state is "right", "missing" or "wrong"."""
    items, numbers = read_thai(thai)
    read = read_english(english)
    own = {kind: {value for item in items for name, value in item.values if name == kind} for kind in ("month", "weekday", "time")}
    strange_numbers = {number for number in read["digits"] if not any(abs(number - own_number) <= 1e-6 * max(1, own_number) for own_number in numbers)}
    results = []
    for item in items:
        lacking = [kind for kind, value in item.values if not has_value(read, kind, value)]
        if not lacking:
            results.append((item, "right"))
            continue
        wrong = any((read[kind] - own[kind]) if kind in ("month", "weekday") else strange_numbers for kind in lacking)
        results.append((item, "wrong" if wrong else "missing"))
    return results


def count(pairs):
    """Returns a counter of `(kind, state)` and the indices of the lines that have an item that is not right."""
    counts, lines = collections.Counter(), []
    for index, (thai, english) in enumerate(pairs):
        results = compare(thai, english)
        counts.update((item.kind, state) for item, state in results)
        if any(state != "right" for _, state in results):
            lines.append(index)
    return counts, lines


def read_pairs(paths):
    """Returns the pairs of two files of lines, or of plae's JSONL outputs."""
    pairs = []
    if any(path.endswith(".jsonl") for path in paths):
        for path in paths:
            with open(path, encoding="utf-8") as file:
                rows = [json.loads(line) for line in file if line.strip()]
            pairs += [(row["source"], row["target"]) for row in rows if row.get("type") == "segment" and row.get("target") is not None]
        return pairs
    texts = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            texts.append(file.read().splitlines())
    if len(texts) != 2 or len(texts[0]) != len(texts[1]):
        sys.exit("give a source and a target with as many lines, or .jsonl files")
    return list(zip(*texts))


def print_counts(counts, lines, pairs):
    print(f"{'':10}{'all':>7}{'missing':>9}{'wrong':>7}{'share':>8}")
    kinds = ["date", "year", "time", "figure"]
    for kind in [*kinds, "all"]:
        states = collections.Counter()
        for (item_kind, state), number in counts.items():
            if kind in (item_kind, "all"):
                states[state] += number
        every = sum(states.values())
        bad = states["missing"] + states["wrong"]
        print(f"{kind:10}{every:7}{states['missing']:9}{states['wrong']:7}{bad / max(1, every):8.1%}")
    print(f"lines with one: {len(lines)} of {len(pairs)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--show", type=int, default=0, help="print so many lines that have an item that is not right")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    pairs = read_pairs(args.files)
    counts, lines = count(pairs)
    print_counts(counts, lines, pairs)
    for index in lines[:args.show]:
        thai, english = pairs[index]
        bad = "; ".join(f"{state}: {item.words} {[value for _, value in item.values]}" for item, state in compare(thai, english) if state != "right")
        print(f"\n{index + 1}: {bad}\n    {thai}\n    {english}")


if __name__ == "__main__":
    main()
