"""The light runtime: as good as sentence-transformers, without PyTorch, checked before use, and never required."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from index import exported as exported_module
from index import runtime as runtime_module
from index.encoder import REFERENCE, stamp_of
from index.encoders import ModelEncoder, encoder_of
from index.exported import MANIFEST, MODEL, Exported, Manifest, exported, read_manifest
from index.models import DEFAULT_MODEL, default_model_folder
from index.reference import SentenceTransformerEncoder
from index.runtime import OnnxEncoder, _Turns
from index.yardstick import sample_texts

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def reference():
    return SentenceTransformerEncoder()


@pytest.fixture(scope="module")
def plain():
    """The default model with its weights as they are."""
    return ModelEncoder(runtime="float32")


@pytest.mark.model
def test_unchanged_weights_give_the_same_vectors_and_tokens(reference, plain):
    """With the weights as they are, sentences and tokens come out as from sentence-transformers, but for rounding."""
    texts = sample_texts()
    wanted, found = reference.read_passages(texts), plain.read_passages(texts)
    assert plain.identity.runtime == "onnx-float32"
    np.testing.assert_allclose(found.vectors, wanted.vectors, atol=1e-5)
    for one, other in zip(wanted.tokens, found.tokens, strict=True):
        np.testing.assert_array_equal(one.spans, other.spans)
        np.testing.assert_allclose(one.vectors, other.vectors, atol=1e-4)


@pytest.mark.model
def test_eight_bits_stay_near_the_original(reference, model_encoder):
    """The default, 8-bit weights, keeps every text's direction: no cosine with the original is below .97."""
    texts = sample_texts()
    wanted, found = reference.encode_passages(texts), model_encoder.encode_passages(texts)
    assert model_encoder.identity.runtime == "onnx-int8"
    assert (wanted * found).sum(axis=1).min() > 0.97


@pytest.mark.model
def test_a_vector_does_not_depend_on_what_is_read_with_it(model_encoder):
    """The same text has the same vector, to the bit, alone and among others, as a question and from any thread."""
    texts = sample_texts()[:12]
    alone = np.concatenate([model_encoder.encode_passages([one]) for one in texts])
    np.testing.assert_array_equal(model_encoder.encode_passages(texts), alone)
    np.testing.assert_array_equal(model_encoder.encode_questions(texts), alone)
    np.testing.assert_array_equal(model_encoder.read_passages(texts[::-1]).vectors[::-1], alone)


@pytest.mark.model
def test_the_light_runtime_imports_nothing_of_pytorch():
    """A process that answers with an exported model never imports PyTorch, transformers or sentence-transformers."""
    ModelEncoder().encode_questions(["exported by now"])
    script = (
        "import sys; from index.encoders import ModelEncoder as E; e = E(); e.encode_questions(['x']); e.yardstick\n"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.model
def test_the_runtime_is_part_of_the_stamp(model_encoder, plain):
    """Vectors of two precisions never mix, and a stamp leads back to the encoder that made it."""
    own, other = stamp_of(model_encoder), stamp_of(plain)
    assert own != other
    assert (own.runtime, other.runtime) == ("onnx-int8", "onnx-float32")
    for stamp in (own, other):
        assert encoder_of(stamp).identity.runtime == stamp.runtime


@pytest.mark.model
@pytest.mark.slow
def test_a_model_that_cannot_be_exported_is_run_as_before(tmp_path, monkeypatch):
    """A model that puts a prompt of its own before texts is run by sentence-transformers; the reason is kept, so that
    the next start does not try again."""
    folder, cache = tmp_path / "model", tmp_path / "cache"
    model = SentenceTransformerEncoder(str(default_model_folder())).model()
    model.prompts, model.default_prompt_name = {"always": "say: "}, "always"
    model.save(str(folder))
    encoder = ModelEncoder(str(folder), cache=cache)
    assert encoder.identity.runtime == REFERENCE
    assert encoder.encode_questions(["an owl"]).shape == (1, 384)
    (manifest,) = [read_manifest(one) for one in cache.iterdir()]
    assert manifest is not None and manifest.made is None and "prompt" in manifest.reason
    monkeypatch.setattr("index.exported.subprocess.run", lambda *_, **__: pytest.fail("it tries again"))
    assert ModelEncoder(str(folder), cache=cache).identity.runtime == REFERENCE


def test_a_folder_that_cannot_be_written_costs_the_speed_only(tmp_path, caplog):
    """Where exports cannot be kept, the model is run by sentence-transformers, and the log says so. Whoever waits was
    told beforehand that it may take its time."""
    (tmp_path / "cache").write_text("a file")
    told: list[str] = []
    assert exported(DEFAULT_MODEL, "int8", tmp_path / "cache", lambda: told.append(caplog.text)) is None
    assert "cannot be exported" in caplog.text
    assert len(told) == 1 and "cannot be exported" not in told[0]


@pytest.mark.model
def test_nobody_is_told_of_an_export_that_is_there(model_encoder):
    """The second start prepares nothing, and says nothing."""
    assert model_encoder.identity.runtime == "onnx-int8"
    again = ModelEncoder()
    again.preparing = lambda: pytest.fail("it is there")
    assert again.identity == model_encoder.identity


@pytest.mark.model
def test_a_damaged_export_is_noticed(model_encoder, tmp_path, monkeypatch):
    """An export with one other byte, or a manifest of another version, is never run."""
    assert model_encoder.identity.runtime == "onnx-int8"  # by now it is there
    own = model_encoder._exported.folder
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in own.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert read_manifest(copy) == read_manifest(own) is not None
    data = bytearray((copy / MODEL).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / MODEL).write_bytes(data)
    assert read_manifest(copy) is None
    (copy / MODEL).write_bytes((own / MODEL).read_bytes())
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps({**manifest, "format": manifest["format"] + 1}))
    assert read_manifest(copy) is None
    (copy / MANIFEST).write_text("{")
    assert read_manifest(copy) is None


