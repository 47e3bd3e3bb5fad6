"""Writes tests/golden/tokenizer/: tiny tokenizer directories, and in golden.json what transformers does with them.

    pip install transformers==4.57.1 sentencepiece==0.2.3 protobuf && python3 tests/golden/tokenizer.py

Each directory is what the class's own save_pretrained leaves, less the files that only repeat others and less white space. The vocabularies are
trained on the lines below and tests/golden/lines.th. One has the real nmt_nfkc rules; the others, to stay small, a few of its
rules. Between them they have both methods, byte fallback, user-defined and unused pieces, and spaces kept and removed.
"""

import io
import json
import os
import pathlib
import random
import shutil
import tempfile
import unicodedata

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from transformers import M2M100Tokenizer, MarianTokenizer, MBart50Tokenizer, NllbTokenizer, NllbTokenizerFast, T5Tokenizer

HERE = pathlib.Path(__file__).parent
OUT = HERE / "tokenizer"
THAI = (HERE / "lines.th").read_text().splitlines() + [
    "ฝนตกหนักตั้งแต่เช้า ถนนหลายสายในเมืองจึงมีน้ำท่วมขัง", "ครูให้นักเรียนอ่านหนังสือคนละเล่มแล้วเล่าให้เพื่อนฟัง",
    "ตลาดน้ำเปิดทุกวันเสาร์และวันอาทิตย์ ตั้งแต่ 8.00 น. ถึง 17.00 น.", "แม่ทำแกงเขียวหวานไก่ ส่วนพ่อทำส้มตำปูปลาร้า",
    "รถไฟขบวนนี้จะถึงเชียงใหม่ช้ากว่ากำหนดประมาณสองชั่วโมง", "หมอแนะนำให้ดื่มน้ำมากๆ และพักผ่อนให้เพียงพอ",
    "บริษัทเปิดตัวโทรศัพท์รุ่นใหม่ ราคาเริ่มต้น 9,990 บาท", "ชาวบ้านร่วมกันปลูกต้นไม้ริมแม่น้ำกว่าหนึ่งพันต้น"]
ENGLISH = [
    "The river rose in the night and by morning the market was under water.", "She reads to the children every evening.",
    "Tickets cost 120 baht; students pay half.", "Nobody had told the driver that the bridge was closed.",
    "The minister said that the new law would take effect on 1 January.", "It's raining again, isn't it?",
    "We are going to the mountains with two friends from Chiang Mai.", "The price of rice fell by 3.5 per cent last year.",
    "He opened the window, looked out and said nothing.", "A small shop near the station sells the best noodles in town.",
    "They have been working on the railway since the spring.", "The doctor told him to rest and to drink more water.",
    "Our teacher has written a book about the birds of the northern forests.", "The government will build more schools."]
HARD = [
    "", " ", "   ", "\t", "\u200b", "\u00a0", "น้ำ", "น\u0e49\u0e4d\u0e32", "นํา", "ต่างๆ", "ฯลฯ", "กรุงเทพฯ", "ไทย\u200bแลนด์", "a\u00a0b",
    "👩\u200d👩\u200d👧 ครอบครัว", "a\tb\t\tc", "  หน้า  หลัง  ", "ﬁne ﬂow", "ＡＢ１２", "ｶﾞｷﾞ ｶﾀ", "๑๒๓๔", "漢字仮名 と ไทย 漢", "อ่าน</s>ต่อ",
    "อ่าน </s> ต่อ", ">>eng<< สวัสดี", ">>eng<<สวัสดี", ">>xyz<< สวัสดี", " >>eng<< ไทย", ">>a", "<unk>", "<pad> x", "<s>", "<2en> สวัสดี",
    "x<2en>y", "__th__ ไทย", "tha_Thai ไทย eng_Latn", "en_XX th_TH", "<mask> x  <mask>", "a  <mask>  b", "<extra_id_0> x <extra_id_1>y",
    " <extra_id_3> ", "<extra_id_1", "\u2581", "\u2581\u2581ไทย\u2581", "\x00a\x01", "e\u0301 ä", "\ufeffa\u00adb", "ั้ะ", "\U0010ffff",
    "語語語 語語", "a\nb\r\nc", "...!!??", "a\u3000b", "<0x41><0xE0>", "</s", "<unk><unk>", "a </s> b <pad> c", "\u001c </s> \u001c"]


def rules(directory):
    """A few of nmt_nfkc's rules as a file: sets of characters that NFKC changes, spaces, and what is dropped."""
    sets = ["\u0e33\u0eb3"] + [map(chr, r) for r in (range(0xfb00, 0xfb07), range(0xff01, 0xff5f), range(0xff66, 0xffa0))]
    texts = [c for s in sets for c in s] + [chr(k) + d for k in range(0xff76, 0xff85) for d in "ﾞ"] + ["e\u0301", "a\u0308"]
    pairs = [(t, unicodedata.normalize("NFKC", t)) for t in texts]
    pairs += [(c, " ") for c in "\t\n\r\u00a0\u3000\u200b"] + [(c, "") for c in "\u00ad\ufeff\u0001"]
    code = lambda text: " ".join(f"{ord(c):X}" for c in text)
    path = directory / "rules.tsv"
    path.write_text("".join(f"{code(a)}\t{code(b)}\n" for a, b in pairs if a != b))
    return str(path)


