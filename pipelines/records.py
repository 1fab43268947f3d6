"""What passes from stage to stage: a role for each boundary, and its Arrow schema.

A stage reads roles, never other stages: the graph of a run says which stage writes it.

Every row has a `key` (see `pipelines.io.keys`); rows of a shard are sorted by it, so all captions
of one image are adjacent. Each schema extends the one before it by what its stage adds.
The last boundary, the token shard, belongs to its consumer: `dalle_model.shards`.
"""

from typing import NamedTuple

import pyarrow as pa

CANDIDATES = "candidates"  # image-caption pairs as found
CAPTIONS = "captions"  # pairs whose caption is good enough
FETCHED = "fetched"  # pairs with the bytes of their image as served
IMAGES = "images"  # pairs with the decoded image
SELECTION = "selection"  # keys of the images that one filter keeps; a run may have several
REFERENCES = "references"  # images and captions that rows are compared with
TOKENS = "tokens"  # token shards: `dalle_model.shards`
CODEC = "codec"  # a checkpoint: images to tokens and back
TOKENIZER = "tokenizer"  # of captions
PRIOR = "prior"  # a checkpoint of the autoregressive model
MINI = "mini"  # a checkpoint of a DALL·E mini
CLIP = "clip"  # a checkpoint that scores captions of images
SAMPLES = "samples"  # images drawn from it
ZERO_SHOT = "zero_shot"  # images for captions that were held out

# Facts that settings alone fix of an output, by which stages that read it know what cannot work.
IMAGE_SIDE = "image_side"  # the shorter edge of an image as stored, in pixels
IMAGE_RESAMPLE = "image_resample"  # the filter that scaled them: `dalle_model.resize`
CODEC_RESAMPLE = "codec_resample"  # the filter of the images that a codec was trained on
CODEC_BYTES = "codec_bytes"  # of the files of a codec
CODEC_SIDE = "codec_side"  # the longer edge of what a codec encodes, in pixels
# The shorter edge that images need as stored, for all that is encoded of them, in pixels.
WANTED_SIDE = "wanted_side"
IMAGE_CROP = "image_crop"  # the part of an image that is stored: `pipelines.images.config`
GRID = "grid"  # tokens along one edge of an image; None where images have shapes of their own
NUM_CODES = "num_codes"  # every code of a codec is below it
TEXT_VOCAB = "text_vocab"  # tokens of a text tokenizer, at most
REFERENCE_SCORER = "reference_scorer"  # whose vectors references have, by its name
CARRIED = "carried"  # types of the values that sources carry, by name: `pipelines.io.carried`

# Counted in a manifest: rows that were asked for by name, and are not among those that came in.
ROWS_MISSING = "rows_missing"


# A column that a selection may add: boxes of the image as stored that whoever reads its pixels sees
# blurred, as `dalle_model.blur` has them; list of uint16, four a box.
BLURRED = "blurred"


class Candidate(NamedTuple):
    """An image-caption pair as found on a page or in a table.

    Args:
        key: 40 hex characters.
        url: canonical URL of the image.
        caption: raw text, as found.
        page_url: the page that holds it; empty where there is none.
        text_source: where the text was found: `alt`, `title`, `figcaption`, `og:image`, `table` or
            `file`.
        source: name of the source in the config.
        page_language: of the page, as declared; empty where it is not.
        license: link or name, where the page states one; else empty.
        opt_out: the page's own refusal of use, such as `noai`; else empty.
        declared_hash: the hashes of the image that a table gives (`pipelines.io.hashes`), such as
            `md5:…` or `sha256:… phash:…`; else empty.
        name: path of the image within its source, for an image that the source itself holds; else
            empty (docs/sources.md).
        carried: values that the source's `carry` asks for, as `pipelines.io.carried` packs them;
            empty where there are none.
        encoded: the image's bytes, from sources that contain them and need no download. Of the rows
            of one image in a shard, the first holds them for all (`pipelines.io.supplied`).
    """

    key: str
    url: str
    caption: str
    page_url: str = ""
    text_source: str = "alt"
    source: str = ""
    page_language: str = ""
    license: str = ""
    opt_out: str = ""
    declared_hash: str = ""
    name: str = ""
    carried: str = ""
    encoded: bytes | None = None


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


