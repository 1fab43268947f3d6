from pipelines.dedupe.config import DedupeConfig, EmbeddingConfig
from pipelines.dedupe.stage import STAGE
from tests.support.pictures import finished_run, hash_of, image_row, picture


def test_runs_and_scorers_are_counted_from_the_folder_of_the_config() -> None:
    config = DedupeConfig(against=("runs/1", "s3://b/2"), embedding=EmbeddingConfig(scorer="a.pt"))
    found = STAGE.relocate(config, "conf")
    assert found.against == ("conf/runs/1", "s3://b/2")
    assert found.embedding.scorer == "conf/a.pt"
    assert STAGE.relocate(DedupeConfig(), "conf") == DedupeConfig()


def test_what_a_finished_run_kept_is_a_dependency_and_where_it_lies_no_setting(tmp_path) -> None:
    rows = [image_row("http://a.test/1", "one", picture(1), 50, hash_of(1))]
    config = DedupeConfig(against=(finished_run(tmp_path / "2025", rows, 1),))
    assert set(STAGE.dependencies(config, {})) == {"numpy", "unicode", "against.2025"}
    assert str(tmp_path) not in str(STAGE.settings(config))
    assert STAGE.misfit(config, {"image_side": 256}) != ""
    assert STAGE.settings(DedupeConfig()).keys() == {
        "max_hamming", "max_sketch_distance", "max_mean_difference", "contrast_share",
        "max_cell_difference", "num_tables", "max_images_per_caption",
    }  # fmt: skip
