"""Exports a sentence-transformers model for ONNX Runtime: `python -m index.exporting MODEL PRECISION FOLDER WORK`.

PyTorch's own exporter writes the graph, with pooling and normalisation in it; ONNX Runtime's tools make its weights
8-bit integers; and the result is compared with sentence-transformers, text by text. What is not as good is not kept:
an 8-bit export gives way to one with the weights as they are, and that to none. Processes of its own: it needs PyTorch,
and what it takes in memory is gone with them.
"""

import os
import shutil
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from index.encoder import Encoder, EncoderIdentity
from index.errors import UserError
from index.exported import (
    FORMAT,
    MODEL,
    TOKENIZER,
    USER_ERROR,
    Exported,
    Manifest,
    Precision,
    digest,
    read_manifest,
    write_manifest,
)
from index.memory import share_arenas
from index.models import fingerprint
from index.reference import SentenceTransformerEncoder, own_tokenizer
from index.runtime import OnnxEncoder
from index.tokens import Encoded
from index.yardstick import sample_texts

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OPSET = 17
# The least cosine with the original's vector. 8-bit weights are as good in finding sentences from .97 on
# (benchmarks/README.md); unchanged ones differ by rounding only.
_LEAST: dict[Precision, float] = {"int8": 0.97, "float32": 0.9999}


# What may go better the next time, and is not kept as a reason: a full disk, too little memory, a broken package.
_PASSING = (OSError, MemoryError, ImportError)


class NotExportableError(Exception):
    """The model does something that the light runtime cannot do; the message says what."""


def export(name: str, precision: Precision, folder: Path, work: Path) -> Manifest:
    """Exports a model into `folder`, which appears when all is there. The manifest says what came of it. What passes
    lies in `work`, on the same disk.

    Raises:
        UserError: the model cannot be had.
        OSError, MemoryError, ImportError, BrokenProcessPool: it cannot be exported this time.
    """
    own, made = fingerprint(name), work / "made"
    made.mkdir()
    # PyTorch has gone with its process when the other half begins: a gigabyte is enough for either.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        original = apart.submit(_original, name, made, work).result()
    if original.cannot_be_had:
        raise UserError("{reason}", reason=original.cannot_be_had)
    try:
        manifest = _best(original, own, precision, made)
    except _PASSING:
        raise
    except Exception as error:  # the tools below raise whatever their parts raise; none of it is worth a stop
        shutil.rmtree(made)
        made.mkdir()
        reason = str(error) if isinstance(error, NotExportableError) else f"{type(error).__name__}: {error}"
        manifest = Manifest(FORMAT, own, precision, None, reason[:500])
    write_manifest(made, manifest)
    # Where two processes export at once, the one that comes second finds the first one's, which may be in use.
    if (there := read_manifest(folder)) is not None:
        return there
    shutil.rmtree(folder, ignore_errors=True)  # damaged, or of another version
    with suppress(OSError):  # it came just now
        made.replace(folder)
    return manifest


@dataclass(frozen=True, slots=True)
class _Original:
    """What sentence-transformers has made of a model: its graph, with the weights as they are, in the file `plain`, and
    how it reads `sample_texts`. Or else why it cannot be exported, or be had at all."""

    plain: Path
    wanted: Encoded | None = None
    cannot_be_exported: str = ""
    cannot_be_had: str = ""


def _original(name: str, made: Path, work: Path) -> _Original:
    """Loads and exports the model, and writes its tokenizer to `made`. In a process of its own."""
    share_arenas()
    plain = work / "plain.onnx"
    reference = SentenceTransformerEncoder(name)
    try:
        model = reference.model()
    except UserError as error:
        return _Original(plain, cannot_be_had=str(error))
    try:
        wanted = _each(reference, sample_texts())
        _write(model, plain, made / TOKENIZER)
    except _PASSING:
        raise
    except NotExportableError as error:
        return _Original(plain, cannot_be_exported=str(error))
    except Exception as error:  # exporters raise whatever their parts raise
        return _Original(plain, cannot_be_exported=f"{type(error).__name__}: {error}")
    return _Original(plain, wanted)


