"""Writes tests/golden/seq2seq: small encoder-decoder checkpoints with random weights, and what transformers makes of them.

    pip install torch==2.8.0 transformers==4.57.1 sentencepiece==0.2.1 protobuf && python3 tests/golden/seq2seq.py [NAME...]

Each directory has the files that the repositories of its kind have, with their names, keys and odd places of things:

    marian-tied      opus-mt-th-en: pytorch_model.bin, a bias on the logits, a forced end, <pad> as a bad word
    marian-prefix    opus-mt-tc-bible-big: >>eng<< before the text, an end that is not token 0, beams only in generation_config
    marian-separate  two vocabularies of different sizes, nothing tied
    m2m100           m2m100_418M: vocab.json and a BPE sentencepiece model, shards, encoder deeper than decoder
    small100         small100: the target language on the source side, nothing forced
    nllb             nllb-200: tokenizer.json, whose own template has the language code in the wrong place; bfloat16
    mbart50          mbart-large-50-many-to-one-mmt: learned positions, the forced first token in config.json alone; float16
    t5-madlad        madlad400: gated GELU, untied, heads wider than the model, <2en> before the text
    t5-tied          T5 1.0: ReLU, tied and scaled, more logits than tokens, no tokenizer.json

The sentencepiece models normalise as the real ones do, by a part of their rules: the whole map is 240 kB.
NAME.json has for each line of lines.th the source ids, the ids of greedy search and of four beams for at most MAX_TOKENS tokens, and
the smallest margin of any choice on the way. Computed again in float64, they must be the same but for near ties.
"""

import io
import json
import pathlib
import shutil
import sys
import tempfile
import unicodedata

import safetensors.torch
import sentencepiece
import torch
import transformers
from sentencepiece import sentencepiece_model_pb2
from transformers.models.mbart50.tokenization_mbart50 import FAIRSEQ_LANGUAGE_CODES as MBART_CODES

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from parity_transformers import NEAR_TIE, Reference  # noqa: E402

