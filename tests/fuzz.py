"""Gives plae damaged and hostile inputs of every format that it reads, and looks for panics, aborts, hangs and hunger.

    python3 tests/fuzz.py [--seconds N] [--rounds N] [--seed N] [--only KIND[,KIND]] [--keep DIR] PLAE

Each round takes one of the kinds below, changes a sound file of this repository (or one that plae makes from it) at random, and runs
plae on it. A round fails if plae panics, is ended by a signal, runs longer than LIMIT_SECONDS or holds more than LIMIT_BYTES. Whether
plae refuses the input or not does not matter here. The input of a failed round is kept in DIR (by default in a new temporary
directory, whose name is printed) beside the command, so that it can be run again; a seed gives the same rounds again. It ends
after N seconds or N rounds, whichever comes first.

    text, markdown, html     articles: cut into sentences, and passed through to every output format
    jsonl, tsv, csv, docx    edited outputs: rendered again, and learned from
    tmx, memory-tsv, …       exchanged memories: imported
    sqlite                   memories: counted, searched, exported
    gguf, checkpoint         models: loaded, and one sentence translated
    template                 chat templates of a checkpoint
    settings                 plae.toml and manifests

Ends with 0 if no round failed, and with 1 otherwise. Needs Python 3 and Linux.
"""

import argparse
import io
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

LIMIT_SECONDS = 10
LIMIT_BYTES = 1_000_000_000
# No input grows beyond this: the limits above are about what plae makes of an input, not about the input itself.
LARGEST_INPUT = 2_000_000

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GOLDEN = os.path.join(ROOT, "tests", "golden")
EXAMPLE = os.path.join(ROOT, "examples", "wuzhen-summit.txt")
SENTENCE = "ฝนตกหนักในกรุงเทพมหานครเมื่อวันที่ 9 พฤศจิกายน 2566\n"

