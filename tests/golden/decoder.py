"""Writes tests/golden/decoder: small decoder-only checkpoints with random weights, and what transformers makes of them.

    pip install torch==2.8.0 transformers==4.57.1 sentencepiece==0.2.1 protobuf gguf llama-cpp-python
    python3 tests/golden/decoder.py [NAME...]

Each directory has the files that the repositories of its kind have, with their names and keys:

    gemma3             gemma-3-270m: flat configuration with layer_types, five windowed layers to a global one, tied
    gemma3-multimodal  translategemma-4b: the text model within another one that sees, defaults left out, scaled positions, more rows
                       than tokens; bfloat16
    gemma2             gemma-2-2b: capped attention and logits, every other layer windowed
    qwen3              Qwen3: QK norm, heads wider than the model, untied; bfloat16
    qwen3-yarn         Qwen3 with YaRN, tied; float16
    hunyuan            Hy-MT2-1.8B: QK norm after the rotation, whose base alpha scales, tied; bfloat16
    llama              Llama 3.1: rotation scaled by wavelength, shards
    mistral            Mistral-7B-v0.1: every layer windowed, a space before each text; bfloat16

and, as llama.cpp's converter writes them in float32, NAME.gguf for gemma3, qwen3, hunyuan and llama. NAME.json has for each line
of seq2seq/lines.th the ids of the text with the special tokens that the tokenizer adds, the ids of greedy search for at most
MAX_TOKENS tokens without the end, and the smallest margin of any choice on the way; where generation_config.json asks for a
repetition penalty, also those of greedy search with it, which transformers applies to the source as well. Computed again in float64, they must be the
same but for near ties. So they must by llama.cpp from the GGUF files, whose tokenizer however does not compose characters: lines
to which Qwen's NFC matters it gets as ids.
"""

import copy
import io
import json
import math
import pathlib
import shutil
import sys
import unicodedata

import gguf
import numpy
import safetensors.torch
import sentencepiece
import tokenizers
import torch
import transformers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from seq2seq import ENGLISH, NEAR_TIE, THAI, write  # noqa: E402

MAX_TOKENS = 24
GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
# What Hunyuan's dense models share with DeepSeek V3, one cut after the other.
HUNYUAN = [r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+",
           r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^" "\r\n" r"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[" "\r\n"
           r"]*|\s*[" "\r\n" r"]+|\s+(?!\S)|\s+"]


def byte_level(path, patterns, special, merges, template=None, nfc=False, **config):
    """tokenizer.json of the GPT-2 kind, special tokens after all others, and tokenizer_config.json."""
    tokenizer = tokenizers.Tokenizer(models.BPE(ignore_merges=template is not None))
    tokenizer.normalizer = normalizers.NFC() if nfc else None
    cuts = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(cuts + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=256 + merges, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(THAI + ENGLISH, trainer)
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in special])
    byte_post = processors.ByteLevel(trim_offsets=template is not None)
    if template:
        first = processors.TemplateProcessing(single=f"{template} $A", pair=f"{template} $A {template} $B:1",
                                              special_tokens=[(template, tokenizer.token_to_id(template))])
        byte_post = processors.Sequence([byte_post, first])
    tokenizer.post_processor = byte_post
    write(path / "tokenizer.json", json.loads(tokenizer.to_str()))
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    added = {tokenizer.token_to_id(token): {"content": token} | flags for token in special}
    write(path / "tokenizer_config.json", {"added_tokens_decoder": added} | config)
    return tokenizer.token_to_id