_PROVENANCE = [
    _required("page_url", pa.string()),
    _required("license", pa.string()),
    _required("source", pa.string()),
    _required("name", pa.string()),
    _required("carried", pa.string()),
]

# `sha256`: of the bytes that the source supplied; null where the image is still to be fetched.
CANDIDATE_SCHEMA = pa.schema(
    [
        _required("key", pa.string()),
        _required("url", pa.string()),
        _required("caption", pa.string()),
        *_PROVENANCE,
        _required("text_source", pa.string()),
        _required("page_language", pa.string()),
        _required("opt_out", pa.string()),
        _required("declared_hash", pa.string()),
        pa.field("sha256", pa.string()),
        pa.field("encoded", pa.binary()),
    ]
)

# `caption` is the normalised text from here on; `raw_caption` is what the key was made from.
# `sha256`: as in `CANDIDATE_SCHEMA`, which keeps the bytes: so it pins them for whoever reads them.
CAPTION_SCHEMA = pa.schema(
    [
        _required("key", pa.string()),
        _required("url", pa.string()),
        _required("caption", pa.string()),
        *_PROVENANCE,
        _required("raw_caption", pa.string()),
        _required("language", pa.string()),
        _required("declared_hash", pa.string()),
        pa.field("sha256", pa.string()),
    ]
)

# `encoded`: the bytes as served; null where the candidates, or a row of the same image before this
# one, hold them. `sha256`: of the bytes.
FETCHED_SCHEMA = pa.schema(
    [
        _required("key", pa.string()),
        _required("url", pa.string()),
        _required("caption", pa.string()),
        *_PROVENANCE,
        _required("declared_hash", pa.string()),
        pa.field("encoded", pa.binary()),
        _required("sha256", pa.string()),
    ]
)

# `image`: RGB, upright, the shorter edge at the store size, no metadata, as `images.store` names.
# `full_image`: of a sample of those decoded at a scale, the same from all pixels. `width` and
# `height`: of the original after orientation. `pixel_hash`: of the RGB pixels as decoded, 32 hex.
# `phash`: 64-bit DCT. `sketch`, `thumbnail`: of the image as stored and, where it has a border, of
# what is inside it, 34 and 768 bytes each (`pipelines.sameness.hashes`).
IMAGE_SCHEMA = pa.schema(
    [
        _required("key", pa.string()),
        _required("url", pa.string()),
        _required("caption", pa.string()),
        *_PROVENANCE,
        _required("image", pa.binary()),
        pa.field("full_image", pa.binary()),
        _required("width", pa.uint32()),
        _required("height", pa.uint32()),
        _required("sha256", pa.string()),
        _required("pixel_hash", pa.string()),
        _required("phash", pa.uint64()),
        _required("sketch", pa.binary()),
        _required("thumbnail", pa.binary()),
    ]
)

# What a filter of images keeps, never pixels; columns of its own may follow, which
# `pipelines.io.selections` joins with the images.
SELECTION_SCHEMA = pa.schema(
    [
        _required("key", pa.string()),
        _required("url", pa.string()),
        _required("caption", pa.string()),
    ]
)

# Of selections: the references that a row matches, as `pipelines.decontaminate.match` writes them.
CONTAMINATION = "contamination"

# Images that rows are compared with, such as those of an evaluation set. `set`, `name`: of the set,
# and of the image in it. `image`: a JPEG, its shorter edge at most 256 px, for people. `sketch`,
# `thumbnail`: as of `IMAGE_SCHEMA`, of the image and, where it is not square, of its centred square
# too. `embedding`: of length 1. `unreadable`: why the image cannot be compared; then only its
# `captions` are.
REFERENCE_SCHEMA = pa.schema(
    [
        _required("set", pa.string()),
        _required("name", pa.string()),
        _required("captions", pa.list_(pa.string())),
        pa.field("image", pa.binary()),
        pa.field("width", pa.uint32()),
        pa.field("height", pa.uint32()),
        _required("sha256", pa.string()),
        _required("pixel_hash", pa.string()),
        _required("sketch", pa.binary()),
        _required("thumbnail", pa.binary()),
        _required("unreadable", pa.string()),
        pa.field("embedding", pa.list_(pa.float32())),
    ]
)