HOSTILE_NUMBERS = [0, -1, 1, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)]
HOSTILE_TOKENS = [
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\x1b[2J", b"\r", b"\t", b"\n\n", b"<", b">", b"&", b"&#0;", b"&#1114112;", b"&a;", b"<!--", b"]]>",
    b"<![CDATA[", b"<!DOCTYPE x [<!ENTITY a 'aa'>]>", b"<table>", b"<ul><li>", b"<div>", b"<pre>", b"</p>", b"> ", b"- ", b"* ", b"1. ", b"# ",
    b"```\n", b"|", b"[", b"](", b"![", b"{%", b"%}", b"{{", b"}}", b"\"", b"'", b"\\", b",", b":", b"null", b"true", b"1e999", b"-0",
    b"NaN", b"Infinity", "ำ".encode(), "่".encode(), "ๆ".encode(), "ฯ".encode(), "เ".encode(), "๙".encode(), "\u200b".encode(), "\u200d".encode(),
    "\u2060".encode(), "\ufeff".encode(), "\ufffd".encode(), "\U0001f469\u200d\U0001f467".encode(), b"=cmd|'/c calc'!A0", b"@", b"+",
]
TEMPLATES = [
    "{{ 'a' * 1000000000 }}", "{% for i in range(1000000000) %}{% endfor %}", "{{ " + "-" * 50_000 + "1 }}", "{{ " + "not " * 50_000 + "1 }}",
    "{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}", "{{ " + "[" * 50_000 + "]" * 50_000 + " }}",
    "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}", "{{ range(10**9) | list | length }}",
    "{{ 'a'.center(1000000000) }}", "{{ 'a'.ljust(1000000000) }}", "{{ '%1000000000d' % 1 }}", "{{ 'a' | indent(1000000000) }}",
    "{{ 'a'.replace('', 'b' * 100000) * 100000 }}", "{{ messages | tojson(indent=1000000000) }}", "{% include 'x' %}", "{{ 1 / 0 }}",
    "{{ 2 ** 9999999 }}", "{{ messages[999999999].content }}", "{{ ('a' * 100000).split('') | join('b' * 100000) }}",
]


def mutate(data, rng, others=()):
    """Returns `data` with a few random changes."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 8])):
        if len(data) > LARGEST_INPUT:
            break
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice([1, 2, 4, 8, 64, 1024, len(data)]))
        kind = rng.randrange(10)
        if kind == 0 and data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at:end] = b""
        elif kind == 2:
            data = data[:at]
        elif kind == 3:
            data[at:at] = rng.choice(HOSTILE_TOKENS)
        elif kind == 4:
            repeats = rng.choice([2, 10, 1000, 100_000])
            piece = bytes(data[at:end]) or rng.choice(HOSTILE_TOKENS)
            data[at:at] = piece * min(repeats, max(1, LARGEST_INPUT // len(piece)))
        elif kind == 5:
            token = rng.choice(HOSTILE_TOKENS)
            data[at:at] = token * rng.choice([10, 1000, 20_000])
        elif kind == 6:
            number = rng.choice(HOSTILE_NUMBERS)
            width = rng.choice([4, 8])
            data[at:at + width] = (number % 2**(8 * width)).to_bytes(width, "little")
        elif kind == 7 and others:
            other = rng.choice(others)
            begin = rng.randrange(len(other) + 1)
            data[at:end] = other[begin:begin + rng.choice([16, 256, 4096])]
        elif kind == 8:
            data[at:end] = rng.randbytes(end - at if end - at < 4096 else 4096)
        else:
            digits = [i for i, byte in enumerate(data[:100_000]) if 48 <= byte <= 57]
            if digits:
                at = rng.choice(digits)
                end = at + 1
                while end < len(data) and 48 <= data[end] <= 57:
                    end += 1
                data[at:end] = str(rng.choice(HOSTILE_NUMBERS)).encode()
    return bytes(data[:LARGEST_INPUT])


def mutate_json(text, rng):
    """Returns a JSON text in which some values are replaced by others, of other types, or nested deeply."""
    value = json.loads(text)

    def places(value, path=()):
        yield path
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            yield from places(inner, path + (key,))

    for _ in range(rng.choice([1, 1, 2, 4])):
        path = rng.choice([path for path in list(places(value))[:5000] if path] or [()])
        if not path:
            break
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        old = holder[path[-1]]
        replacement = rng.choice([
            None, True, False, "", "x", "\ud83d", "a" * 100_000, [], {}, [[]], 0.5, -1.5, 1e308, *HOSTILE_NUMBERS, [old], {"x": old}, [old] * 1000,
        ])
        if rng.random() < 0.15:
            del holder[path[-1]]
        else:
            holder[path[-1]] = replacement
    text = json.dumps(value)
    if rng.random() < 0.1:
        depth = rng.choice([100, 10_000, 200_000])
        text = text[:-1] + ',"deep":' + "[" * depth + "]" * depth + "}" if text.endswith("}") and len(text) > 2 else "[" * depth
    return text.encode("utf-8", "surrogatepass")


def mutate_zip(data, rng):
    """Returns a zip archive in which one file inside is changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        names = source.namelist()
        chosen = rng.choice([name for name in names if name.endswith("document.xml")] * 4 + names)
        for name in names:
            inner = source.read(name)
            if name == chosen:
                if rng.random() < 0.2:
                    depth = rng.choice([1000, 200_000])
                    inner = inner.replace(b"<w:tbl>", b"<w:x>" * depth + b"<w:tbl>", 1)
                else:
                    inner = mutate(inner, rng)
            target.writestr(name, inner)
    return out.getvalue()


class Fuzzer:
    def __init__(self, plae, seed, keep):
        self.plae, self.rng, self.keep = os.path.abspath(plae), random.Random(seed), keep
        self.home = tempfile.mkdtemp(prefix="plae-fuzz-")
        self.failures = 0
        self.counts = {}
        self.prepare()

    def path(self, name):
        return os.path.join(self.home, name)

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()

    def run(self, kind, args, inputs):
        """Runs plae, and keeps `inputs` if it misbehaves."""
        environment = {"HOME": self.home, "PATH": os.environ["PATH"], "PLAE_OFFLINE": "1", "RUST_BACKTRACE": "0"}
        with tempfile.TemporaryFile() as log:
            begin = time.monotonic()
            process = subprocess.Popen([self.plae, *args], cwd=self.home, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=log,
                                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
            hung = False
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() - begin > LIMIT_SECONDS:
                    hung = True
                    process.kill()
                    _, status, usage = os.wait4(process.pid, 0)
                    break
                time.sleep(0.002)
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            words = log.read(1_000_000)
        most = usage.ru_maxrss * 1024
        reason = None
        if hung:
            reason = f"longer than {LIMIT_SECONDS} s"
        elif process.returncode < 0:
            reason = f"signal {-process.returncode}"
        elif b"panicked" in words or process.returncode not in (0, 1, 2):
            reason = f"exit code {process.returncode}: {words[-300:].decode(errors='replace')}"
        elif most > LIMIT_BYTES:
            reason = f"{most / 1e6:.0f} MB"
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if reason:
            self.failures += 1
            place = os.path.join(self.keep, f"{kind}-{self.failures}")
            os.makedirs(place, exist_ok=True)
            for name in inputs:
                source = self.path(name)
                target = os.path.join(place, os.path.basename(name))
                shutil.copytree(source, target, dirs_exist_ok=True) if os.path.isdir(source) else shutil.copy(source, target)
            print(f"FAILED {kind}: {reason}\n    plae {' '.join(args)}\n    kept in {place}", flush=True)
        return process.returncode

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)

    def prepare(self):
        """Makes one sound file of each format."""
        article = self.read(EXAMPLE)
        self.text = article
        self.markdown = ("# " + article.decode().replace("\n", "\n\n- ", 3) + "\n\n| ก | ข |\n|---|---|\n| [ลิงก์](http://a.b) | `x` |\n").encode()
        self.html = b"<html><body><h1>" + article.replace(b"\n", b"</p><p>") + "<ul><li>ก<ruby>ข<rt>ค</rt></ruby></li></ul><table><tr><td>ง</table>".encode()
        self.model = os.path.join(GOLDEN, "seq2seq", "marian-prefix")
        self.write("a.txt", SENTENCE.encode())
        self.write("b.txt", article[:3000].decode(errors="ignore").encode())
        made = ["jsonl", "tsv", "docx", "html", "md", "csv"]
        self.edited = {}
        for form in made:
            code = subprocess.run([self.plae, "translate", "b.txt", "-o", f"sound.{form}", "--format", form, "--model", self.model, "--max-tokens", "4",
                                   "--memory", "sound.sqlite"], cwd=self.home, env={**os.environ, "HOME": self.home}, capture_output=True).returncode
            if code == 0:
                self.edited[form] = self.read(self.path(f"sound.{form}"))
        self.exchanged = {}
        for form in ["tmx", "tsv", "jsonl"]:
            subprocess.run([self.plae, "memory", "--memory", "sound.sqlite", "export", "-o", f"memory.{form}"], cwd=self.home, env={**os.environ, "HOME": self.home},
                           capture_output=True)
            self.exchanged[form] = self.read(os.path.join(GOLDEN, "former", f"memory.{form}"))
        self.sqlite = self.read(self.path("sound.sqlite"))
        self.ggufs = [self.read(os.path.join(GOLDEN, "decoder", name)) for name in sorted(os.listdir(os.path.join(GOLDEN, "decoder"))) if name.endswith(".gguf")]
        families = [os.path.join(GOLDEN, part, name) for part in ("seq2seq", "decoder") for name in sorted(os.listdir(os.path.join(GOLDEN, part)))]
        self.checkpoints = [path for path in families if os.path.isfile(os.path.join(path, "config.json"))]
        self.manifest = self.read(os.path.join(ROOT, "models", "gemma-3-270m.toml"))

    # The kinds: each runs plae once or twice on one changed input.

    def article(self, kind, extension, sound):
        name = f"in.{extension}"
        self.write(name, mutate(sound, self.rng, [self.text, self.markdown, self.html]))
        if self.rng.random() < 0.5:
            self.run(kind, ["split", name, *self.rng.choice([[], ["--format", "jsonl"], ["--split", "block"], ["--paragraphs", "line"]])], [name])
        else:
            form = self.rng.choice(["html", "docx", "md", "text", "plain", "tsv", "jsonl"])
            layout = self.rng.choice(["side-by-side", "interleaved", "target"])
            self.run(kind, ["translate", name, "-o", "out", "--format", form, "--layout", layout, "--force", "--split", "block", "--dry-run"], [name])

    def text_kind(self):
        self.article("text", "txt", self.text)

    def markdown_kind(self):
        self.article("markdown", "md", self.markdown)

    def html_kind(self):
        self.article("html", "html", self.html)

    def edited_kind(self):
        form = self.rng.choice(sorted(self.edited))
        sound = self.edited[form]
        name = f"edited.{form}"
        zipped = form == "docx" and self.rng.random() < 0.8
        self.write(name, mutate_zip(sound, self.rng) if zipped else mutate(sound, self.rng))
        shutil.copy(self.path("sound.sqlite"), self.path("memory.sqlite"))
        self.run(form, ["memory", "--memory", "memory.sqlite", "learn", name], [name])
        if form == "jsonl":
            target = self.rng.choice(["html", "docx", "md", "text", "plain", "tsv"])
            self.run(form, ["render", name, "-o", f"rendered.{target}", "--format", target, "--force"], [name])

    def exchange_kind(self):
        form = self.rng.choice(sorted(self.exchanged))
        name = f"import.{form}"
        self.write(name, mutate(self.exchanged[form], self.rng))
        shutil.copy(self.path("sound.sqlite"), self.path("memory.sqlite"))
        self.run(f"memory-{form}", ["memory", "--memory", "memory.sqlite", "import", name], [name])

    def sqlite_kind(self):
        self.write("damaged.sqlite", mutate(self.sqlite, self.rng))
        for tail in ("-wal", "-shm"):
            if os.path.exists(self.path("damaged.sqlite" + tail)):
                os.remove(self.path("damaged.sqlite" + tail))
        command = self.rng.choice([["stats"], ["search", "--fuzzy", SENTENCE.strip()], ["export", "-o", "out.tmx", "--force"], ["prune", "--flagged"]])
        self.run("sqlite", ["memory", "--memory", "damaged.sqlite", *command], ["damaged.sqlite"])

    def translate_with(self, kind, model):
        self.run(kind, ["translate", "a.txt", "--model", model, "--max-tokens", "2", "--format", "plain"], [model])

    def gguf_kind(self):
        sound = self.rng.choice(self.ggufs)
        # Most of a file is weights; what can hurt is before them.
        head = min(len(sound), 40_000)
        self.write("damaged.gguf", mutate(sound[:head], self.rng) + sound[head:])
        self.translate_with("gguf", "damaged.gguf")

    def checkpoint_kind(self):
        source = self.rng.choice(self.checkpoints)
        target = self.path("checkpoint")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        name = self.rng.choice(sorted(os.listdir(target)))
        data = self.read(os.path.join(target, name))
        if name.endswith(".json") and self.rng.random() < 0.8:
            data = mutate_json(data, self.rng)
        elif name.endswith(".safetensors"):
            head = min(len(data), 8_000)
            data = mutate(data[:head], self.rng) + data[head:]
        else:
            data = mutate(data, self.rng)
        self.write(f"checkpoint/{name}", data)
        self.translate_with("checkpoint", "checkpoint")

    def template_kind(self):
        source = self.rng.choice([path for path in self.checkpoints if "decoder" in path])
        target = self.path("checkpoint")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        template = self.rng.choice(TEMPLATES)
        if self.rng.random() < 0.5:
            template = mutate(template[:2000].encode(), self.rng).decode(errors="replace")
        path = os.path.join(target, "tokenizer_config.json")
        config = json.loads(self.read(path)) if os.path.exists(path) else {}
        config["chat_template"] = template
        self.write("checkpoint/tokenizer_config.json", json.dumps(config).encode())
        self.translate_with("template", "checkpoint")

    def settings_kind(self):
        shutil.rmtree(self.path("manifests"), ignore_errors=True)
        self.write("manifests/gemma-3-270m.toml", mutate(self.manifest, self.rng))
        self.write("plae.toml", mutate(b'model = "gemma-3-270m"\nmanifests = "manifests"\ndevice = "cpu"\n', self.rng) if self.rng.random() < 0.5
                   else b'manifests = "manifests"\n')
        self.run("settings", self.rng.choice([["models", "list"], ["translate", "a.txt", "--dry-run"], ["models", "info", "gemma-3-270m"]]),
                 ["plae.toml", "manifests"])
        os.remove(self.path("plae.toml"))

    KINDS = {
        "text": text_kind, "markdown": markdown_kind, "html": html_kind, "edited": edited_kind, "exchange": exchange_kind, "sqlite": sqlite_kind,
        "gguf": gguf_kind, "checkpoint": checkpoint_kind, "template": template_kind, "settings": settings_kind,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=sys.maxsize)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", default=None)
    parser.add_argument("plae")
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else random.randrange(2**32)
    keep = args.keep or tempfile.mkdtemp(prefix="plae-fuzz-failures-")
    fuzzer = Fuzzer(args.plae, seed, keep)
    kinds = [kind for kind in Fuzzer.KINDS if not args.only or kind in args.only.split(",")]
    if not kinds:
        parser.error("the kinds are " + ", ".join(Fuzzer.KINDS))
    until = time.monotonic() + args.seconds
    rounds = 0
    while time.monotonic() < until and rounds < args.rounds:
        Fuzzer.KINDS[kinds[rounds % len(kinds)]](fuzzer)
        rounds += 1
    shutil.rmtree(fuzzer.home, ignore_errors=True)
    runs = ", ".join(f"{kind} {count}" for kind, count in sorted(fuzzer.counts.items()))
    print(f"seed {seed}: {sum(fuzzer.counts.values())} runs ({runs}), {fuzzer.failures} failed")
    return 1 if fuzzer.failures else 0


if __name__ == "__main__":
    sys.exit(main())