def sentencepiece_like(path, make, size, symbols=(), **ids):
    """tokenizer.model and, as transformers converts it, tokenizer.json."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(THAI + ENGLISH), model_writer=model, vocab_size=size, model_type="bpe", num_threads=1, minloglevel=2,
        character_coverage=0.9995, hard_vocab_limit=False, byte_fallback=True, split_digits=True, allow_whitespace_only_pieces=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, user_defined_symbols=list(symbols), **ids)
    write(path / "tokenizer.model", model.getvalue())
    tokenizer = make(str(path / "tokenizer.model"))
    tokenizer.save_pretrained(path)
    write(path / "tokenizer.json", json.loads(tokenizer.backend_tokenizer.to_str()))
    return tokenizer.convert_tokens_to_ids


def gemma_tokenizer(path):
    symbols = ["<mask>", "[multimodal]", "<unused0>", "<start_of_turn>", "<end_of_turn>", "\n", "\n\n", "\n\n\n", "\u2581\u2581",
               "\u2581\u2581\u2581", "<table>", "</table>"]
    return sentencepiece_like(path, lambda file: transformers.GemmaTokenizerFast(vocab_file=file), 450, symbols, pad_id=0, eos_id=1, bos_id=2,
                              unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>", add_dummy_prefix=False)


def mistral_tokenizer(path):
    make = lambda file: transformers.LlamaTokenizerFast(  # noqa: E731
        vocab_file=file, legacy=True, add_bos_token=True, add_eos_token=False, add_prefix_space=True, clean_up_tokenization_spaces=False,
        model_max_length=1000000000000000019884624838656, unk_token="<unk>", bos_token="<s>", eos_token="</s>", additional_special_tokens=[])
    ids = sentencepiece_like(path, make, 430, unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
    # Said here, it would have the tokenizer made anew of tokenizer.model.
    config = json.loads((path / "tokenizer_config.json").read_text(encoding="utf-8"))
    write(path / "tokenizer_config.json", {key: value for key, value in config.items() if key != "add_prefix_space"})
    return ids


def qwen_tokenizer(path):
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>"]
    return byte_level(path, [GPT4 % ""], special, 120, nfc=True, add_bos_token=False, add_prefix_space=False, bos_token=None,
                      additional_special_tokens=special[1:], clean_up_tokenization_spaces=False, eos_token="<|im_end|>", errors="replace",
                      model_max_length=131072, pad_token="<|endoftext|>", split_special_tokens=False, tokenizer_class="Qwen2Tokenizer",
                      unk_token=None)


def hunyuan_tokenizer(path):
    special = ["<｜hy_begin▁of▁sentence｜>", "<｜hy_end▁of▁sentence｜>", "<｜hy_User｜>", "<｜hy_Assistant｜>", "<｜hy_place▁holder▁no▁2｜>",
               "<｜hy_▁pad▁｜>"]
    return byte_level(path, HUNYUAN, special, 110, bos_token=special[0], eos_token=special[4], pad_token=special[5],
                      clean_up_tokenization_spaces=False, model_max_length=1000000000000000019884624838656,
                      tokenizer_class="PreTrainedTokenizerFast")


def llama_tokenizer(path):
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>"]
    return byte_level(path, [GPT4 % "{1,3}"], special, 110, template=special[0], bos_token=special[0], eos_token="<|eot_id|>",
                      clean_up_tokenization_spaces=True, model_input_names=["input_ids", "attention_mask"], model_max_length=131072,
                      tokenizer_class="PreTrainedTokenizerFast")


GEMMA = {"attention_bias": False, "attention_dropout": 0.0, "attn_logit_softcapping": None, "bos_token_id": 2, "cache_implementation": "hybrid",
         "eos_token_id": 1, "final_logit_softcapping": None, "hidden_activation": "gelu_pytorch_tanh", "initializer_range": 0.02,
         "pad_token_id": 0, "rms_norm_eps": 1e-06, "use_cache": True}
SILU = {"attention_bias": False, "attention_dropout": 0.0, "hidden_act": "silu", "initializer_range": 0.02, "rms_norm_eps": 1e-06,
        "use_cache": True}


def shape(width, heads, groups, head_dim, feed_forward, layers):
    return {"hidden_size": width, "num_attention_heads": heads, "num_key_value_heads": groups, "head_dim": head_dim,
            "intermediate_size": feed_forward, "num_hidden_layers": layers}


def gemma3(ids):
    ends = [1, ids("<end_of_turn>")]
    types = ["full_attention" if i % 6 == 5 else "sliding_attention" for i in range(7)]
    return GEMMA | shape(32, 4, 2, 12, 40, 7) | {
        "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "_sliding_window_pattern": 6, "layer_types": types,
        "max_position_embeddings": 32768, "query_pre_attn_scalar": 12, "rope_local_base_freq": 10000.0, "rope_scaling": None,
        "rope_theta": 1000000.0, "sliding_window": 8, "use_bidirectional_attention": False}, {"cache_implementation": "hybrid"}, ends


def gemma3_multimodal(ids):
    ends = [1, ids("<end_of_turn>")]
    text = shape(32, 4, 1, 16, 40, 7) | {"model_type": "gemma3_text", "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 8,
                                         "vocab_size": None}
    vision = {"hidden_size": 8, "image_size": 8, "intermediate_size": 8, "model_type": "siglip_vision_model", "num_attention_heads": 2,
              "num_hidden_layers": 1, "patch_size": 4, "vision_use_head": False}
    return {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "boi_token_index": 4, "eoi_token_index": 5,
            "eos_token_id": ends, "image_token_index": 6, "initializer_range": 0.02, "mm_tokens_per_image": 4, "text_config": text,
            "vision_config": vision}, {"cache_implementation": "hybrid"}, ends


def gemma2(ids):
    ends = [1, ids("<end_of_turn>")]
    return GEMMA | shape(32, 4, 2, 16, 40, 4) | {
        "architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "attn_logit_softcapping": 3.0, "final_logit_softcapping": 8.0,
        "hidden_act": "gelu_pytorch_tanh", "max_position_embeddings": 8192, "query_pre_attn_scalar": 9, "rope_theta": 10000.0,
        "sliding_window": 8}, {"cache_implementation": "hybrid"}, ends


def qwen3(ids):
    ends = [ids("<|im_end|>"), ids("<|endoftext|>")]
    return SILU | shape(32, 4, 2, 16, 48, 3) | {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "bos_token_id": ends[1], "eos_token_id": ends[0],
        "max_position_embeddings": 40960, "max_window_layers": 3, "rope_scaling": None, "rope_theta": 1000000, "sliding_window": None,
        "tie_word_embeddings": False, "use_sliding_window": False}, {
        "bos_token_id": ends[1], "do_sample": True, "pad_token_id": ends[1], "temperature": 0.6, "top_k": 20, "top_p": 0.95}, ends


def qwen3_yarn(ids):
    config, generation, ends = qwen3(ids)
    return config | shape(32, 2, 2, 16, 40, 3) | {
        "tie_word_embeddings": True, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32},
        "max_position_embeddings": 128, "rope_theta": 10000.0}, generation, ends


def hunyuan(ids):
    ends = [ids("<｜hy_place▁holder▁no▁2｜>"), ids("<｜hy_end▁of▁sentence｜>")]
    pad = ids("<｜hy_▁pad▁｜>")
    return SILU | shape(32, 4, 2, 16, 48, 3) | {
        "architectures": ["HunYuanDenseV1ForCausalLM"], "model_type": "hunyuan_v1_dense", "add_classification_head": False,
        "attention_head_dim": 16, "bos_token_id": ids("<｜hy_begin▁of▁sentence｜>"), "cla_share_factor": 2, "class_num": 0,
        "dense_list": [32, 0], "eod_token_id": ends[1], "eos_token_id": ends[0], "im_end_id": 5, "im_newline_id": 11, "im_start_id": 4,
        "mask_init_id": 12, "max_position_embeddings": 262144, "mlp_bias": False, "norm_type": "rms", "org_vocab_size": None, "pad_id": pad,
        "pad_token_id": pad, "pool_type": "last", "pretraining_tp": 1, "rms_norm_eps": 1e-05,
        "rope_scaling": {"alpha": 1000.0, "beta_fast": 32, "beta_slow": 1, "factor": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0, "type": "dynamic"},
        "rope_theta": 10000.0, "sep_token_id": 4, "text_end_id": 7, "text_start_id": 6, "tie_word_embeddings": True, "use_cla": False,
        "use_qk_norm": True, "use_rotary_pos_emb": True}, {
        "do_sample": True, "pad_token_id": pad, "repetition_penalty": 1.05, "temperature": 0.7, "top_k": 20, "top_p": 0.6}, ends


def llama(ids):
    ends = [ids("<|end_of_text|>"), ids("<|eom_id|>"), ids("<|eot_id|>")]
    return SILU | shape(32, 4, 2, 16, 40, 3) | {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "bos_token_id": ids("<|begin_of_text|>"), "eos_token_id": ends,
        "max_position_embeddings": 256, "mlp_bias": False, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_theta": 500000.0,
        "rope_scaling": {"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 32,
                         "rope_type": "llama3"},
        "tie_word_embeddings": False}, {
        "bos_token_id": ids("<|begin_of_text|>"), "do_sample": True, "temperature": 0.6, "top_p": 0.9}, ends


def mistral(ids):
    return SILU | shape(32, 4, 1, 12, 40, 3) | {
        "architectures": ["MistralForCausalLM"], "model_type": "mistral", "bos_token_id": 1, "eos_token_id": 2,
        "max_position_embeddings": 32768, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 8,
        "tie_word_embeddings": False}, {"bos_token_id": 1}, [2]


class Maker:
    """Writes one checkpoint."""

    def __init__(self, path, make, tokenizer, dtype=torch.float32, spare=0, shards=1, seed=0, steps=150, rate=3e-3):
        self.path, self.dtype, self.shards, self.seed, self.steps, self.rate = pathlib.Path(path), dtype, shards, seed, steps, rate
        shutil.rmtree(path, ignore_errors=True)
        self.path.mkdir(parents=True)
        config, generation, self.ends = make(tokenizer(self.path))
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(self.path)
        size = len(self.tokenizer) + spare
        config.get("text_config", config)["vocab_size"] = size
        if "org_vocab_size" in config:
            config["org_vocab_size"] = size
        write(self.path / "config.json", config | {"torch_dtype": str(dtype).removeprefix("torch."), "transformers_version": "4.57.1"})
        ends = self.ends if len(self.ends) > 1 else self.ends[0]
        write(self.path / "generation_config.json", generation | {"eos_token_id": ends, "transformers_version": "4.57.1"})
        model = reference(self.path, load=False)
        self.scatter(model)
        self.train(model)
        self.store(model)

    def scatter(self, model):
        """Random weights, those of norms too, of about the size that a model begins its training with."""
        generator = torch.Generator().manual_seed(self.seed)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                values = torch.randn(parameter.shape, generator=generator)
                if "norm" in name and name.endswith("weight"):
                    # Gemma adds the 1 itself.
                    parameter.copy_(0.2 * values + ("Gemma" not in type(model).__name__))
                elif parameter.ndim < 2:
                    parameter.copy_(0.2 * values)
                else:
                    parameter.copy_(values / parameter.shape[1] ** 0.5)
        model.tie_weights()

    def train(self, model):
        """Learns a few words for each Thai line: untrained, a model of this size repeats one token and never ends."""
        sources = [self.tokenizer(line).input_ids for line in THAI]
        words = [" ".join(line.split()[:2 + i % 7]) for i, line in enumerate(ENGLISH)]
        targets = [self.tokenizer(text, add_special_tokens=False).input_ids + [self.ends[i % len(self.ends)]] for i, text in enumerate(words)]
        pad = lambda lists, value: torch.nn.utils.rnn.pad_sequence(list(map(torch.tensor, lists)), True, value)  # noqa: E731
        inputs = pad([source + target for source, target in zip(sources, targets)], 0)
        labels = pad([[-100] * len(source) + target for source, target in zip(sources, targets)], -100)
        optimizer = torch.optim.Adam(model.parameters(), lr=self.rate)
        model.train()
        types = {"token_type_ids": torch.zeros_like(inputs)} if hasattr(model.config, "text_config") else {}
        for _ in range(self.steps):
            # Padding is to the right, and nothing looks there.
            loss = model(input_ids=inputs, labels=labels, **types).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"{self.path.name}: loss {loss.item():.2f}", flush=True)

    def store(self, model):
        """Under the names that the Hub's files have."""
        tied = model.config.get_text_config().tie_word_embeddings
        tensors = {}
        for name, value in model.state_dict().items():
            if hasattr(model.config, "text_config"):
                name = name.removeprefix("model.")
                name = name.replace("language_model.", "language_model.model.", 1) if name.startswith("language_model.") else name
            if not (tied and name.endswith("lm_head.weight")):
                tensors[name] = value.to(self.dtype).clone()
        names, index = sorted(tensors), {}
        for i in range(self.shards):
            file = f"model-{i + 1:05}-of-{self.shards:05}.safetensors" if self.shards > 1 else "model.safetensors"
            part = names[i * len(names) // self.shards:(i + 1) * len(names) // self.shards]
            safetensors.torch.save_file({name: tensors[name] for name in part}, self.path / file, metadata={"format": "pt"})
            (self.path / file).chmod(0o644)
            index |= dict.fromkeys(part, file)
        if self.shards > 1:
            size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
            write(self.path / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": index})


def reference(path, load=True):
    """The model in float32; its weights from the files or as they come."""
    config = transformers.AutoConfig.from_pretrained(path)
    kind = transformers.AutoModelForImageTextToText if hasattr(config, "text_config") else transformers.AutoModelForCausalLM
    options = {"dtype": torch.float32, "attn_implementation": "eager"}
    model = kind.from_pretrained(path, **options) if load else kind.from_config(config, **options)
    return model.eval()


def translate(model, source, ends, **options):
    """The ids of greedy search before the end, and the smallest margin."""
    ids, end = torch.tensor([source]), set(ends)
    # What the call leaves out would come from here.
    model.generation_config = transformers.GenerationConfig(eos_token_id=ends, pad_token_id=0)
    with torch.no_grad():
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=MAX_TOKENS, do_sample=False, output_scores=True,
                             return_dict_in_generate=True, **options)
    best = torch.stack(out.scores)[:, 0].topk(2).values
    target = out.sequences[0, len(source):].tolist()
    stop = next((i for i, token in enumerate(target) if token in end), len(target))
    return target[:stop], (best[:, 0] - best[:, 1]).min().item()


def golden(path, lines, ends):
    """The ids of every line, one at a time, and whether they are the same in float64."""
    tokenizer, model = transformers.AutoTokenizer.from_pretrained(path), reference(path)
    searches, penalty = {"greedy": {}}, model.generation_config.repetition_penalty
    if penalty not in (None, 1):
        searches["penalised"] = {"repetition_penalty": penalty}
    found = [{"source_ids": tokenizer(line).input_ids} for line in lines]
    for entry in found:
        for name, options in searches.items():
            entry[name], margin = translate(model, entry["source_ids"], ends, **options)
            entry[f"{name}_margin"] = float(f"{min(margin, 1e3):.3g}")
    model.double()
    for line, entry in zip(lines, found):
        for name, options in searches.items():
            again, _ = translate(model, entry["source_ids"], ends, **options)
            if again != entry[name] and entry[f"{name}_margin"] >= NEAR_TIE:
                sys.exit(f"{path}: {name} hangs on rounding, with a margin of {entry[f'{name}_margin']}: {line}")
    return found


def summary(name, found):
    """What the seed of a checkpoint is chosen by: outputs that vary, end here and not there, and hang on no rounding."""
    outputs = [entry["greedy"] for entry in found]
    ended = sum(len(output) < MAX_TOKENS for output in outputs)
    variety = sum(len(set(output)) / max(len(output), 1) for output in outputs) / len(outputs)
    ties = sum(entry["greedy_margin"] < NEAR_TIE for entry in found)
    lengths = [len(entry["source_ids"]) for entry in found]
    return (f"{name}: {len(found)} lines of {min(lengths)} to {max(lengths)} tokens, {len(set(map(tuple, outputs)))} distinct, {ended} ended, "
            f"{sum(not output for output in outputs)} empty, variety {variety:.2f}, {ties} near ties")


LLAMA_NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "self_attn.query_layernorm": "attn_q_norm", "self_attn.key_layernorm": "attn_k_norm"}
GEMMA_NAMES = LLAMA_NAMES | {"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
                             "post_feedforward_layernorm": "post_ffw_norm"}


