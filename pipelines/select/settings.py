"""The settings of the select stage as recipes read them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0, lt=1)]


class SelectSettings(BaseModel):
    """Which published filter, and what it needs that is not published with it.

    A setting that the recipe does not heed is refused; None and empty ones take what the recipe
    published.

    Args:
        recipe: its name: `docs/select.md`.
        threshold: least score kept; of recipes by CLIP score.
        fraction: share of all rows kept, those with the best scores; instead of `threshold`.
        arch: the CLIP model of the score as DataComp calls it; of `datacomp_clip` and
            `datacomp_image_clip`.
        score: column of the score, which an earlier selection or a source wrote, such as
            `clip_score`; by default DataComp's own, `clip_l14_similarity_score` or
            `clip_b32_similarity_score`.
        cluster: column with the number of the nearest centroid of each image.
        targets: NumPy file: the numbers of the clusters that are kept; or embeddings of images,
            whose nearest centroids these are, with `centroids`.
        centroids: NumPy file of the centroids, float `[clusters, width]`.
        synsets: the WordNet synsets that a caption must name one of: a text file of ids such as
            `n02084071` or offsets, one a line, or a NumPy file of offsets.
        wordnet: folder of WordNet 3.0 with its `index.*` and `*.exc`.
        detector: what tells English: `fasttext`, `gcld3`, or `column`, the column `language`.
        entries: text file with an entry a line, or a JSON list of texts.
        t: pairs of an entry from which on they are thinned out; Source: MetaCLIP, 20,000 for 400
            million pairs and 170,000 for 2.5 billion.
        seed: of the draws.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    recipe: str
    threshold: float | None = None
    fraction: Share | None = None
    arch: Literal["b32", "l14"] = "l14"
    score: str = ""
    cluster: str = "cluster"
    targets: str = ""
    centroids: str = ""
    synsets: str = ""
    wordnet: str = ""
    detector: Literal["", "fasttext", "gcld3", "column"] = ""
    entries: str = ""
    t: int = Field(default=20_000, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**64)
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)
