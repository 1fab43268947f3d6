"""Croissant of an exported folder: its files and columns as JSON-LD, for search and for loaders.

Source: MLCommons Croissant 1.1, http://mlcommons.org/croissant/1.1, and the context that
mlcroissant 1.1.1 writes.
"""

from typing import Any

import pyarrow as pa

from orchestration.token_formats.hub_folder import PATTERN, TITLE, HubFolder

_CONFORMS = "http://mlcommons.org/croissant/1.1"
_PARQUET = "application/x-parquet"
_RECORDS, _FILES = "default", "parquet-files"
_TERMS = (
    *("citeAs", "column", "extract", "field", "fileProperty", "fileObject", "fileSet", "format"),
    *(
        "includes",
        "isArray",
        "arrayShape",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
    ),
    *("path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate"),
    *("separator", "source", "subField", "transform", "equivalentProperty"),
)
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS},
}


def croissant(folder: HubFolder) -> dict[str, Any]:
    """The JSON-LD of a folder: a hash of each file, and one record for each row."""
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS,
        "name": TITLE,
        "description": folder.description,
        "license": _license(folder),
        "version": "1.0.0",
        "distribution": [*_file_objects(folder), _file_set()],
        "recordSet": [_record_set(folder)],
    }


def _license(folder: HubFolder) -> str:
    if folder.states_licences:
        return "of each image: the column `license`"
    return "unknown"


def _file_objects(folder: HubFolder) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": held.path,
            "name": held.path,
            "contentUrl": held.path,
            "contentSize": f"{held.num_bytes} B",
            "encodingFormat": _PARQUET,
            "sha256": held.sha256,
        }
        for held in folder.files
    ]


def _file_set() -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": _FILES,
        "name": _FILES,
        "description": "The rows, sorted by key and view within each file.",
        "encodingFormat": _PARQUET,
        "includes": PATTERN,
    }


def _record_set(folder: HubFolder) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": _RECORDS,
        "name": _RECORDS,
        "key": [{"@id": f"{_RECORDS}/key"}, {"@id": f"{_RECORDS}/view"}],
        "field": [_field(field) for field in folder.schema],
    }


def _field(field: pa.Field) -> dict[str, Any]:
    found = {
        "@type": "cr:Field",
        "@id": f"{_RECORDS}/{field.name}",
        "name": field.name,
        "dataType": _data_type(field.type),
        "source": {"fileSet": {"@id": _FILES}, "extract": {"column": field.name}},
    }
    if pa.types.is_fixed_size_list(field.type):
        return found | {"isArray": True, "arrayShape": str(field.type.list_size)}
    if pa.types.is_list(field.type):
        return found | {"isArray": True, "arrayShape": "-1"}
    return found


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return _data_type(kind.value_type)
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
