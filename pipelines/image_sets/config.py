"""What a set of images with captions is, for all that read one."""

from pydantic import BaseModel, ConfigDict, Field


class ImageSet(BaseModel):
    """One set of images with captions, such as the validation images of COCO.

    Args:
        path: its folder, or a Parquet file. A folder is read as COCO's where it has
            `captions_*.json`, beside the images or in `annotations/`; as CUB's where it has
            `images/` and `text/` or `text_c10/`; as tables where it holds nothing but Parquet; as
            images of `dalle sample` where it has `samples.json`; else as a folder of images with
            captions beside them, or in a table `metadata` or `captions` (`.jsonl`, `.csv` or
            `.parquet`) of `file_name` or `file`, and `caption`.
        name: of the set, in evidence and counts.
        captions: the file or folder with its captions, counted from `path`, where the layout has
            several, such as `annotations/captions_val2014.json`, or another one.
        image_column: of a Parquet file: bytes, or a struct that holds them as `bytes`.
        caption_column: of a table: a text, or a list of texts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(min_length=1)
    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    captions: str = ""
    image_column: str = "image"
    caption_column: str = "caption"