MAX_TOKENS, POSITIONS = 24, 140
HARD = [
    "น้ำใจและคำพูดทำให้ทุกคนจำได้ น้ําใจและคําพูดทําให้ทุกคนจําได้",
    "บ่อยๆ ช้า ๆ ค่อยๆเดินไปเรื่อยๆ",
    "กรุงเทพฯ ผัก ผลไม้ ฯลฯ และอื่นๆ",
    "แบ่ง\u200bคำ\u200bด้วย\u200bช่องว่าง\u200bที่มองไม่เห็น",
    "วันที่\u00a012\u00a0สิงหาคม\u00a0เป็นวันแม่",
    "ขอบคุณมาก 🙏🏽🎉 ครอบครัว 👨‍👩‍👧 ไทย 🇹🇭 สู้ๆ",
    "รัฐมนตรีกล่าวใน Facebook Live ว่า “Thailand 4.0” จะเริ่มใช้ AI และ Big Data ภายในปี 2570",
    "The minister said that ข้าวหอมมะลิ is the best rice in the world.",
    "1,234,567.89 บาท หรือ 12.5% ของ ๙๘,๗๖๕ ล้าน (ราว ½ ของปี ๒๕๖๖)",
    "เมือง Hue\u0302\u0301 กับ Huế และ Hue\u0302 อยู่ในเวียดนาม ① ② ㎏ ＡＢＣ ﬁ",
    "ตำรวจ",
    "ภาษาจีน 你好 ภาษาญี่ปุ่น こんにちは ภาษาเกาหลี 안녕 ภาษาอาหรับ مرحبا",
    "อากาศดี   มาก    วันนี้... จริง ๆ นะ!!! (ฮ่า ๆ)",
    "คณะรัฐมนตรีเห็นชอบแผนพัฒนาระบบรางระยะยี่สิบปี ซึ่งจะเชื่อมกรุงเทพฯ กับหัวเมืองในภาคเหนือและภาคใต้ และจะลดเวลาเดินทางไปเชียงใหม่เหลือสี่ชั่วโมง",
]
THAI = """
รัฐบาลประกาศแผนช่วยเหลือเกษตรกรที่ประสบภัยแล้งในภาคตะวันออกเฉียงเหนือ
ฝนตกหนักทำให้น้ำท่วมหลายจังหวัดในภาคใต้
นายกรัฐมนตรีกล่าวว่าเศรษฐกิจไทยจะเติบโตร้อยละ 3 ในปีหน้า
เด็กๆ เดินไปโรงเรียนด้วยกันทุกวัน
ตลาดน้ำแห่งนี้เปิดให้บริการทุกวันเสาร์และวันอาทิตย์ เวลา 08.00 น.
ราคาทองคำวันนี้ปรับขึ้น 150 บาท ตามตลาดโลก
นักวิจัยจากมหาวิทยาลัยเชียงใหม่ค้นพบพืชชนิดใหม่บนภูเขา
ผู้โดยสารกว่า 2,000 คนต้องรอรถไฟเพราะระบบขัดข้อง
ทีมฟุตบอลหญิงไทยชนะเวียดนาม 2 ต่อ 1 ในนัดเปิดสนาม
โรงพยาบาลขอรับบริจาคเลือดทุกหมู่เป็นการด่วน
แม่บอกว่าอาหารเย็นพร้อมแล้ว ให้ทุกคนมานั่งที่โต๊ะ
ตำรวจจับกุมผู้ต้องหาได้ที่ด่านชายแดนเมื่อคืนนี้
การประชุมครั้งนี้มีผู้แทนจาก 21 ประเทศเข้าร่วม
เขาอ่านหนังสือเล่มนี้จบภายในสองวัน
ภาพยนตร์เรื่องใหม่ทำรายได้เกิน 100 ล้านบาทในสัปดาห์แรก
ชาวบ้านช่วยกันปลูกป่าชายเลนเพื่อป้องกันคลื่นกัดเซาะชายฝั่ง
กระทรวงสาธารณสุขเตือนให้ระวังโรคไข้เลือดออกในฤดูฝน
รถไฟฟ้าสายใหม่จะเชื่อมสนามบินกับใจกลางเมือง
ครูใหญ่ให้รางวัลแก่นักเรียนที่ทำความดี
บริษัทญี่ปุ่นลงทุนสร้างโรงงานรถยนต์ไฟฟ้าในจังหวัดระยอง
อากาศหนาวเย็นลงอีก 2-3 องศา โดยเฉพาะบนยอดดอย
กองทุนหมู่บ้านฯ ให้กู้เงินโดยไม่คิดดอกเบี้ย
ปลา ข้าว ผัก ฯลฯ เป็นสินค้าสำคัญของตลาดแห่งนี้
พิพิธภัณฑ์จัดแสดงเครื่องปั้นดินเผาอายุกว่า 4,000 ปี
เธอพูดภาษาอังกฤษ ภาษาจีน และภาษาไทยได้คล่อง
ศาลตัดสินให้จำเลยชดใช้ค่าเสียหาย 5 ล้านบาท
แผ่นดินไหวขนาด 4.5 เกิดขึ้นที่จังหวัดแม่ฮ่องสอน
“เราต้องรักษาสิ่งแวดล้อมไว้ให้ลูกหลาน” ผู้ว่าฯ กล่าว
พ.ศ. ๒๕๖๗ มีนักท่องเที่ยวเดินทางเข้าประเทศ ๓๕ ล้านคน
เมือง Huế อยู่ในเวียดนาม และ Hê เป็นชื่อคน
""".strip().split("\n")
ENGLISH = """
The government announced a plan to help farmers hit by drought in the northeast.
Heavy rain flooded several provinces in the south.
The prime minister said the Thai economy would grow by 3 percent next year.
The children walk to school together every day.
The floating market is open on Saturdays and Sundays at 8 a.m.
The price of gold rose by 150 baht today, following the world market.
Researchers from Chiang Mai University found a new plant on the mountain.
More than 2,000 passengers waited for trains because the system failed.
Thailand's women beat Vietnam 2-1 in the opening match.
The hospital urgently asks for blood of every group.
Mother said dinner was ready and told everyone to come to the table.
Police arrested the suspect at the border last night.
Delegates from 21 countries attended the meeting.
He finished reading the book within two days.
The new film earned more than 100 million baht in its first week.
Villagers are planting mangroves to keep the waves from eating the coast.
The ministry of health warned of dengue fever in the rainy season.
The new electric railway will link the airport with the city centre.
The head teacher gave prizes to students who had done good deeds.
A Japanese company is building an electric car factory in Rayong.
It will be colder by 2 to 3 degrees, above all on the hilltops.
The village fund lends money without interest.
Fish, rice and vegetables are the main goods of this market.
The museum shows pottery that is over 4,000 years old.
She speaks English, Chinese and Thai fluently.
The court ordered the defendant to pay 5 million baht in damages.
An earthquake of magnitude 4.5 struck Mae Hong Son.
"We must keep the environment for our children," the governor said.
In 2024 the country had 35 million visitors.
Live on Facebook, the minister spoke of AI and Big Data for Thailand.
""".strip().split("\n")


