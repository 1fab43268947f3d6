import numpy as np
import pyarrow as pa

from pipelines.select.balance import EntryCounts, balanced, draws, hashes, mixed
from pipelines.select.recipe import Judged

NUM_ROWS, T = 20_000, 500
ENTRIES = ("photo", "dog", "cat")


def rows(tmp_path) -> tuple[str, pa.Table]:
    path = tmp_path / "entries.json"
    path.write_text('["photo", "dog", "cat"]')
    animals = ["a photo" + (" of a dog" if n % 4 == 0 else "") for n in range(NUM_ROWS)]
    animals[7], animals[8] = "a cat photo", "nothing"
    return str(path), pa.table({"key": [f"{n:040x}" for n in range(NUM_ROWS)], "text": animals})


def judge(tmp_path, table: pa.Table | None = None, seed: int = 0) -> Judged:
    url, all_rows = rows(tmp_path)
    counts = EntryCounts(url).count(all_rows)
    return balanced(url, T, seed, counts).judge(all_rows if table is None else table)


def test_counts_are_of_captions(tmp_path):
    url, table = rows(tmp_path)
    assert EntryCounts(url).count(table).tolist() == [NUM_ROWS - 1, NUM_ROWS / 4 - 1, 1]


def test_about_as_many_stay_as_the_probabilities_say(tmp_path):
    judged = judge(tmp_path)
    _, table = rows(tmp_path)
    is_dog = np.array(["dog" in text for text in table["text"].to_pylist()])
    photo, dog = T / (NUM_ROWS - 1), T / (NUM_ROWS / 4 - 1)
    for mask, share in ((is_dog, 1 - (1 - photo) * (1 - dog)), (~is_dog, photo)):
        expected, spread = mask.sum() * share, (mask.sum() * share * (1 - share)) ** 0.5
        assert abs(judged.passes[mask].sum() - expected) < 4 * spread


def test_a_rare_entry_keeps_its_captions_and_none_keeps_nothing(tmp_path):
    judged = judge(tmp_path)
    assert judged.passes[7]
    assert not judged.passes[8]
    assert judged.details is not None
    assert judged.measured is not None
    assert (judged.details[7], judged.details[8], judged.details[0]) == ("cat", "no entry", "dog")
    assert judged.measured[[7, 8]].tolist() == [1, 0]


def test_a_draw_depends_on_row_entry_and_seed_alone(tmp_path):
    _, table = rows(tmp_path)
    whole, order = judge(tmp_path), np.random.default_rng(0).permutation(NUM_ROWS)
    assert (judge(tmp_path, table.take(order)).passes == whole.passes[order]).all()
    other = judge(tmp_path, seed=1).passes
    assert 0 < (other & whole.passes).sum() < whole.passes.sum()


def test_draws_are_uniform():
    pairs = hashes(map(str, range(40_000)), 0)
    shares = [draws(pairs, np.full(len(pairs), count), 100).mean() for count in (1, 100, 200, 1000)]
    assert shares[:2] == [1, 1]
    assert abs(shares[2] - 0.5) < 0.01
    assert abs(shares[3] - 0.1) < 0.01


def test_splitmix64_is_that_of_its_paper():
    # Source: Vigna's splitmix64.c, the first output for the state 0.
    assert mixed(np.array([0x9E3779B97F4A7C15], np.uint64)).tolist() == [0xE220A8397B1DCDAF]
