"""The light runtime: as good as sentence-transformers, without PyTorch, checked before use, and never required."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from index import exported as exported_module
from index import memory
from index import runtime as runtime_module
from index.encoder import REFERENCE, stamp_of
from index.encoders import ModelEncoder, encoder_of
from index.errors import UserError
from index.exported import (
    FORMAT,
    MANIFEST,
    MODEL,
    Exported,
    Manifest,
    exported,
    find_export,
    read_manifest,
    write_manifest,
)
from index.exporting import _Original, export
from index.models import DEFAULT_MODEL, default_model_folder, fingerprint
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
    encoder = ModelEncoder(str(folder), caches=[cache])
    assert encoder.identity.runtime == REFERENCE
    assert encoder.encode_questions(["an owl"]).shape == (1, 384)
    (manifest,) = [read_manifest(one) for one in cache.iterdir() if one.is_dir()]
    assert manifest is not None and manifest.made is None and "prompt" in manifest.reason
    monkeypatch.setattr("index.exported.subprocess.run", lambda *_, **__: pytest.fail("it tries again"))
    assert ModelEncoder(str(folder), caches=[cache]).identity.runtime == REFERENCE


def test_a_folder_that_cannot_be_written_costs_the_speed_only(tmp_path, caplog):
    """Where exports cannot be kept, the model is run by sentence-transformers, and the log says so. Whoever waits was
    told beforehand that it may take its time."""
    (tmp_path / "cache").write_text("a file")
    told: list[str] = []
    assert exported(DEFAULT_MODEL, "int8", [tmp_path / "cache"], lambda: told.append(caplog.text)) is None
    assert "no export can be kept" in caplog.text
    assert len(told) == 1 and "no export can be kept" not in told[0]


@pytest.mark.model
def test_nobody_is_told_of_an_export_that_is_there(model_encoder):
    """The second start prepares nothing, and says nothing."""
    assert model_encoder.identity.runtime == "onnx-int8"
    again = ModelEncoder()
    again.preparing = lambda: pytest.fail("it is there")
    assert again.identity == model_encoder.identity


def test_where_the_first_folder_cannot_be_written_the_next_one_is_taken(tmp_path, monkeypatch):
    """A service may not write its user's folder: then exports are kept with the data, and found there again."""
    (tmp_path / "home").write_text("a file")
    caches = [tmp_path / "home" / "models", tmp_path / "data" / "models"]
    asked = []

    def run(command):
        folder = Path(command[-2])
        asked.append(folder.parent)
        assert Path(command[-1]).is_dir()
        folder.mkdir()
        write_manifest(folder, Manifest(FORMAT, fingerprint(DEFAULT_MODEL), "int8", None, "it is a test"))
        return 0, ""

    monkeypatch.setattr("index.exported._run", run)
    for _ in "ab":
        assert exported(DEFAULT_MODEL, "int8", caches) is None
        found = find_export(DEFAULT_MODEL, "int8", caches)
        assert found is not None and found.manifest.reason == "it is a test"
    assert asked == [caches[1]]


