#!/usr/bin/env python3
"""Uses an archive's page in headless Chromium as a reader would: sorts, searches, opens articles, points at segments.

    apt install chromium fonts-noto-core; pip install playwright
    python3 tests/check_page.py target/release/plae
    python3 tests/check_page.py target/release/plae --model gemma-3-270m --pictures pictures --rows 10000

Translates a small archive of its own, asks the pages and compares with the archive's report. Without Chromium or
playwright nothing is checked, which is said. CHROMIUM names the browser's program.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from urllib.parse import quote, unquote

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sync_playwright = None

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "tests/golden/seq2seq/marian-prefix"
BROWSERS = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 390, "height": 844}
# The rows that the page shows before one asks for all.
FEW = 50
# What a sheet of A4 leaves between margins of 2 cm, in CSS pixels.
SHEET = {"width": 642, "height": 971}

FLOOD = """น้ำท่วมฉับพลันที่น่าน อพยพชาวบ้านกว่าสองพันคน

22 สิงหาคม 2567

ฝนตกหนักติดต่อกันสามวันทำให้แม่น้ำน่านเอ่อล้นตลิ่ง ถนนหลายสายถูกตัดขาด

ผู้ว่าราชการจังหวัดสั่งเปิดโรงเรียนเป็นศูนย์พักพิงชั่วคราว

ยังไม่มีรายงานผู้เสียชีวิต
"""
MUSEUM = """# พิพิธภัณฑ์ใหม่ที่ขอนแก่น

*15 สิงหาคม 2566*