def vocabulary_bpe(writer, path, pre, size):
    """The GPT-2 kind of vocabulary."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    by_id = {i: token for token, i in tokenizer.vocab.items()}
    types = [gguf.TokenType.UNUSED if i not in by_id else gguf.TokenType.CONTROL if i in tokenizer.added_tokens_decoder else gguf.TokenType.NORMAL
             for i in range(size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list([by_id.get(i, f"[PAD{i}]") for i in range(size)])
    writer.add_token_types(types)
    gguf.SpecialVocab(path, load_merges=True).add_to_gguf(writer)


def vocabulary_spm(writer, path, size):
    """The kind of vocabulary that llama.cpp reads from tokenizer.model."""
    pieces = sentencepiece.SentencePieceProcessor(str(path / "tokenizer.model"))
    tokens, scores, types = [f"[PAD{i}]".encode() for i in range(size)], [-10000.0] * size, [gguf.TokenType.UNUSED] * size
    for i in range(pieces.vocab_size()):
        kinds = ((pieces.IsUnknown, gguf.TokenType.UNKNOWN), (pieces.IsControl, gguf.TokenType.CONTROL),
                 (pieces.IsUnused, gguf.TokenType.UNUSED), (pieces.IsByte, gguf.TokenType.BYTE))
        types[i] = next((kind for test, kind in kinds if test(i)), gguf.TokenType.NORMAL)
        tokens[i], scores[i] = pieces.IdToPiece(i).encode(), pieces.GetScore(i)
    for i, token in json.loads((path / "tokenizer_config.json").read_text(encoding="utf-8"))["added_tokens_decoder"].items():
        text, looks = token["content"], token["content"].startswith("<") and token["content"].endswith(">")
        if token["special"] or looks and text in ("<mask>", "<start_of_turn>", "<end_of_turn>"):
            types[int(i)] = gguf.TokenType.CONTROL
        else:
            text, types[int(i)] = text.replace("\u2581", " "), gguf.TokenType.USER_DEFINED
        tokens[int(i)], scores[int(i)] = text.encode(), -1000.0
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    gguf.SpecialVocab(path, n_vocab=len(tokens)).add_to_gguf(writer)
    writer.add_add_space_prefix(False)


def permute(weights, heads):
    """Pairs side by side, as the rotation of LLaMA's first release had them."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weights.shape)