def test_what_may_go_better_next_time_is_tried_again(tmp_path, monkeypatch, caplog):
    """A full disk leaves no lasting mark: nothing is kept, and the next start tries again."""
    folder = tmp_path / "made"

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("index.exporting._best", full)
    monkeypatch.setattr("index.exporting.ProcessPoolExecutor", lambda *_, **__: ThreadPoolExecutor(1))
    monkeypatch.setattr("index.exporting._original", lambda name, made, work: _Original(work / "plain.onnx"))
    work = tmp_path / "work"
    work.mkdir()

    def again():
        shutil.rmtree(work / "made", ignore_errors=True)
        return export(DEFAULT_MODEL, "int8", folder, work)

    with pytest.raises(OSError, match="No space left"):
        again()
    assert not folder.exists()
    monkeypatch.setattr("index.exporting._best", lambda *_: Manifest(FORMAT, "a", "int8", None, "it cannot"))
    assert again().reason == "it cannot"
    # A second one that was under way at the same time leaves what is there alone.
    monkeypatch.setattr("index.exporting._best", lambda *_: Manifest(FORMAT, "a", "int8", None, "later"))
    assert again().reason == "it cannot"


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_an_export_that_takes_too_long_leaves_no_process_behind(tmp_path, monkeypatch):
    """At its time limit an export ends with what it has begun, and what it was writing is removed some time later."""
    begun = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', sys.argv[1]]); time.sleep(60)"
    pid = tmp_path / "pid"
    writes = f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(60)"
    monkeypatch.setattr("index.exported._LONGEST", 3.0)
    with pytest.raises(subprocess.TimeoutExpired):
        exported_module._run([sys.executable, "-c", begun, writes])
    _ends(int(pid.read_text()))
    for name, age in (("export-old", 100), ("export-new", 0), ("a-model", 100)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    exported_module._tidy(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a-model", "export-new", "pid"]


def _ends(pid: int) -> None:
    """Waits until a process has ended, whether or not anybody has taken notice."""
    ends = time.monotonic() + 30
    with suppress(OSError):
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < ends
            time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks processes up in /proc")
def test_an_export_ends_with_the_process_that_began_it(tmp_path):
    """Killed in the middle of an export, a program leaves no process behind; the next one removes what lies about."""
    begun = (
        "import sys; from index import exported; exported._ROOT = sys.argv[1]\n"
        "exported._run([sys.executable, '-c', sys.argv[2], sys.argv[3]])"
    )
    watched = (
        "import os, pathlib, sys, threading, time; from index.exporting import _end_with_parent\n"
        "threading.Thread(target=_end_with_parent, daemon=True).start()\n"
        "pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
    )
    pid = tmp_path / "pid"
    program = subprocess.Popen([sys.executable, "-c", begun, str(ROOT), watched, str(pid)], cwd=ROOT)
    ends = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()):
        assert time.monotonic() < ends and program.poll() is None
        time.sleep(0.05)
    program.kill()
    program.wait()
    _ends(int(pid.read_text()))


def test_the_runtime_tells_nobody(tmp_path):
    """ONNX Runtime, which on Linux reports to its makers unless told not to, leaves no identifier and no event."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    script = "import index.runtime, os; assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"
    subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, check=True)
    assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == []


def test_an_export_learns_no_secret(monkeypatch):
    """The token is not among what the export's process is given."""
    monkeypatch.setenv("DISCORD_TOKEN", "not-for-you")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    shown = "import os; print(os.environ.get('DISCORD_TOKEN'), os.environ['PYTHONPATH'])"
    code, out = exported_module._run([sys.executable, "-c", shown])
    assert code == 0 and out.startswith("None ") and out.endswith("/somewhere")


@pytest.mark.parametrize("name", ["share_arenas", "give_back"])
@pytest.mark.parametrize("error", [TypeError, OSError, AttributeError])
def test_where_memory_is_managed_otherwise_nothing_is_done(monkeypatch, name, error):
    """Windows has no library without a name, and tells so by a TypeError: that stops nothing."""

    def missing(_):
        raise error

    monkeypatch.setattr("index.memory.ctypes.CDLL", missing)
    getattr(memory, name)()


@pytest.mark.parametrize(
    "change",
    [{"sha256": []}, {"dimension": "384"}, {"dimension": 0}, {"made": "int4"}, {"sha256": [["model.onnx", "0"]]}],
)
@pytest.mark.model
def test_a_manifest_that_vouches_for_too_little_is_refused(model_encoder, tmp_path, change):
    """An export is whole only if both of its files are vouched for, and what is said of it makes sense."""
    _ = model_encoder.identity
    own = model_encoder._exported.folder
    for file in own.iterdir():
        (tmp_path / file.name).symlink_to(file) if file.name != MANIFEST else None
    manifest = json.loads((own / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert read_manifest(tmp_path) is not None
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, **change}))
    assert read_manifest(tmp_path) is None
    (tmp_path / MANIFEST).write_text("[" * 100_000)
    assert read_manifest(tmp_path) is None


@pytest.mark.model
def test_the_encoder_of_a_corpus_is_not_exported_while_others_wait(model_encoder, tmp_path):
    """An earlier model whose export has gone cannot be had at once, and is not made where others may be held up."""
    stamp = stamp_of(model_encoder)
    with pytest.raises(UserError, match="export"):
        encoder_of(stamp, [tmp_path])
    assert list(tmp_path.iterdir()) == []


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
        _ = ModelEncoder("no-such-model", caches=[tmp_path]).identity


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
        "print(E(runtime='float32', caches=[Path(sys.argv[1])]).identity.runtime)"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert [one.communicate(timeout=300)[0].strip() for one in both] == ["onnx-float32"] * 2
    assert len([one for one in tmp_path.iterdir() if one.is_dir()]) == 1