พิพิธภัณฑ์ **หุ่นขี้ผึ้ง** เปิดให้ชม [ฟรี](https://example.org) ถึงสิ้นเดือนนี้

## เวลาเปิด

- วันธรรมดา 9.00 ถึง 17.00 น.
- วันหยุด 10.00 ถึง 20.00 น.
  - เด็กต่ำกว่า 12 ปีเข้าฟรี

> “เราอยากให้คนอีสานภูมิใจในบ้านของตัวเอง” ผู้อำนวยการกล่าว

| ประเภท | ราคา |
|---|---|
| ผู้ใหญ่ | 50 บาท |
"""
CLINIC = """<!DOCTYPE html><html lang="th"><meta charset="utf-8"><title>คลินิกนอกเวลา</title><body><article>
<h1>โรงพยาบาลเปิดคลินิกนอกเวลา ลดแออัด</h1><p>4 กรกฎาคม 2565</p>
<p>ผู้ป่วยนัดผ่านแอปพลิเคชันได้ตั้งแต่วันจันทร์</p><blockquote>ผมรอแค่สิบห้านาที</blockquote></article></body></html>
"""
LONG_TITLE = "รายงานพิเศษเรื่องการเปลี่ยนแปลงสภาพภูมิอากาศที่ส่งผลกระทบต่อเกษตรกรรายย่อยในลุ่มน้ำโขงตอนล่าง" * 2
ADDRESS = "https://example.org/" + "an-address-without-a-place-to-break-it-" * 4


def articles():
    """Contents by place: of each kind one, some that fail, and a long one."""
    paragraphs = [f"ท่าเรือแห่งที่ {n} มีเรือข้ามฟากวันละ {n * 13} เที่ยว เด็กทุกคนว่ายน้ำเป็น" for n in range(1, 41)]
    many = {
        "local/flood.txt": FLOOD,
        "culture/museum.md": MUSEUM,
        "health/clinic.html": CLINIC,
        "long/river.txt": "แม่น้ำเจ้าพระยากับคนกรุงเทพ\n\n7 มกราคม 2538\n\n" + "\n\n".join(paragraphs),
        "long/รายงาน พิเศษ #1?.txt": f"{LONG_TITLE}\n\nดู {ADDRESS} แล้วอ่านต่อ\n",
        "odd/<b>&amp;\"'.txt": "อักขระ <b>พิเศษ</b> & \"อัญประกาศ\"\n\n1 มกราคม 2569\n\nข้อความ <script>alert(1)</script>\n",
        "odd/sara-am.txt": "การก\u0e4d\u0e32กับดูแลสื่อ\n\nสระอำในแบบที่แยกเป็นสองตัว\n",
        "odd/english.txt": "Press release\n\nThe ministry will hold a briefing on Friday.\n",
        "odd/empty.txt": "",
        "odd/binary.txt": bytes([0, 1, 255, 254, 255, 0]) * 30,
    }
    for n in range(2, 61):
        many[f"sport/{n}.txt"] = f"ข่าวกีฬาฉบับที่ {n}\n\n{n % 28 + 1} มิถุนายน {2550 + n % 7}\n\n" + "ทีมชาติไทยชนะ " * n
    return many


def archive(options, folder):
    """Translates the articles below `folder`, and returns the report's records."""
    for place, text in articles().items():
        path = folder / "in" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    command = [options.plae, "archive", folder / "in", "-o", folder / "out", "--model", options.model]
    run = subprocess.run([*command, "--max-tokens", "60"], capture_output=True, text=True)
    assert run.returncode == 1 and "1 failed" in run.stderr, run.stderr
    return [json.loads(line) for line in (folder / "out/report.jsonl").read_text(encoding="utf-8").splitlines()]


def plain(text):
    return unicodedata.normalize("NFKC", text).lower()


def path_of(record):
    return None if record.get("error") else record["outputs"][0]["path"]


def name_of(record):
    """What the page calls an article."""
    return next(filter(str.strip, [record["title_en"], record["title"], record["place"]]))


ROWS = """() => Array.from(document.querySelector("#articles").tBodies[0].rows, row => ({
    href: row.querySelector("a")?.getAttribute("href") ?? null,
    cells: Array.from(row.cells, cell => cell.textContent),
    height: row.getBoundingClientRect().height,
}))"""


def listed(page, records):
    """The records in the order of the table, with what the table says of each."""
    by_path = {path_of(record): record for record in records}
    return [
        (by_path[unquote(row["href"].removeprefix("./")) if row["href"] else None], row) for row in page.evaluate(ROWS)
    ]


def show_all(page, records):
    page.get_by_role("button", name=f"Show all {len(records)} articles").click()


def check_rows(page, records):
    """Returns what the page says of each article, by its place."""
    rows = listed(page, records)
    assert [record["place"] for record, _ in rows] == [record["place"] for record in records[:FEW]], "not the report's"
    show_all(page, records)
    rows = listed(page, records)
    assert [record["place"] for record, _ in rows] == [record["place"] for record in records], "not the report's order"
    for record, row in rows:
        assert row["height"] > 0, record["place"]
        if record.get("error"):
            assert record["error"] in row["cells"][0] and record["place"] in row["cells"][0], row
        else:
            assert name_of(record) in row["cells"][0] and record["title"].strip() in row["cells"][0], row
            assert row["cells"][1] == record.get("date", ""), row
            count = record["flagged"]
            assert row["cells"][4].startswith(f"{count} / {record['segments']}" if count else "0"), row
    # In a narrow window too, whose style sheet takes the table apart, it must be one to a screen reader.
    for size in [NARROW, WIDE]:
        page.set_viewport_size(size)
        table = page.get_by_role("table")
        assert table.get_by_role("row").count() == len(records) + 1 and table.get_by_role("columnheader").count() == 6
    print(f"rows: {FEW}, then all {len(rows)}, in the report's order, failed ones with their errors")
    return {record["place"]: plain("".join(row["cells"])) for record, row in rows}


KEYS = {
    "Date": lambda record: record.get("date"),
    "Size": lambda record: None if record.get("error") else record["bytes"],
    "Segments": lambda record: None if record.get("error") else record["segments"],
    "To check": lambda record: 1e9 if record.get("error") else record["flagged"] / record["segments"],
    "Trust": lambda record: float(f"{record['trust']:.2f}") if "trust" in record else None,
}
IN_ORDER = """() => {
    const names = Array.from(document.querySelectorAll("#articles tbody tr"), row => row.cells[0].textContent);
    return names.slice(1).map((name, at) => names[at].localeCompare(name, "en", { numeric: true }));
}"""


def check_sort(page, records):
    headers = page.get_by_role("columnheader")
    names = [header.inner_text() for header in headers.all()]
    assert names == ["Article", *KEYS], names
    for at, name in enumerate(names):
        first = "descending" if at else "ascending"
        for order in [first, "ascending" if at else "descending"]:
            button = headers.nth(at).get_by_role("button")
            if order == first:
                button.click()
            else:
                button.press("Enter")
            states = [header.get_attribute("aria-sort") for header in headers.all()]
            assert states == ["none"] * at + [order] + ["none"] * (5 - at), (name, states)
            if name == "Article":
                sign = 1 if order == "ascending" else -1
                assert all(sign * step <= 0 for step in page.evaluate(IN_ORDER)), f"{name} {order}"
                continue
            found = [KEYS[name](record) for record, _ in listed(page, records)]
            known = sorted((key for key in found if key is not None), reverse=order == "descending")
            assert len(set(known)) > 2, f"{name} tells nothing apart: {known}"
            assert found == known + [None] * (len(found) - len(known)), f"{name} {order}: {found}"
    print("sort: six columns, both ways, by pointer and by keyboard")


# Flags that ask nobody to check anything; the page does not name them.
NOTES = ["no-thai", "divided", "mended"]


def check_search(page, records, texts, quotes):
    box = page.get_by_role("searchbox")
    page.keyboard.press("/")
    assert box.evaluate("box => box === document.activeElement"), "/ does not lead to the search"
    english = next(word for record in records for word in re.findall(r"[A-Za-z]{4,}", record["title_en"]))
    flag = next(flag for record in records for flag in record["flags"] if flag not in NOTES)
    for words in ["น้ำท่วม", "กำกับ", "การก\u0e4d\u0e32กับ", english.upper(), f"{english} .txt", "binary", flag, "SPORT/1", "qqzzq"]:
        box.fill("")
        box.type(words)
        wanted = [plain(word) for word in words.split()]
        places = [record["place"] for record in records if all(word in texts[record["place"]] for word in wanted)]
        assert places or words == "qqzzq", f"{words} is nowhere"
        assert [record["place"] for record, _ in listed(page, records)] == places[:FEW], words
        assert page.locator("#more").is_visible() == (len(places) > FEW), words
        sentences = page.locator("#worst li").all_text_contents()
        segments = sum(all(word in plain(sentence) for word in wanted) for sentence in sentences)
        assert page.locator("#worst li:visible").count() == segments, words
        assert page.locator("#worst").is_visible() == (segments > 0), words
        said = page.get_by_role("status").inner_text()
        assert said == f"{len(places)} of {len(records)} articles, {segments} of {len(quotes)} segments to check", said
    assert page.evaluate("""getComputedStyle(document.querySelector("#articles"), "::after").content""") != "none"
    page.keyboard.press("Escape")
    assert not page.get_by_role("status").inner_text() and len(listed(page, records)) == FEW
    show_all(page, records)
    print("search: Thai, English, several words, a flag, an error, a file, nothing; Escape ends it")


# All flags, the most serious last.
RANKS = """no-thai divided mended similar inconsistent length addition name unit omission negation time number money date
copied-example untranslated encoding truncated repetition empty""".split()


def worst_of(records):
    """The segments that the page should quote, the worst first: each sentence once."""
    quotes = [(quote, record) for record in records for quote in record["worst"]]
    quotes.sort(key=lambda pair: (pair[0]["trust"], -max(map(RANKS.index, pair[0]["flags"]))))
    known = {}
    for quote, record in quotes:
        known.setdefault(quote["source"], (quote, record))
    return list(known.values())[:200]


IS_MARKED = """row => getComputedStyle(row).backgroundColor !== "rgba(0, 0, 0, 0)" """


def check_worst(page, quotes):
    assert quotes, "nothing to check in this archive"
    page.get_by_role("link", name="to check").click()
    assert page.locator("#worst").evaluate("worst => worst.getBoundingClientRect().top < innerHeight"), "not led there"
    items = page.locator("#worst li").all()
    found = [item.locator("[lang=th]").text_content() for item in items]
    wanted = [segment["source"].replace("\n", " ") for segment, _ in quotes]
    assert found == wanted, next(pair for pair in zip(found, wanted) if pair[0] != pair[1])
    links = [item.get_by_role("link").get_attribute("href") for item in items]
    assert links == [f"./{quote(path_of(record), safe='/~')}#s{segment['id']}" for segment, record in quotes], links
    for (segment, _), link in list(zip(quotes, links))[:8]:
        page.locator(f'#worst a[href="{link}"]').click()
        row = page.locator(":target")
        assert row.locator("[lang=th]").text_content() == segment["source"], link
        assert row.evaluate(IS_MARKED) and row.evaluate("row => row.getBoundingClientRect().top < innerHeight"), link
        page.go_back()
    print(f"worst segments: {len(quotes)} in order, links lead to them")


def check_articles(page, records, index):
    page.goto(index)
    show_all(page, records)
    for record in filter(path_of, records):
        page.locator(f'#articles a[href="./{quote(path_of(record), safe="/~")}"]').click()
        assert page.locator("main").count() == 1 and page.locator("footer").inner_text(), page.url
        page.go_back()
    page.get_by_role("button", name="Size").click()
    page.get_by_role("searchbox").fill("sport")
    before = page.evaluate(ROWS)
    page.locator("#articles a:visible").nth(2).click()
    page.go_back()
    assert page.evaluate(ROWS) == before, "the way back loses the search or the order"
    assert page.get_by_role("searchbox").input_value() == "sport"
    print("articles: all open; the way back keeps search and order")


def check_pairs(page):
    """Pointer and keyboard mark both sides of a pair, and no other."""
    for side in ["th", "en"]:
        page.mouse.move(0, 0)
        assert not any(row.evaluate(IS_MARKED) for row in page.locator(".row").all())
        page.hover(f"#s3 [lang={side}]")
        marked = [row for row in page.locator(".row").all() if row.evaluate(IS_MARKED)]
        assert [row.get_attribute("id") for row in marked] == ["s3"], side
        box = marked[0].bounding_box()
        for half in marked[0].locator("> [lang]").all():
            inner = half.bounding_box()
            assert box["x"] <= inner["x"] and inner["x"] + inner["width"] <= box["x"] + box["width"]
            assert box["y"] <= inner["y"] + 1 and inner["y"] + inner["height"] <= box["y"] + box["height"] + 1
    page.mouse.move(0, 0)
    page.locator("#s2").focus()
    page.keyboard.press("Tab")
    marked = [row.get_attribute("id") for row in page.locator(".row").all() if row.evaluate(IS_MARKED)]
    assert marked == ["s3"], marked


BESIDE = """() => {
    const [thai, english] = document.querySelectorAll("#s2 > [lang]");
    const [a, b] = [thai.getBoundingClientRect(), english.getBoundingClientRect()];
    return a.width === 0 ? "alone" : a.right <= b.left ? "beside" : a.bottom <= b.top + 8 ? "above" : "mixed";
}"""


def check_views(page, article):
    page.set_viewport_size(WIDE)
    page.goto(article)
    check_pairs(page)
    for view, layout in [("Interleaved", "above"), ("English only", "alone"), ("Side by side", "beside")]:
        page.get_by_text(view, exact=True).click()
        assert page.evaluate(BESIDE) == layout, view
    page.emulate_media(media="print")
    page.set_viewport_size(SHEET)
    assert page.evaluate(BESIDE) == "beside" and not page.get_by_text("Interleaved").is_visible()
    page.emulate_media(media="screen")
    page.set_viewport_size(NARROW)
    assert page.evaluate(BESIDE) == "above" and not page.get_by_text("Side by side").is_visible()
    print("pairs: marked by pointer and keyboard; three views, print and a narrow window")


# Text whose contrast with its ground is below 4.5 to 1 (WCAG 2.2 AA).
FAINT = """() => {
    const channels = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = element => {
        for (let at = element; at; at = at.parentElement) {
            const found = channels(getComputedStyle(at).backgroundColor);
            if (found.length === 3 || found[3] > 0) return found;
        }
        return [255, 255, 255];
    };
    const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
    const mark = document.body.appendChild(document.createElement("i"));
    mark.style.color = "var(--mark)";
    const marked = channels(getComputedStyle(mark).color);
    mark.remove();
    const found = new Map();
    for (const element of document.querySelectorAll("body *")) {
        if (!Array.from(element.childNodes).some(node => node.nodeType === 3 && node.data.trim())) continue;
        if (element.tagName === "SCRIPT") continue;
        const colour = getComputedStyle(element).color;
        for (const under of [ground(element), marked]) {
            found.set(colour + " on " + under, ratio(channels(colour), under));
        }
    }
    return Array.from(found).sort((a, b) => a[1] - b[1]);
}"""


def check_looks(browser, pages, pictures):
    """No sideways scrolling and enough contrast in all windows, dark and light; and the pictures."""
    least = 21
    for scheme in ["light", "dark"]:
        for size in [WIDE, NARROW]:
            page = browser.new_page(viewport=size, color_scheme=scheme)
            for name, url in pages.items():
                page.goto(url)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} scrolls sideways"
                pair, ratio = page.evaluate(FAINT)[0]
                assert ratio >= 4.5, f"{name}, {scheme}: {pair} is {ratio:.2f} to 1"
                least = min(least, ratio)
                if pictures:
                    # A picture of a whole page has no window in sight of which Chromium would paint.
                    page.add_style_tag(content="* { content-visibility: visible !important }")
                    picture = pictures / f"{name}-{size['width']}-{scheme}.png"
                    page.screenshot(path=picture, full_page=size is NARROW)
            page.close()
    if pictures:
        page = browser.new_page()
        for name, url in pages.items():
            page.goto(url)
            page.pdf(path=pictures / f"{name}.pdf", format="A4")
        page.close()
    print(f"looks: no page scrolls sideways, contrast {least:.2f} to 1 at least")