def llama3_factors(config):
    """What the rotation's frequencies are divided by."""
    scaling, dim = config.rope_scaling, config.head_dim
    length, low, high = (scaling[key] for key in ("original_max_position_embeddings", "low_freq_factor", "high_freq_factor"))
    factors = []
    for i in range(0, dim, 2):
        wave = 2 * math.pi * config.rope_theta ** (i / dim)
        smooth = min(max((length / wave - low) / (high - low), 0), 1)
        factors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
    return numpy.array(factors, numpy.float32)


def convert(path, pre):
    """Writes the checkpoint as convert_hf_to_gguf.py does with --outtype f32."""
    model = reference(path)
    config, kind = model.config, model.config.model_type
    arch = {"gemma3_text": "gemma3", "hunyuan_v1_dense": "hunyuan-dense"}.get(kind, kind)
    file = path.with_suffix(".gguf")
    writer = gguf.GGUFWriter(file, arch)
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(path.name)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    base = config.rope_theta
    if kind == "hunyuan_v1_dense":
        base *= config.rope_scaling["alpha"] ** (config.head_dim / (config.head_dim - 2))
        writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)
        writer.add_rope_scaling_factor(1)
        writer.add_rope_scaling_orig_ctx_len(256 * 1024)
    writer.add_rope_freq_base(base)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    if kind == "llama":
        writer.add_vocab_size(config.vocab_size)
        writer.add_rope_dimension_count(config.head_dim)
    if arch in ("gemma2", "gemma3"):
        writer.add_sliding_window(config.sliding_window)
    if arch == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    if pre:
        vocabulary_bpe(writer, path, pre, config.vocab_size)
    else:
        vocabulary_spm(writer, path, config.vocab_size)
    if kind == "hunyuan_v1_dense":
        writer.add_eos_token_id(json.loads((path / "config.json").read_text())["eod_token_id"])
        writer.add_eot_token_id(json.loads((path / "generation_config.json").read_text())["eos_token_id"][0])
    if kind == "llama":
        writer.add_tensor("rope_freqs.weight", llama3_factors(config))
    names = GEMMA_NAMES if arch in ("gemma2", "gemma3") else LLAMA_NAMES
    whole = {"model.embed_tokens.weight": "token_embd", "model.norm.weight": "output_norm", "lm_head.weight": "output"}
    for name, value in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        value = value.numpy()
        if name.endswith("norm.weight") and arch in ("gemma2", "gemma3"):
            value = value + 1
        if kind == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            value = permute(value, config.num_attention_heads if "q_proj" in name else config.num_key_value_heads)
        layer, _, part = name.removeprefix("model.layers.").removesuffix(".weight").partition(".")
        target = whole[name] if name in whole else f"blk.{layer}.{names[part]}"
        writer.add_tensor(f"{target}.weight", numpy.ascontiguousarray(value))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def compare(file, lines, found, ends):
    """Whether llama.cpp has the same ids."""
    import llama_cpp

    # 0: keys and values in float32 too.
    llm = llama_cpp.Llama(str(file), n_ctx=512, n_threads=1, n_threads_batch=1, type_k=0, type_v=0, verbose=False)
    composed = llm.metadata.get("tokenizer.ggml.pre") == "qwen2"
    differ = []
    for line, entry in zip(lines, found):
        ids = llm.tokenize(line.encode(), add_bos=True, special=True)
        if ids != entry["source_ids"]:
            if not composed or unicodedata.is_normalized("NFC", line):
                differ.append(f"source ids of {line!r}: {ids} {entry['source_ids']}")
            ids = entry["source_ids"]
        llm.reset()
        llm.eval(ids)
        out = []
        while len(out) < MAX_TOKENS:
            logits = numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llm._ctx.ctx, -1), (llm.n_vocab(),))
            token = int(logits.argmax())
            if token in ends:
                break
            out.append(token)
            llm.eval([token])
        if out != entry["greedy"]:
            differ.append(f"margin {entry['greedy_margin']}, {line!r}: {out} {entry['greedy']}")
    print(f"{file.name}: {len(lines)} lines by llama.cpp, {len(differ)} differ", *differ, sep="\n  ")
    return not differ


