"""Writes tests/golden/quants.json: random blocks of ggml's types that candle does not know, and their values by gguf-py.

    pip install gguf==0.19.0 numpy
    python3 tests/golden/quants.py
"""

import json
import pathlib

import gguf
import numpy

HERE = pathlib.Path(__file__).parent
# The bytes of the float16 scale in a block.
SCALES = {"IQ4_NL": 0, "IQ4_XS": 0, "TQ1_0": 52, "TQ2_0": 64}


def main():
    random = numpy.random.default_rng(0)
    found = []
    for name in ("IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4"):
        kind = gguf.GGMLQuantizationType[name]
        size, length = gguf.GGML_QUANT_SIZES[kind]
        blocks = 512 // size
        data = random.integers(0, 256, (blocks, length), dtype=numpy.uint8)
        for block in data:
            if name in SCALES:
                block[SCALES[name]:SCALES[name] + 2] = numpy.frombuffer(numpy.float16(random.normal()).tobytes(), numpy.uint8)
            else:
                block[0] = random.integers(110, 140)
        if name == "MXFP4":
            data[:2, 0] = 0, 1
        values = gguf.quants.dequantize(data.reshape(1, -1), kind).reshape(-1)
        found.append({"type": int(kind), "name": name, "bytes": data.tobytes().hex(), "values": [float(value) for value in values]})
    text = json.dumps(found, separators=(",", ":")).replace('{"type"', '\n{"type"')
    (HERE / "quants.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
