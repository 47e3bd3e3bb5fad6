"""Writes tests/golden/chat.json: the templates of tests/golden/chat as transformers renders them.

    pip install transformers==4.57.1 jinja2 && python3 tests/golden/chat.py

The templates are in the manner of those that their families' repositories have, tools left out but for a part. Of each, the
prompt is the rendering for one user's message, `{prompt}`, and what opens an answer; the answer's end is what follows `{answer}` in
the rendering of both. translategemma takes languages with its message.
"""

import json
import pathlib

from transformers.utils.chat_template_utils import render_jinja_template

HERE = pathlib.Path(__file__).parent
TOKENS = {"gemma3": ("<bos>", "<eos>"), "translategemma": ("<bos>", "<eos>"), "qwen3": (None, "<|im_end|>"),
          "llama3": ("<|begin_of_text|>", "<|eot_id|>"), "llama3.1": ("<|begin_of_text|>", "<|eot_id|>"), "mistral": ("<s>", "</s>"),
          "mistral-v3": ("<s>", "</s>"), "hunyuan-1.8b": ("<｜hy_begin▁of▁sentence｜>", "<｜hy_place▁holder▁no▁2｜>"),
          "hunyuan-7b": ("<|startoftext|>", "<|eos|>"), "zephyr": ("<s>", "</s>"), "methods": ("<s>", "</s>"),
          "controls": ("<s>", "</s>"), "parts": ("<s>", "</s>")}


def main():
    found = {}
    for name, tokens in TOKENS.items():
        named = {role: token for role, token in zip(("bos_token", "eos_token"), tokens) if token}
        template = (HERE / f"chat/{name}.jinja").read_text(encoding="utf-8")
        content = "{prompt}"
        if name == "translategemma":
            content = [{"type": "text", "source_lang_code": "th", "target_lang_code": "en", "text": content}]
        answer = "{answer}"
        if name == "parts":
            content, answer = ([{"type": "text", "text": text}] for text in (content, answer))
        messages = [{"role": "user", "content": content}, {"role": "assistant", "content": answer}]
        render = lambda messages, opens: render_jinja_template(  # noqa: E731
            [messages], chat_template=template, add_generation_prompt=opens, enable_thinking=False, **named)[0][0]
        end = render(messages, False).split("{answer}")[1]
        found[name] = {"tokens": named, "prompt": render(messages[:1], True), "end": end}
    path = HERE / "chat.json"
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