def rules():
    """The part of sentencepiece's nmt_nfkc that these lines can meet, as its trainer reads rules: code points, in hexadecimal."""
    characters = [*range(0x80, 0x180), *range(0xE00, 0xE80), *range(0x2000, 0x2070), *range(0x2100, 0x2150), *range(0x2460, 0x2480),
                  *range(0x3380, 0x33A0), *range(0xFB00, 0xFB07), *range(0xFF01, 0xFF5F), 0x1EBF]
    found = {}
    for character in map(chr, characters):
        composed, taken_apart = unicodedata.normalize("NFKC", character), unicodedata.normalize("NFD", character)
        found |= {text: composed for text in (character, taken_apart) if text != composed}
    found["e\u0302\u0301"] = "ế"
    found |= {chr(c): " " for c in (9, 10, 13, 0x1680, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD)}
    found |= {chr(c): "" for c in (*range(1, 9), 11, 12, *range(14, 32), 0x7F, 0x8F, 0x9F)}
    code_points = [[" ".join(f"{ord(c):X}" for c in text) for text in pair] for pair in found.items()]
    return "".join(f"{before}\t{after}\n" for before, after in sorted(code_points))


def sentencepiece_model(lines, size, kind="unigram", whole_map=False, **options):
    """The bytes of a sentencepiece model."""
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as table:
        table.write(rules())
        table.flush()
        normalizer = {"normalization_rule_name": "nmt_nfkc"} if whole_map else {"normalization_rule_tsv": table.name}
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=model, vocab_size=size, model_type=kind, num_threads=1, minloglevel=2,
            character_coverage=0.9995, hard_vocab_limit=False, split_by_unicode_script=kind == "unigram", **normalizer, **options)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    proto.normalizer_spec.name = "nmt_nfkc"
    proto.normalizer_spec.normalization_rule_tsv = ""
    return proto.SerializeToString(deterministic=True)


def pieces(model, first=0):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [processor.id_to_piece(i) for i in range(first, processor.get_piece_size())]


def write(path, value):
    """JSON or bytes, by their type."""
    if isinstance(value, bytes):
        path.write_bytes(value)
    else:
        path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