VARIANTS = {
    "gemma3": (gemma3, gemma_tokenizer, {}), "gemma3-multimodal": (gemma3_multimodal, gemma_tokenizer, {"dtype": torch.bfloat16, "spare": 8}),
    "gemma2": (gemma2, gemma_tokenizer, {}), "qwen3": (qwen3, qwen_tokenizer, {"dtype": torch.bfloat16, "spare": 5}),
    "qwen3-yarn": (qwen3_yarn, qwen_tokenizer, {"dtype": torch.float16}), "hunyuan": (hunyuan, hunyuan_tokenizer, {"dtype": torch.bfloat16}),
    "llama": (llama, llama_tokenizer, {"shards": 2}), "mistral": (mistral, mistral_tokenizer, {"dtype": torch.bfloat16}),
}
GGUF = {"gemma3": None, "qwen3": "qwen2", "hunyuan": "hunyuan-dense", "llama": "llama-bpe"}


def main():
    transformers.logging.set_verbosity_error()
    # Small products are faster so, and in the same order everywhere.
    torch.set_num_threads(1)
    out = HERE / "decoder"
    lines = (HERE / "seq2seq/lines.th").read_text(encoding="utf-8").splitlines()
    same = True
    for name in sys.argv[1:] or VARIANTS:
        make, tokenizer, options = VARIANTS[name]
        ends = Maker(out / name, make, tokenizer, **copy.deepcopy(options)).ends
        found = golden(out / name, lines, ends)
        text = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in found)
        (out / f"{name}.json").write_text(f'{{"max_tokens":{MAX_TOKENS},"lines":[\n{text}\n]}}\n')
        print(summary(name, found), flush=True)
        if name in GGUF:
            same &= compare(convert(out / name, GGUF[name]), lines, found, ends)
    sys.exit(not same)


if __name__ == "__main__":
    main()
