"""Sets of samples are judged beside each other: figures, curves, a page."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dalle_model import files
from dalle_model.evaluate.frechet import frechet_distance
from dalle_model.evaluate.moments import moments_of, save_moments
from dalle_model.evaluate.precision_recall import precision_recall
from dalle_model.pixels import Rgb
from orchestration.engine.progress import Quiet
from orchestration.evaluation import instruments
from orchestration.evaluation.bench import BrokenImagesError
from orchestration.evaluation.results import Evaluation
from orchestration.evaluation.samples import Asked, evaluate_samples
from orchestration.evaluation.sets import SamplesError
from tests.support.image_folders import SIDE, CountedFeatures, picture, write_coco, write_images


class ColourScorer:
    """Places an image by its mean red, and a caption by the number at its end."""

    def embed_images(self, images: Any) -> np.ndarray:
        return self._placed([image[..., 0].mean() / 255 for image in images])

    def embed_texts(self, captions: Any) -> np.ndarray:
        return self._placed([float(caption.rsplit(" ", 1)[1]) for caption in captions])

    def _placed(self, values: list[float]) -> np.ndarray:
        angles = np.array(values) * np.pi / 2
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.fixture
def counted(monkeypatch) -> CountedFeatures:
    function = CountedFeatures()
    monkeypatch.setattr(instruments, "load_features", lambda _: function)
    monkeypatch.setattr(instruments, "load_embedder", lambda _: ColourScorer())
    monkeypatch.setattr(instruments, "scorer_facts", lambda _: {"scorer": "colour"})
    return function


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """Twelve captions with three images each, and twenty references."""
    named = {f"{n:02d}_{k}": f"red {n / 12}" for n in range(12) for k in range(3)}
    write_images(tmp_path / "ours", named)
    write_images(tmp_path / "real", {f"r{n}": f"red {n / 12}" for n in range(20)}, first=100)
    return str(tmp_path / "ours"), str(tmp_path / "real")


def judged(folders: tuple[str, str], out: Path, **asked: Any) -> Evaluation:
    given = Asked(features="counted", side=SIDE, **asked)
    return evaluate_samples([folders[0]], folders[1], given, str(out), Quiet())


def values(found: Evaluation, measure: str, **where: Any) -> list[float]:
    return [
        figure.value
        for figure in found.figures
        if figure.measure == measure
        and all(getattr(figure, name) == value for name, value in where.items())
    ]


def blurred(images: list[Rgb], radius: float) -> list[Rgb]:
    return [
        np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))
        for image in images
    ]


def test_the_blur_is_on_both_sides(tmp_path, counted, folders) -> None:
    found = judged(folders, tmp_path / "out", blur=(0.0, 3.0))
    ours, real = [picture(n) for n in range(36)], [picture(100 + n) for n in range(20)]
    for radius in (0.0, 3.0):
        both = [blurred(some, radius) if radius else some for some in (ours, real)]
        one, other = (moments_of([counted.features(some)], counted.facts) for some in both)
        (value,) = values(found, "frechet_distance", blur=radius)
        assert value == pytest.approx(frechet_distance(one, other), rel=1e-9)


def test_a_second_call_computes_nothing_and_finds_the_same(tmp_path, counted, folders) -> None:
    asked = {"blur": (0.0, 1.0), "scorer": "colour", "best_of": (1, 2)}
    first = judged(folders, tmp_path / "out", **asked)
    seen = counted.seen
    assert seen == 2 * 36 + 2 * 20  # both sides at both radii; classes are told from the same
    assert judged(folders, tmp_path / "out", **asked).figures == first.figures
    assert counted.seen == seen


def test_names_and_their_order_decide_nothing(tmp_path, counted, folders) -> None:
    first = judged(folders, tmp_path / "one")
    for place, path in enumerate(sorted(Path(folders[0]).glob("*.png"), reverse=True)):
        for suffix in (".png", ".txt"):
            shutil.move(path.with_suffix(suffix), path.with_name(f"x{place:03d}{suffix}"))
    assert judged(folders, tmp_path / "other").figures == first.figures


def test_the_curve_of_the_number_follows_the_scorer(tmp_path, counted, folders) -> None:
    found = judged(folders, tmp_path / "out", scorer="colour", best_of=(1, 2, 3), blur=(0.0, 1.0))
    scores = [values(found, "clip_score", best_of=number)[0] for number in (1, 2, 3)]
    assert scores[0] < scores[1] < scores[2]
    assert values(found, "frechet_distance", best_of=1, blur=1.0) == []
    assert len(values(found, "frechet_distance", best_of=3, blur=1.0)) == 1
    assert {figure.images for figure in found.figures} == {12}
    assert found.columns == ["reference", "ours, first", "ours, best of 3"]


def test_precision_and_recall_are_measured_on_request(tmp_path, counted, folders) -> None:
    asked = {"scorer": "colour", "best_of": (1, 3), "blur": (0.0, 1.0)}
    assert values(judged(folders, tmp_path / "out", **asked), "precision") == []
    found = judged(folders, tmp_path / "out", precision_recall=True, **asked)
    assert values(found, "precision", blur=1.0) == []
    real = counted.features([picture(100 + n) for n in range(20)])
    first = counted.features([picture(3 * n) for n in range(12)])
    told = [values(found, name, best_of=1) for name in ("precision", "recall")]
    assert told == [[value] for value in precision_recall(real, first)]
    assert len(values(found, "recall")) == 2
    page = Path(found.page).read_text()
    assert "Precision against the number chosen from" in page
    assert "Recall against blur" not in page


def test_too_few_images_have_no_precision(tmp_path, counted, folders) -> None:
    few = write_images(tmp_path / "few", {f"f{n}": "" for n in range(3)})
    found = judged((str(few), folders[1]), tmp_path / "out", precision_recall=True)
    assert values(found, "precision") == []
    assert "no precision and recall of fewer than 4 images" in found.warnings


def test_without_overlaps_both_sides_are_measured_again(tmp_path, counted) -> None:
    coco = write_coco(tmp_path / "coco", range(1, 21), absent=[99])
    ours = write_images(tmp_path / "ours", {f"{n}_0": "" for n in range(1, 15)})
    listed = [f"val2014/COCO_val2014_{n:012d}.png\n" for n in (1, 2, 3)]
    (tmp_path / "overlap.txt").write_text("".join(listed))
    found = judged((str(ours), str(coco)), tmp_path / "out", without=str(tmp_path / "overlap.txt"))
    counts = {figure.part: (figure.images, figure.reference_images) for figure in found.figures}
    assert counts == {"all": (14, 20), "without_overlaps": (11, 17)}
    assert any("1 images that its annotations name are not there" in one for one in found.warnings)
    assert files.read_json(found.document)["reference"]["absent"] == 1
    assert set(found.shown[0].images) == {"reference", "ours"}


def test_the_document_holds_every_figure(tmp_path, counted, folders) -> None:
    found = judged(folders, tmp_path / "out", scorer="colour")
    document = json.loads(Path(found.document).read_text())
    assert set(document) == {
        "version", "reference", "samples", "measured_by", "side", "figures", "warnings",
    }  # fmt: skip
    assert {figure["measure"] for figure in document["figures"]} == {
        "frechet_distance", "kernel_distance", "inception_score", "clip_score", "r_precision",
    }  # fmt: skip
    for figure in document["figures"]:
        assert set(figure) == {
            "samples", "measure", "value", "spread", "blur", "best_of", "part", "images",
            "reference_images",
        }  # fmt: skip
    assert document["measured_by"]["features"]["sha256"] == "0" * 64
    page = Path(found.page).read_text()
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert "comparable with no other" in page


def test_moments_stand_for_a_reference(tmp_path, counted, folders) -> None:
    real = counted.features([picture(100 + n) for n in range(20)])
    moments = moments_of([real], counted.facts)
    save_moments(str(tmp_path / "real.npz"), moments)
    found = judged((folders[0], str(tmp_path / "real.npz")), tmp_path / "one")
    same = judged(folders, tmp_path / "other")
    ours, theirs = (values(one, "frechet_distance") for one in (found, same))
    assert ours == pytest.approx(theirs)
    assert values(found, "kernel_distance") == []


def test_broken_images_are_named_up_to_a_share(tmp_path, counted, folders) -> None:
    (Path(folders[0]) / "broken.png").write_bytes(b"no image")
    found = judged(folders, tmp_path / "out")
    assert list(found.samples[0].broken) == ["broken.png"]
    assert any("1 images cannot be read; the first is broken.png" in w for w in found.warnings)
    (Path(folders[0]) / "another.png").write_bytes(b"")
    with pytest.raises(BrokenImagesError, match=r"2 of 38 images .* the first is another\.png"):
        judged(folders, tmp_path / "out")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"blur": (1.0, 1.0)}, "--blur takes different radii"),
        ({"blur": (-1.0,)}, "--blur takes different radii"),
        ({"best_of": (0,), "scorer": "colour"}, "--best-of takes numbers of 1 and more"),
        ({"best_of": (2,)}, "name one, such as `--scorer demo`"),
        ({"without": "other.txt"}, "names no image of"),
        ({"without": "all.txt"}, "nothing is left"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    tmp_path, counted, folders, monkeypatch, asked, why
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.txt").write_text("gone.png\n")
    Path("all.txt").write_text("".join(f"r{n}.png\n" for n in range(20)))
    with pytest.raises(SamplesError, match=why):
        judged(folders, tmp_path / "out", **asked)


def test_moments_can_be_neither_blurred_nor_parted(tmp_path, counted, folders) -> None:
    for asked in ({"blur": (1.0,)}, {"without": "list.txt"}, {"precision_recall": True}):
        with pytest.raises(SamplesError, match="holds moments and no images"):
            judged((folders[0], "real.npz"), tmp_path / "out", **asked)