@pytest.mark.model
def test_an_export_that_cannot_be_loaded_is_one_clear_error(tmp_path):
    """The message names the folder and what to do."""
    manifest = Manifest(1, "m", "int8", "int8", dimension=384, inputs=("input_ids",))
    with pytest.raises(exported_module.UserError, match=r"cannot be loaded.*Delete that folder"):
        OnnxEncoder(Exported(tmp_path, manifest), ModelEncoder(runtime=REFERENCE).identity)


def test_a_model_that_cannot_be_had_is_told_as_before(tmp_path):
    """An export that fails because there is no model says what is wrong with the model."""
    with pytest.raises(exported_module.UserError, match=r"no-such-model.*model\.name"):
        _ = ModelEncoder("no-such-model", cache=tmp_path).identity


def test_passages_wait_for_questions_but_not_for_ever():
    """While a question is read, passages wait, for a bounded time; when it is answered, they go on."""
    turns = _Turns()
    went = threading.Event()

    def passage():
        turns.give_way()
        went.set()

    with turns.asking():
        thread = threading.Thread(target=passage)
        thread.start()
        assert not went.wait(runtime_module._LONGEST_WAIT / 5)
        assert went.wait(10)  # although the question is still being read
    thread.join()
    turns.give_way()


@pytest.mark.model
def test_questions_beside_indexing_are_answered_right(model_encoder):
    """Questions from many threads, beside passages, get the vectors that they get alone."""
    texts = sample_texts()[:20]
    alone = model_encoder.encode_questions(texts)
    stop, wrong = threading.Event(), []

    def index():
        while not stop.is_set():
            model_encoder.read_passages(texts)

    def ask(i):
        if not np.array_equal(model_encoder.encode_questions([texts[i]])[0], alone[i]):
            wrong.append(i)

    indexing = threading.Thread(target=index)
    indexing.start()
    asking = [threading.Thread(target=ask, args=(i,)) for i in range(len(texts))]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    stop.set()
    indexing.join()
    assert wrong == []


@pytest.mark.model
@pytest.mark.slow
def test_two_processes_may_export_at_once(tmp_path):
    """Two first starts beside each other both end with a whole export, and nothing passing stays behind."""
    script = (
        "import sys; from pathlib import Path; from index.encoders import ModelEncoder as E\n"
        "print(E(runtime='float32', cache=Path(sys.argv[1])).identity.runtime)"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert [one.communicate(timeout=300)[0].strip() for one in both] == ["onnx-float32"] * 2
    assert len(list(tmp_path.iterdir())) == 1
