"""The steps of DALL·E mini by name: `dalle_model.mini.normalise`, which says their source.

Left out is the space that is put before every caption, which belongs to its tokenizer. The step
`spaces` belongs before `merge_commas`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from dalle_model.mini import normalise
from dalle_model.mini.hashtags import split_hashtags
from pipelines.text.normalise.clean import NOT_PLAIN
from pipelines.text.normalise.step import NormalisingStep, step

DALLE_MINI: Mapping[str, NormalisingStep] = MappingProxyType(
    {
        "fix_text": step(normalise.fix_text, f"&|{NOT_PLAIN}"),
        "unescape_twice": step(normalise.unescape_twice, "&"),
        "demojize": step(normalise.demojize, NOT_PLAIN),
        "transliterate": step(normalise.transliterate, NOT_PLAIN),
        "person_words": step(normalise.person_words, "<person>"),
        "drop_references": step(normalise.drop_references, r"\[[0-9]"),
        "drop_tags": step(normalise.drop_tags, "<"),
        "drop_addresses": step(normalise.drop_addresses, "http"),
        "join_thousands": step(normalise.join_thousands, "[0-9],[0-9]"),
        "space_signs": step(normalise.space_signs, "[-%&/$*]"),
        "split_hashtags": step(split_hashtags, "#"),
        "drop_signs": step(normalise.drop_signs, r"[_#\\]"),
        "double_quotes": step(normalise.double_quotes, "[\"'`]"),
        "punctuation_to_commas": step(normalise.punctuation_to_commas, r"[()\[\].,|:;?!=+~\-/{}]"),
        "squeeze_repeats": step(normalise.squeeze_repeats, r"[^0-9]"),
        "merge_commas": step(normalise.merge_commas, ",|^ | $"),
    }
)