class Maker:
    """Writes one checkpoint; `changes` go into its configuration."""

    def __init__(self, path, seed=0, steps=150, rate=3e-3, dtype=torch.float32, whole_map=False, lines=None, generation=None, **changes):
        self.path, self.seed, self.steps, self.rate, self.dtype = pathlib.Path(path), seed, steps, rate, dtype
        self.whole_map, (self.thai, self.english) = whole_map, lines or (THAI, ENGLISH)
        self.generation, self.changes = generation or {}, changes
        shutil.rmtree(path, ignore_errors=True)
        self.path.mkdir(parents=True)

    def sentencepiece(self, lines, size, **options):
        return sentencepiece_model(lines, size, whole_map=self.whole_map, **options)

    def build(self, config, generation):
        """Writes both configurations and returns the model."""
        config = config | {"torch_dtype": str(self.dtype).removeprefix("torch.")} | self.changes
        write(self.path / "config.json", config)
        if generation is not None:
            write(self.path / "generation_config.json", generation | self.generation | {"transformers_version": "4.57.1"})
        model = transformers.AutoModelForSeq2SeqLM.from_config(transformers.AutoConfig.from_pretrained(self.path)).float().eval()
        self.scatter(model)
        return self.train(model)

    def scatter(self, model):
        """Random weights, those of norms and biases too, of about the size that a model begins its training with."""
        generator = torch.Generator().manual_seed(self.seed)
        width = model.config.d_model**-0.5 if getattr(model.config, "scale_embedding", False) else 1
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                values = torch.randn(parameter.shape, generator=generator)
                if not parameter.requires_grad:
                    continue
                elif "norm" in name and name.endswith("weight"):
                    parameter.copy_(1 + 0.2 * values)
                elif name.endswith("bias"):
                    parameter.copy_(0.2 * values)
                elif "embed_tokens" in name or "shared" in name:
                    parameter.copy_(width * values)
                else:
                    parameter.copy_(values / parameter.shape[1] ** 0.5)
            for name, buffer in model.named_buffers():
                if name == "final_logits_bias":
                    buffer.copy_(0.5 * torch.randn(buffer.shape, generator=generator))
        model.tie_weights()

    def train(self, model):
        """Learns a few words for each Thai line: untrained, a model of this size repeats one token and never ends."""
        reference = Reference(self.path, model)
        pad = model.config.pad_token_id
        sources = [reference.source_ids(line) for line in self.thai]
        words = [" ".join(line.split()[:2 + i % 7]) for i, line in enumerate(self.english)]
        tokenizer, first, end = reference.tokenizer, reference.first, model.config.eos_token_id
        # Either is as good: special tokens are added here.
        tokenizer.tgt_lang = tokenizer.src_lang if hasattr(tokenizer, "src_lang") else None
        targets = [([] if first is None else [first]) + tokenizer(text_target=text, add_special_tokens=False).input_ids + [end] for text in words]
        inputs, labels = (torch.nn.utils.rnn.pad_sequence(list(map(torch.tensor, ids)), True, value) for ids, value in ((sources, pad), (targets, -100)))
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=self.rate)
        for _ in range(self.steps):
            mask = torch.arange(inputs.shape[1]) < torch.tensor(list(map(len, sources)))[:, None]
            loss = model(input_ids=inputs, attention_mask=mask.long(), labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return model

    def tensors(self, model, drop=()):
        """The state by its names, in the file's type; tied names share one tensor."""
        shared = {}
        for name, value in model.state_dict().items():
            if name not in drop:
                shared[name] = shared.setdefault((value.data_ptr(), value.shape), value.to(self.dtype))
        return {name: value for name, value in shared.items() if isinstance(name, str)}

    def safetensors(self, tensors, name="model.safetensors"):
        safetensors.torch.save_file({k: v.clone() for k, v in tensors.items()}, self.path / name, metadata={"format": "pt"})
        (self.path / name).chmod(0o644)

    def pickle(self, tensors):
        torch.save(tensors, self.path / "pytorch_model.bin")

    def marian_tokenizer(self, size, vocabularies):
        """source.spm, target.spm; `vocabularies` makes the tables from both lists of pieces."""
        models = [self.sentencepiece(lines, size) for lines in (self.thai, self.english)]
        for name, model in zip(("source.spm", "target.spm"), models):
            write(self.path / name, model)
        tables = vocabularies(*([p for p in pieces(model) if p not in ("<s>", "</s>", "<unk>")] for model in models))
        for name, table in zip(("vocab.json", "target_vocab.json"), tables):
            write(self.path / name, table)
        write(self.path / "tokenizer_config.json", {
            "source_lang": "tha", "target_lang": "eng", "unk_token": "<unk>", "eos_token": "</s>", "pad_token": "<pad>",
            "model_max_length": 512, "sp_model_kwargs": {}, "separate_vocabs": len(tables) > 1, "tokenizer_class": "MarianTokenizer"})
        write(self.path / "special_tokens_map.json", {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"})
        return tables

    def m2m_tokenizer(self, size, kind="bpe"):
        model = self.sentencepiece(self.thai + self.english, size, kind=kind)
        write(self.path / "sentencepiece.bpe.model", model)
        table = {piece: i for i, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>"] + pieces(model, 3))}
        write(self.path / "vocab.json", table)
        write(self.path / "tokenizer_config.json", {
            "src_lang": None, "tgt_lang": None, "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "unk_token": "<unk>",
            "pad_token": "<pad>", "model_max_length": 1024, "tokenizer_class": "M2M100Tokenizer"})
        # A hundred languages and eight words that were made up to fill the table.
        return len(table) + 100 + 8


COMMON = {"activation_dropout": 0.0, "attention_dropout": 0.1, "dropout": 0.1, "init_std": 0.02, "is_encoder_decoder": True,
          "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0, "use_cache": True}


def layers(d_model, heads, encoder, decoder, encoder_ffn, decoder_ffn):
    return {"d_model": d_model, "encoder_layers": encoder, "decoder_layers": decoder, "encoder_attention_heads": heads,
            "decoder_attention_heads": heads, "encoder_ffn_dim": encoder_ffn, "decoder_ffn_dim": decoder_ffn,
            "num_hidden_layers": encoder}


def marian(config, vocabularies, size, generation, weights, **options):
    maker = Maker(**options)
    tables = maker.marian_tokenizer(size, vocabularies)
    source, target = tables[0], tables[-1]
    pad, end = source["<pad>"], source["</s>"]
    ids = {"bos_token_id": 0, "decoder_start_token_id": pad, "eos_token_id": end, "pad_token_id": pad}
    config = COMMON | {"architectures": ["MarianMTModel"], "model_type": "marian", "vocab_size": len(source), "decoder_vocab_size": len(target),
                       "max_position_embeddings": POSITIONS, "scale_embedding": True, "static_position_embeddings": True, "normalize_before": False,
                       "normalize_embedding": False, "add_bias_logits": False, "add_final_layer_norm": False} | ids | config(pad, end)
    weights(maker, maker.build(config, None if generation is None else ids | generation(pad, end)))


def both_in_one(source, target):
    """opus-mt: the end first, <pad> last."""
    order = ["</s>", "<unk>"] + list(dict.fromkeys(source + target)) + ["<pad>"]
    return [{piece: i for i, piece in enumerate(order)}]


def with_languages(source, target):
    """tc-bible: language tokens in the same table, and the end somewhere within it."""
    order = list(dict.fromkeys(target + source))
    order[1:1] = ["<unk>"]
    order[40:40] = ["</s>", ">>deu<<", ">>eng<<", ">>fra<<"]
    return [{piece: i for i, piece in enumerate(order + ["<pad>"])}]


def separate(source, target):
    """transformers gives the decoder's embeddings as many rows as the source has pieces, so the target must not have more."""
    return [{piece: i for i, piece in enumerate(["</s>", "<unk>", "<pad>"] + side)} for side in (source, target[:len(source) - 20])]


def marian_tied(**options):
    decoding = lambda pad, end: {"bad_words_ids": [[pad]], "forced_eos_token_id": end, "max_length": 512, "num_beams": 6}
    marian(lambda pad, end: layers(28, 4, 2, 2, 48, 48) | {"activation_function": "swish"} | decoding(pad, end),
           both_in_one, 200, lambda pad, end: decoding(pad, end) | {"renormalize_logits": True},
           lambda maker, model: maker.pickle(maker.tensors(model, drop=["lm_head.weight"])), **options)


def marian_prefix(**options):
    marian(lambda pad, end: layers(48, 3, 2, 2, 64, 80) | {
               "activation_function": "relu", "forced_eos_token_id": None, "bad_words_ids": None, "num_beams": None, "max_length": None,
               "share_encoder_decoder_embeddings": True, "tie_word_embeddings": True},
           with_languages, 200, lambda pad, end: {"bad_words_ids": [[pad]], "forced_eos_token_id": end, "max_length": 512, "num_beams": 4},
           lambda maker, model: maker.safetensors(maker.tensors(model, drop=[
               "lm_head.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight",
               "model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight"])), **options)


def marian_separate(**options):
    marian(lambda pad, end: layers(32, 2, 2, 2, 48, 48) | {
               "activation_function": "relu", "share_encoder_decoder_embeddings": False, "tie_word_embeddings": False,
               "forced_eos_token_id": end},
           separate, 220, lambda pad, end: {"bad_words_ids": [[pad]], "forced_eos_token_id": end, "max_length": 512, "num_beams": 4},
           lambda maker, model: maker.safetensors(maker.tensors(model, drop=[
               "model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight"])), **options)


FAIRSEQ = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2}


def shards(maker, tensors, count=2):
    """The tensors in `count` files, and the index of them."""
    names, index = sorted(tensors), {}
    for i in range(count):
        file, part = f"model-{i + 1:05}-of-{count:05}.safetensors", names[i * len(names) // count:(i + 1) * len(names) // count]
        maker.safetensors({name: tensors[name] for name in part}, file)
        index |= dict.fromkeys(part, file)
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    write(maker.path / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": index})


TIED = ["model.shared.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight"]


def m2m100(**options):
    maker = Maker(**options)
    size = maker.m2m_tokenizer(360)
    config = COMMON | FAIRSEQ | layers(32, 4, 3, 1, 64, 48) | {
        "architectures": ["M2M100ForConditionalGeneration"], "model_type": "m2m_100", "activation_function": "relu", "vocab_size": size,
        "max_position_embeddings": POSITIONS, "scale_embedding": True, "early_stopping": True, "num_beams": 5, "max_length": 200,
        "encoder_layerdrop": 0.05, "decoder_layerdrop": 0.05, "gradient_checkpointing": False}
    model = maker.build(config, FAIRSEQ | {"_from_model_config": True, "early_stopping": True, "max_length": 200, "num_beams": 5})
    shards(maker, maker.tensors(model, drop=TIED[1:]))


def small100(**options):
    maker = Maker(**options)
    size = maker.m2m_tokenizer(300)
    config = COMMON | FAIRSEQ | layers(32, 2, 2, 1, 64, 64) | {
        "architectures": ["M2M100ForConditionalGeneration"], "model_type": "m2m_100", "activation_function": "relu", "vocab_size": size,
        "max_position_embeddings": POSITIONS, "scale_embedding": True, "num_beams": 5, "max_length": 256, "early_stopping": True}
    model = maker.build(config, FAIRSEQ | {"_from_model_config": True, "early_stopping": True, "max_length": 256, "num_beams": 5})
    maker.pickle(maker.tensors(model))


def nllb(**options):
    maker = Maker(**options)
    write(maker.path / "sentencepiece.bpe.model", maker.sentencepiece(maker.thai + maker.english, 340, kind="bpe"))
    tokenizer = transformers.NllbTokenizerFast(vocab_file=str(maker.path / "sentencepiece.bpe.model"), legacy_behaviour=True)
    tokenizer.backend_tokenizer.save(str(maker.path / "tokenizer.json"), pretty=False)
    names = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "unk_token": "<unk>", "pad_token": "<pad>",
             "mask_token": {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": True}}
    write(maker.path / "special_tokens_map.json", names | {"additional_special_tokens": tokenizer.additional_special_tokens})
    write(maker.path / "tokenizer_config.json", {
        "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "unk_token": "<unk>", "pad_token": "<pad>",
        "model_max_length": 1024, "src_lang": None, "tgt_lang": None, "sp_model_kwargs": {}, "tokenizer_class": "NllbTokenizer"})
    config = COMMON | FAIRSEQ | layers(32, 4, 2, 2, 96, 64) | {
        "architectures": ["M2M100ForConditionalGeneration"], "model_type": "m2m_100", "activation_function": "relu",
        "vocab_size": len(tokenizer) + 2, "max_position_embeddings": POSITIONS, "scale_embedding": True, "max_length": 200}
    model = maker.build(config, FAIRSEQ | {"_from_model_config": True, "max_length": 200})
    maker.safetensors(maker.tensors(model, drop=TIED[1:]))


def mbart50(**options):
    maker = Maker(**options)
    model = maker.sentencepiece(maker.thai + maker.english, 330)
    write(maker.path / "sentencepiece.bpe.model", model)
    count = len(pieces(model)) + 1
    write(maker.path / "tokenizer_config.json", {
        "src_lang": None, "tgt_lang": None, "model_max_length": 1024, "special_tokens_map_file": None, "tokenizer_class": "MBart50Tokenizer"})
    write(maker.path / "special_tokens_map.json", {
        "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>",
        "mask_token": {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": True},
        "additional_special_tokens": MBART_CODES})
    config = COMMON | FAIRSEQ | layers(40, 4, 2, 2, 64, 96) | {
        "architectures": ["MBartForConditionalGeneration"], "model_type": "mbart", "activation_function": "gelu", "add_bias_logits": False,
        "add_final_layer_norm": True, "normalize_before": True, "normalize_embedding": True, "static_position_embeddings": False,
        "vocab_size": count + len(MBART_CODES) + 1, "max_position_embeddings": POSITIONS, "scale_embedding": True, "classif_dropout": 0.0,
        "forced_bos_token_id": count + MBART_CODES.index("en_XX"), "forced_eos_token_id": 2, "max_length": 200, "num_beams": 5,
        "early_stopping": True, "id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}, "output_past": True}
    maker.safetensors(maker.tensors(maker.build(config, None), drop=TIED[1:]))


def t5(maker, config, ids, drop):
    config = {"architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "is_encoder_decoder": True, "dropout_rate": 0.1,
              "initializer_factor": 1.0, "layer_norm_epsilon": 1e-06, "relative_attention_num_buckets": 32, "use_cache": True,
              "relative_attention_max_distance": 128, "n_positions": 512, "output_past": True} | ids | config
    maker.safetensors(maker.tensors(maker.build(config, ids | {"_from_model_config": True}), drop=drop))


def t5_madlad(**options):
    maker = Maker(**options)
    languages = [f"<2{code}>" for code in ("de", "en", "fr", "th", "zh_Hant")]
    model = maker.sentencepiece(maker.thai + maker.english, 320, user_defined_symbols=languages)
    write(maker.path / "spiece.model", model)
    names = {"eos_token": "</s>", "pad_token": "<s>", "unk_token": "<unk>"}
    tokenizer = transformers.T5TokenizerFast(vocab_file=str(maker.path / "spiece.model"), extra_ids=0, **names)
    table = json.loads(tokenizer.backend_tokenizer.to_str())
    # The converter of that time knew these as pieces only.
    table["added_tokens"] = [token for token in table["added_tokens"] if token["content"] not in languages]
    write(maker.path / "tokenizer.json", table)
    write(maker.path / "tokenizer_config.json", names | {
        "additional_special_tokens": [], "clean_up_tokenization_spaces": True, "extra_ids": 0, "model_max_length": 1000000000000000019884624838656,
        "sp_model_kwargs": {}, "tokenizer_class": "T5Tokenizer"})
    write(maker.path / "special_tokens_map.json", names)
    t5(maker, {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 3, "feed_forward_proj": "gated-gelu",
               "dense_act_fn": "gelu_new", "is_gated_act": True, "tie_word_embeddings": False, "vocab_size": len(pieces(model))},
       {"decoder_start_token_id": 0, "pad_token_id": 1, "eos_token_id": 2},
       ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"], **{})


def t5_tied(**options):
    maker = Maker(**options)
    model = maker.sentencepiece(maker.thai + maker.english, 300, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    write(maker.path / "spiece.model", model)
    names = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    write(maker.path / "tokenizer_config.json", names | {"extra_ids": 100, "model_max_length": 512, "tokenizer_class": "T5Tokenizer"})
    t5(maker, {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 4, "feed_forward_proj": "relu",
               "vocab_size": len(pieces(model)) + 100 + 28},
       {"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1},
       ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"])


VARIANTS = {
    "marian-tied": (marian_tied, {}), "marian-prefix": (marian_prefix, {"dtype": torch.float16}), "marian-separate": (marian_separate, {}),
    "m2m100": (m2m100, {}), "small100": (small100, {}), "nllb": (nllb, {"dtype": torch.bfloat16}),
    "mbart50": (mbart50, {"dtype": torch.float16}), "t5-madlad": (t5_madlad, {"dtype": torch.bfloat16}), "t5-tied": (t5_tied, {}),
}


def golden(path, lines, max_tokens=MAX_TOKENS):
    """The ids of every line, by batches of one, and whether they are the same in float64."""
    reference = Reference(path)
    found = []
    for line in lines:
        source = reference.source_ids(line)
        entry = {"source_ids": source}
        for name, beam in (("greedy", 1), ("beam", 4)):
            entry[name], margin = reference.translate(source, beam, max_tokens)
            entry[f"{name}_margin"] = float(f"{min(margin, 1e3):.3g}")
        found.append(entry)
    reference.model.double()
    for line, entry in zip(lines, found):
        for name, beam in (("greedy", 1), ("beam", 4)):
            again, _ = reference.translate(entry["source_ids"], beam, max_tokens)
            if again != entry[name] and entry[f"{name}_margin"] >= NEAR_TIE:
                sys.exit(f"{path}: {name} depends on rounding, with a margin of {entry[f'{name}_margin']}: {line}")
    return found


def summary(name, found, max_tokens=MAX_TOKENS):
    """What the seed of a checkpoint is chosen by: outputs that vary, end here and not there, and hang on no rounding."""
    parts = []
    for search in ("greedy", "beam"):
        outputs = [entry[search] for entry in found]
        ended = sum(len(output) < max_tokens - 2 for output in outputs)
        variety = sum(len(set(output)) / max(len(output), 1) for output in outputs) / len(outputs)
        ties = sum(entry[f"{search}_margin"] < NEAR_TIE for entry in found)
        empty = sum(not output for output in outputs)
        parts.append(f"{search}: {len(set(map(tuple, outputs)))} distinct, {ended} ended, {empty} empty, "
                     f"variety {variety:.2f}, {ties} near ties")
    longest = max(len(entry["source_ids"]) for entry in found)
    return f"{name}: {len(found)} lines to {longest} tokens; {'; '.join(parts)}"


def main():
    transformers.logging.set_verbosity_error()
    # Small products are faster so, and in the same order everywhere.
    torch.set_num_threads(1)
    out = HERE / "seq2seq"
    lines = (HERE / "lines.th").read_text(encoding="utf-8").splitlines() + HARD
    out.mkdir(exist_ok=True)
    (out / "lines.th").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    for name in sys.argv[1:] or VARIANTS:
        make, options = VARIANTS[name]
        make(path=out / name, **options)
        found = golden(out / name, lines)
        text = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in found)
        (out / f"{name}.json").write_text(f'{{"max_tokens":{MAX_TOKENS},"lines":[\n{text}\n]}}\n')
        print(summary(name, found))


if __name__ == "__main__":
    main()