def _write(model: "SentenceTransformer", plain: Path, tokens: Path) -> None:
    """Writes graph and tokenizer."""
    import torch

    if model.default_prompt_name is not None:
        raise NotExportableError("it puts a prompt of its own before texts")
    tokenizer = own_tokenizer(model)
    if tokenizer is None:
        raise NotExportableError("its tokenizer has no fast version")
    if tokenizer.truncation is None:
        raise NotExportableError("it does not say how long a text it reads")
    tokenizer.save(str(tokens))
    features = model.tokenizer(["A short text.", "One that is a little longer."], padding=True, return_tensors="pt")
    names = [one for one in features if one in _INPUTS]
    if len(names) != len(features):
        raise NotExportableError(f"it reads more than {', '.join(_INPUTS)}")

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            read = self.model(dict(zip(names, inputs, strict=True)))
            vectors = torch.nn.functional.normalize(read["sentence_embedding"], p=2.0, dim=1)
            return vectors, read["token_embeddings"]

    either = {0: "batch", 1: "length"}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that tracing fixes what it passes: the comparison tells whether it matters
        torch.onnx.export(
            Graph().eval(),
            tuple(features[one] for one in names),
            str(plain),
            input_names=names,
            output_names=["vectors", "tokens"],
            dynamic_axes={**dict.fromkeys(names, either), "vectors": {0: "batch"}, "tokens": either},
            opset_version=_OPSET,
            # The newer exporter takes two packages, six times as long and more memory, and its graph ran a quarter
            # slower.
            dynamo=False,
        )


def _best(original: _Original, own: str, precision: Precision, made: Path) -> Manifest:
    """The manifest of the first precision that is good enough, whose model is then in `made`."""
    if original.wanted is None:
        raise NotExportableError(original.cannot_be_exported)
    wanted = original.wanted
    reasons = []
    tried: Sequence[Precision] = ("int8", "float32") if precision == "int8" else ("float32",)
    for one in tried:
        path = made / MODEL
        _quantized(original.plain, path) if one == "int8" else shutil.copyfile(original.plain, path)
        manifest = Manifest(FORMAT, own, precision, one, dimension=wanted.vectors.shape[1], inputs=_inputs_of(path))
        found = _each(OnnxEncoder(Exported(made, manifest), EncoderIdentity(own)), sample_texts())
        least, reason = _compared(wanted, found)
        if not reason and least >= _LEAST[one]:
            sums = tuple((file, digest(made / file)) for file in (MODEL, TOKENIZER))
            return replace(manifest, cosine=round(least, 6), sha256=sums)
        reasons.append(reason or f"{one}: a cosine with the original of {least:.4f} only")
    raise NotExportableError("; ".join(reasons))


def _each(encoder: Encoder, texts: Sequence[str]) -> Encoded:
    """Every text read by itself: a long one pads no other, which would take memory."""
    read = [encoder.read_passages([text]) for text in texts]
    return Encoded(np.concatenate([one.vectors for one in read]), [one.tokens[0] for one in read])


def _inputs_of(path: Path) -> tuple[str, ...]:
    import onnx

    return tuple(one.name for one in onnx.load(str(path), load_external_data=False).graph.input)


def _quantized(plain: Path, path: Path) -> None:
    """Weights as 8-bit integers, by output channel. One bit of them stays unused, or processors without integer
    instructions for it would overflow; that costs a thousandth of a cosine."""
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # Quantising looks for matrix products; what the runtime would fuse has to be fused before.
    fused = plain.with_name("fused.onnx")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(fused)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(plain), options, providers=["CPUExecutionProvider"])
    quantize_dynamic(
        fused,
        path,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        extra_options={"DefaultTensorType": 1},  # float, where fused operators hide it
    )


def _compared(wanted: Encoded, found: Encoded) -> tuple[float, str]:
    """The least cosine of two readings of the same texts, and what else tells them apart, if anything does."""
    if wanted.vectors.shape != found.vectors.shape or not np.isfinite(found.vectors).all():
        return 0.0, "its vectors come out in another shape"
    for one, other in zip(wanted.tokens, found.tokens, strict=True):
        if not np.array_equal(one.spans, other.spans):
            return 0.0, "its tokens come out otherwise"
    return float((wanted.vectors * found.vectors).sum(axis=1).min()), ""


def _end_with_parent() -> None:
    """Ends this process, and what it has begun, when its standard input does: with the process that has begun it."""
    while os.read(0, 1):  # as a stream, it would have to be closed before this process could end by itself
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def main(arguments: Sequence[str]) -> int:
    name, precision, folder, work = arguments
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        export(name, "float32" if precision == "float32" else "int8", Path(folder), Path(work))
    except UserError as error:
        print(error)
        return USER_ERROR
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
