"""The card of an exported folder: features as `datasets` has them, and licences."""

from collections import Counter

import pyarrow as pa
import pytest
import yaml

from dalle_model.shard_schema import ShardMetadata, token_schema
from orchestration.token_formats.hub_folder import HeldFile, HubFolder, features, hub_card
from tests.support.token_shards import METADATA

TOKENS = ShardMetadata(**METADATA)


def folder_of(licences: dict[str, int]) -> HubFolder:
    files = [HeldFile("data/train-00000-of-00001.parquet", "ab" * 32, 1000)]
    counts = (Counter(licences), Counter({"web": sum(licences.values())}))
    return HubFolder(TOKENS, token_schema(TOKENS), sum(licences.values()), files, counts)


def test_features_are_those_of_datasets():
    datasets = pytest.importorskip("datasets")
    added = [pa.field("half", pa.float16()), pa.field("s", pa.float64()), pa.field("l", pa.int64())]
    for shape in ((3, 3), None):
        schema = token_schema(ShardMetadata(**{**METADATA, "token_shape": shape}), added)
        expected = datasets.Features.from_arrow_schema(schema)._to_yaml_list()
        assert features(schema) == expected


def test_the_front_matter_counts_rows_and_bytes():
    front = yaml.safe_load(hub_card(folder_of({"CC0": 7, "": 3})).split("---")[1])
    (split,) = front["dataset_info"]["splits"]
    assert split == {"name": "train", "num_bytes": 1000, "num_examples": 10}
    assert (front["license"], front["license_name"]) == ("other", "of-each-image")
    assert front["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]


def test_a_licence_that_nobody_states_is_unknown():
    text = hub_card(folder_of({"": 10}))
    assert yaml.safe_load(text.split("---")[1])["license"] == "unknown"
    assert "licence: unknown; no row states one" in text


def test_other_files_are_another_card():
    one = folder_of({"": 1})
    other = HubFolder(one.metadata, one.schema, 1, [one.files[0]._replace(sha256="cd")], one.counts)
    assert one.digest != other.digest
    assert one.digest in hub_card(one)