def train(path, lines, kind, size, unused=0, **options):
    """Trains a model without the names of this machine's files in it; every `unused`-th longer piece is set to unused."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, model_type=kind, vocab_size=size, hard_vocab_limit=False,
        character_coverage=0.995, minloglevel=2, num_threads=1, **options)
    proto = pb.ModelProto.FromString(model.getvalue())
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    normal = [p for p in proto.pieces if p.type == pb.ModelProto.SentencePiece.NORMAL and len(p.piece) > 2]
    for piece in normal[::unused] if unused else []:
        piece.type = pb.ModelProto.SentencePiece.UNUSED
    path.write_bytes(proto.SerializeToString(deterministic=True))
    return [p.piece for p in proto.pieces]


def vocabulary(path, *tokens):
    path.write_text(json.dumps({t: i for i, t in enumerate(dict.fromkeys(sum(tokens, [])))}))
    return str(path)


def build(tmp):
    """Name, model type and tokenizer of each directory; the tokenizers are saved."""
    small = dict(normalization_rule_tsv=rules(tmp))
    th = train(tmp / "source.spm", THAI, "unigram", 420, normalization_rule_name="nmt_nfkc")
    en = train(tmp / "target.spm", ENGLISH, "unigram", 220, **small)
    bpe = train(tmp / "bpe.model", THAI + ENGLISH, "bpe", 700, unused=7, byte_fallback=True, remove_extra_whitespaces=False,
                user_defined_symbols=["<2en>", "ประเทศ"], **small)
    train(tmp / "unigram.model", THAI + ENGLISH, "unigram", 400, unused=9, **small)
    train(tmp / "t5.model", THAI + ENGLISH, "unigram", 400, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
          user_defined_symbols=["<2en>", "<2th>"], **small)
    joint = vocabulary(tmp / "joint.json", ["</s>", "<unk>"], th, en, [">>eng<<", "<pad>"])
    left = vocabulary(tmp / "left.json", ["</s>", "<unk>"], en[40:], ["<pad>"])
    right = vocabulary(tmp / "right.json", ["</s>", "<unk>"], en, ["<pad>"])
    m2m = vocabulary(tmp / "m2m.json", ["<s>", "<pad>", "</s>", "<unk>"], bpe)
    spm = [str(tmp / "source.spm"), str(tmp / "target.spm")]
    languages = ["eng_Latn", "tha_Thai"]
    yield "marian", "marian", MarianTokenizer(*spm, joint, source_lang="th", target_lang="en")
    # (the same model on both sides keeps the repository small)
    yield "marian-separate", "marian", MarianTokenizer(spm[1], spm[1], left, target_vocab_file=right, separate_vocabs=True)
    yield "m2m100", "m2m_100", M2M100Tokenizer(m2m, str(tmp / "bpe.model"), src_lang="th", tgt_lang="en")
    nllb = dict(src_lang="tha_Thai", tgt_lang="eng_Latn", additional_special_tokens=languages)
    yield "nllb", "m2m_100", NllbTokenizer(str(tmp / "unigram.model"), **nllb)
    yield "mbart50", "mbart", MBart50Tokenizer(str(tmp / "unigram.model"), src_lang="th_TH", tgt_lang="en_XX")
    yield "t5", "t5", T5Tokenizer(str(tmp / "t5.model"), extra_ids=4)
    yield "t5-new", "t5", T5Tokenizer(str(tmp / "t5.model"), extra_ids=4, legacy=False)
    yield "nllb-json", "m2m_100", NllbTokenizerFast(str(tmp / "unigram.model"), **nllb)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    lines = HARD + THAI[::4] + ENGLISH[::3]
    golden = {"lines": lines, "directories": {}}
    asked = ["</s>", "<unk>", "<pad>", "<mask>", "__th__", "__en__", "tha_Thai", "eng_Latn", "th_TH", "en_XX", ">>eng<<", "<2en>",
             "<extra_id_0>", "\u2581the", "no such token"]
    with tempfile.TemporaryDirectory() as tmp:
        for name, kind, made in build(pathlib.Path(tmp)):
            directory = OUT / name
            made.save_pretrained(directory)
            for repeated in ("special_tokens_map.json", "added_tokens.json"):
                (directory / repeated).unlink(missing_ok=True)
            if made.is_fast:
                (directory / "sentencepiece.bpe.model").unlink(missing_ok=True)
            for path in directory.glob("*.json"):
                path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False, separators=(",", ":")) + "\n")
            tokenizer = type(made).from_pretrained(directory)
            known = {**tokenizer.get_vocab(), **getattr(tokenizer, "lang_token_to_id", {})}
            ids = [tokenizer(line, add_special_tokens=False)["input_ids"] for line in lines]
            # What a model puts out need not be what a text is cut into. (M2M100Tokenizer would write its language tokens out.)
            chance = random.Random(name)
            pool = sorted(getattr(tokenizer, "target_encoder", tokenizer.get_vocab()).values())
            mixed = [[chance.choice(pool[:20] + pool) for _ in range(chance.randrange(1, 12))] for _ in range(60)]
            decode = lambda ids: tokenizer.decode(ids, skip_special_tokens=True).strip()
            golden["directories"][name] = {
                "type": kind, "tokens": {token: known.get(token) for token in asked}, "ids": ids,
                "texts": [decode(row) for row in ids], "mixed": [[row, decode(row)] for row in mixed]}
    # One entry a line for a reader's sake.
    text = json.dumps(golden, ensure_ascii=False, separators=(",", ":")).replace('},"', '},\n"').replace('],"', '],\n"')
    (OUT / "golden.json").write_text(text + "\n")
    print(sum(path.stat().st_size for path in OUT.rglob("*") if path.is_file()), "bytes")


if __name__ == "__main__":
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    main()