STROKE = """async ([words, column]) => {
    const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    await frame();
    const begun = performance.now();
    const box = document.querySelector("#search");
    if (column === null) { box.value = words; box.dispatchEvent(new Event("input")); }
    else document.querySelectorAll("#articles th button")[column].click();
    await frame();
    return performance.now() - begun;
}"""


def measure(browser, out, count):
    """Prints how long a page of `count` rows takes from a key stroke, or a click on a header, to the next picture."""
    text = (out / "index.html").read_text(encoding="utf-8")
    head, rows, tail = re.split(r"(?<=<tbody>\n)|(?=</tbody>)", text, maxsplit=2)
    rows = [row for row in rows.splitlines(True) if "sport/" in row]
    many = (rows[n % len(rows)].replace("<small>", f"<small>{n} ", 1) for n in range(count))
    path = out / "large.html"
    path.write_text(head + "".join(many) + tail, encoding="utf-8")
    page = browser.new_page(viewport=WIDE)
    page.goto(path.as_uri())
    strokes = [page.evaluate(STROKE, [words, None]) for words in ["1", "12", "123", "1234", "", "ก", "กีฬา", "", "q", ""]]
    sorts = [page.evaluate(STROKE, ["", column]) for column in range(6)]
    page.close()
    print(f"{count} rows: a key stroke {max(strokes):.0f} ms at most, a sort {max(sorts):.0f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plae", help="the program")
    parser.add_argument("--model", default=MODEL, help="of plae; a tiny one by default")
    parser.add_argument("--pictures", type=pathlib.Path, help="a folder for screenshots")
    parser.add_argument("--rows", type=int, help="measure a page of so many articles as well")
    options = parser.parse_args()
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if sync_playwright is None or program is None:
        print(f"skipped: {'no Chromium' if sync_playwright else 'no playwright'}")
        return
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = pathlib.Path(name)
        records = archive(options, folder)
        quotes = worst_of(records)
        pages = {
            name: (folder / "out" / path).as_uri()
            for name, path in [("index", "index.html"), ("flood", "local/flood.html"), ("museum", "culture/museum.html")]
        }
        # Chromium's sandbox refuses to run as root.
        flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        page = browser.new_page(viewport=WIDE)
        page.set_default_timeout(10_000)
        troubles = []
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: request.url.startswith("file:") or troubles.append(request.url))
        page.goto(pages["index"])
        texts = check_rows(page, records)
        check_search(page, records, texts, quotes)
        check_sort(page, records)
        check_worst(page, quotes)
        check_articles(page, records, pages["index"])
        check_views(page, pages["flood"])
        assert not troubles, troubles
        check_looks(browser, pages, options.pictures)
        if options.rows:
            measure(browser, folder / "out", options.rows)
        browser.close()
    print("the page works; no message in the console, no request but for its own files")


if __name__ == "__main__":
    sys.exit(main())
