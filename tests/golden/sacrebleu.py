#!/usr/bin/env python3
"""Writes sacrebleu.json: sacrebleu's BLEU and chrF2 for small corpora with edge cases.

Run: pip install sacrebleu==2.6.0 && python tests/golden/sacrebleu.py
"""

import json
import pathlib
import sys

sys.path.pop(0)  # this folder, where this file's name would hide the package's

from sacrebleu.metrics import BLEU, CHRF

# Name, then pairs of hypothesis and reference.
CASES = {
    "identical": [("The river rose again last night.", "The river rose again last night.")],
    "different": [("xyz", "The river rose again last night.")],
    "empty hypothesis": [("", "The river rose again last night.")],
    "empty reference": [("The river rose again.", "")],
    "both empty": [("", "")],
    "empty among others": [("", "One line is missing here."), ("The other line is there.", "The other line is here."), ("Too much.", "")],
    "shorter": [("The river rose", "The river rose again last night and the road was closed.")],
    "longer": [("The river rose again last night and the road was closed.", "The river rose")],
    "one word": [("Yes", "Yes")],
    "three words": [("Yes it is", "Yes it is")],
    "no bigram": [("river the night", "the last river of a night")],
    "no trigram": [("the river was high in a night of rain", "the river rose in a storm at night")],
    "case": [("THE RIVER ROSE again last NIGHT", "The river rose again last night")],
    "punctuation": [("Well... (yes), no; \"maybe\": it's 'fine'!?", "Well, (yes), no; 'maybe': it is \"fine\"!")],
    "entities": [("&quot;Fish &amp; chips&quot; cost &lt;5&gt; dollars", "\"Fish & chips\" cost <5> dollars")],
    "double entity": [("&amp;quot;quoted&amp;quot; &amp;lt;tag&amp;gt;", "\"quoted\" <tag> &lt;tag&gt;")],
    "skipped": [("a <skipped>b c d e", "a b c d e")],
    "hyphens": [("A well-known 20-year-old co-operation of 1990-2000", "A well known 20-year-old cooperation of 1990 - 2000")],
    "decimals": [("It grew 3.5% to 1,234,567.89 in 2.0 years.", "It grew by 3.5 % to 1,234,567.89 in 2 years.")],
    "commas and digits": [("1,2 and 3, 4,five .5 6. seven,8", "1, 2 and 3,4, five 0.5 6 . seven 8,")],
    "dots": [("U.S. e.g. Mr.Smith a..b .. ...", "U.S. e.g., Mr. Smith a...b . ....")],
    "symbols": [("a+b=c/d *e* [f] {g} |h| ~i~ `j` ^k^ @l #m $n %o \\p _q_", "a + b = c / d * e * [ f ] { g } | h | ~ i ~ j k l m n o p q")],
    "unicode": [("“Café” – naïve… résumé’s €5 ½", "\"Café\" - naive... résumé's € 5 1/2")],
    "thai": [("วันที่ 8 พฤศจิกายน ปธน.สี จิ้นผิง", "วันที่ 8 พฤศจิกายน 2566 ปธน. สี จิ้นผิง")],
    "cjk": [("今天天气很好。我们去公园", "今天 天气 很好 。 我们去学校")],
    "emoji": [("good 👍🏽 day 👨‍👩‍👧", "good 👍 day 👨‍👩‍👧")],
    "white space": [(" a\tb\u00a0c\u3000d\u2009e \u001c f ", "a b c d e f")],
    "zero width": [("a\u200bb c\ufeffd e f", "ab cd e f")],
    "trailing": [("a b c d e.   ", "a b c d e.\n")],
    "line break": [("a b-\nc d e\nf g", "a bc d e f g")],
    "repeated words": [("the the the the the the the", "the cat is on the mat the end")],
    "clipped": [("a a a a b b a a a a", "a a b b b a a")],
    "short characters": [("ab", "abc"), ("a", "a"), ("abcdefgh", "abcdefg")],
    "short reference": [("abcdefgh ijkl", "ab"), ("abcdef", "abcdef")],
    "corpus": [
        ("The president gave a speech to the conference by video.", "The president addressed the conference by video link."),
        ("He said that the country supports development first.", "He said the country supports putting development first."),
        ("Rice prices rose 4.2% in March, officials said.", "Rice prices rose by 4.2 percent in March, according to officials."),
        ("", "The photograph is from the news agency."),
        ("Heavy rain is expected in the south until Friday .", "Heavy rain is expected in the South until Friday."),
    ],
}


def main():
    rows = []
    for name, pairs in CASES.items():
        hypotheses = [pair[0] for pair in pairs]
        references = [pair[1] for pair in pairs]
        bleu, chrf = BLEU(), CHRF()
        b = bleu.corpus_score(hypotheses, [references])
        c = chrf.corpus_score(hypotheses, [references])
        lines = [
            score.format(width=2, signature=str(metric.get_signature()))
            for metric, score in ((bleu, b), (chrf, c))
        ]
        rows.append({
            "name": name,
            "hypotheses": hypotheses,
            "references": references,
            "bleu": b.score,
            "precisions": b.precisions,
            "brevity_penalty": b.bp,
            "hyp_len": b.sys_len,
            "ref_len": b.ref_len,
            "chrf2": c.score,
            "lines": "\n".join(lines),
        })
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(rows, ensure_ascii=True, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
