"""Sources as a config names them, and the inputs that are found there."""

import os
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote, urljoin

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipelines.io.carried import MAX_COLUMNS, MAX_NAME_CHARS, Type

HOSTS_ARE_FOLDERS = ("http://", "https://")  # values of `base_url`
Column = str | Annotated[int, Field(ge=0)]


class Source(BaseModel):
    """A path that candidates are read from.

    The columns of a table are found by their usual names (`tables/columns.py`), or by what they
    hold; the settings that end in `_column` are for any other. They also name the keys of the JSON
    files next to images.

    Args:
        path: URL or path of a file, a folder (searched to the bottom) or a glob.
        kind: of a reader in `readers/`; by default the one for their suffix. Images make an image
            folder, unless there are pages and no captions next to them.
        name: goes into the `source` column of every row; the path never does.
        base_url: HTML files only: the address that the folder had on the web, or `https://` where
            the folders at its top are hosts, as `wget` makes them. Images beside the pages are
            taken from there then, and not from the web.
        url_column: name, or number from 0.
        caption_column: as `url_column`; a list of texts in it gives a pair each.
        page_url_column: as `url_column`.
        license_column: as `url_column`.
        md5_column: as `url_column`; the image as served is compared with it, as with the next two.
            In a table that holds the images, these three are read only where they are named here:
            img2dataset writes the hash of the file before it was scaled.
        sha256_column: as `md5_column`.
        phash_column: as `md5_column`: a perceptual hash as imagehash's `phash` makes it.
        image_column: of a Parquet table that holds images; by default a column of
            type `datasets.Image`, or of bytes under a usual name.
        carry: columns of a table, or keys of the JSON next to an image, that become columns of the
            token shards under the same names: a list of texts, or each name with its type, `text`,
            `integer` or `number`. In a tar also suffixes of members, such as `cls`.
        has_header: of a CSV or TSV table; by default there is one when columns are given by name
            or one of the first rows holds a usual name of a column of URLs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(min_length=1)
    kind: str | None = None
    name: str = ""
    base_url: str = ""
    url_column: Column | None = None
    caption_column: Column | None = None
    page_url_column: Column | None = None
    license_column: Column | None = None
    md5_column: Column | None = None
    sha256_column: Column | None = None
    phash_column: Column | None = None
    image_column: Column | None = None
    carry: dict[str, Type] = Field(default_factory=dict, max_length=MAX_COLUMNS)
    has_header: bool | None = None

    @field_validator("carry", mode="before")
    @classmethod
    def _are_texts(cls, carry: Any) -> Any:
        if not isinstance(carry, list | tuple):
            return carry
        if not all(isinstance(name, str) for name in carry):
            raise ValueError("give names of columns, or each name with its type")
        return dict.fromkeys(carry, "text")

    @field_validator("carry")
    @classmethod
    def _are_names(cls, carry: dict[str, Type]) -> dict[str, Type]:
        for name in carry:
            if not (
                name.isprintable() and name.strip() == name != "" and len(name) <= MAX_NAME_CHARS
            ):
                raise ValueError(f"{name[:MAX_NAME_CHARS]!r} is no name of a column")
        return carry

    def address_of(self, relative: str) -> str:
        """The address on the web of a path within the source; empty where no `base_url` says it.

        Args:
            relative: bytes that are no UTF-8 as in `os.fsdecode`.
        """
        if self.base_url in HOSTS_ARE_FOLDERS:
            host, slash, path = relative.partition("/")  # `site.test:8080` among them
            return f"{self.base_url}{host}{slash}{quote(os.fsencode(path))}"
        return urljoin(self.base_url, quote(os.fsencode(relative))) if self.base_url else ""


@dataclass(frozen=True, order=True)
class InputFile:
    """One file to read, or the images of one folder.

    Args:
        location: its URL; opens it and is never part of a row.
        kind: of its reader.
        page_url: its address on the web; empty where the source gives no `base_url`.
        metadata: of an image folder: URL of the table that captions it; empty where none does.
        names: of an image folder: the images that a glob chose; empty for all.
        config_key: the setting that it comes from, for errors and the books.
        name: path within the source, for the books; empty for one that was crawled.
        prefix: what stands before the name of an image in it: of a file `00000.tar!`, of a folder
            `sub/`, or nothing for the source itself.
    """

    location: str
    kind: str
    page_url: str = ""
    metadata: str = ""
    names: tuple[str, ...] = ()
    config_key: str = field(default="", compare=False)
    name: str = field(default="", compare=False)
    prefix: str = field(default="", compare=False)
