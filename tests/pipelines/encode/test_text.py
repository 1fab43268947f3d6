import pyarrow as pa
import pytest

from dalle_model import files
from dalle_model.shard_schema import ShardMetadata, token_schema
from dalle_model.shards import read_metadata, read_shards
from dalle_model.vocab import CaptionTokenizer, VocabError, train_bpe
from pipelines.encode import text
from pipelines.encode.config import EncodeConfig, text_dependencies
from pipelines.encode.shard import encode_shard
from pipelines.encode.stage import STAGE
from pipelines.encode.text import load_tokenizer, with_text_tokens
from pipelines.io.finish import finish_shard
from pipelines.io.task import ShardResult, Stopwatch
from pipelines.records import CODEC
from tests.support.codecs import write_codec
from tests.support.image_rows import row, write_images
from tests.support.token_shards import METADATA, token_row

CAPTIONS = ["a red boat", "", "A BOAT", "ein Boot in Köln"]


@pytest.fixture
def url(tmp_path):
    files.write_bytes(found := f"{tmp_path}/bpe.json", train_bpe(CAPTIONS, 300))
    return found


def test_captions_become_their_ids_without_start_tokens_and_pads(url):
    rows = [token_row(f"{n:040x}", caption, [n] * 9) for n, caption in enumerate(CAPTIONS)]
    schema = token_schema(ShardMetadata(**METADATA))
    kept = pa.Table.from_pylist(rows, schema)
    tokenizer = load_tokenizer(url)
    results = [ShardResult(kept, [], 4), ShardResult(schema.empty_table(), [], 0)]
    found = [result.kept for result in with_text_tokens(results, tokenizer)]
    assert [table.schema for table in found] == [schema] * 2
    ids = found[0]["text_tokens"].to_pylist()
    assert ids == [tokenizer.encode(caption) for caption in CAPTIONS]
    assert [tokenizer.decode(each) for each in ids] == [caption.lower() for caption in CAPTIONS]
    assert ids[1] == []
    assert found[0].drop(["text_tokens"]).equals(kept.drop(["text_tokens"]))


def test_a_shard_has_the_ids_and_names_the_tokenizer(tmp_path, url):
    write_codec(codec_url := f"{tmp_path}/tiny.safetensors")
    rows = [row(n) for n in range(5)]
    task = write_images(tmp_path, rows, codec_url)
    result = encode_shard(task, 0, EncodeConfig(batch_size=2, text_tokens=url))
    finish_shard(task, 0, result, Stopwatch())
    tokenizer = CaptionTokenizer.load(url)
    assert read_metadata(task.part(0)).tokenizer_sha256 == tokenizer.sha256
    table = read_shards([task.part(0)])
    expected = [tokenizer.encode(caption) for caption in table["caption"].to_pylist()]
    assert table["text_tokens"].to_pylist() == expected
    assert all(expected)


def test_the_content_of_the_tokenizer_counts_and_not_its_place(tmp_path, url):
    files.write_bytes(copy := f"{tmp_path}/copy.json", files.read_bytes(url))
    files.write_bytes(other := f"{tmp_path}/other.json", train_bpe([*CAPTIONS, "a blue car"], 310))
    configs = [EncodeConfig(text_tokens=path) for path in (None, url, copy, other)]
    none, one, same, another = (STAGE.dependencies(config, {CODEC: "demo"}) for config in configs)
    assert one == same != another
    assert one.keys() - none.keys() == {"text_tokens", "tokenizers"}
    assert len({str(STAGE.settings(config)) for config in configs}) == 1


def test_a_path_is_counted_from_the_config():
    config = STAGE.relocate(EncodeConfig(text_tokens="bpe.json"), "/folder")
    assert (config.text_tokens, config.codec) == ("/folder/bpe.json", "demo")
    assert STAGE.relocate(EncodeConfig(), "/folder") == EncodeConfig()


def test_what_is_no_tokenizer_is_refused_before_a_run(tmp_path, url, monkeypatch):
    with pytest.raises(VocabError, match=r"none\.json is missing"):
        text_dependencies(f"{tmp_path}/none.json")
    monkeypatch.setattr(text, "MAX_IDS", 100)
    with pytest.raises(VocabError, match=r"bpe\.json has \d+ ids, and `text_tokens` holds 100"):
        text_dependencies(url)
