"""Rewriting for tests: the bundled tagger, steps by name."""

from collections.abc import Sequence

from pipelines.text.entities.graph import Graph, load_graph
from pipelines.text.entities.rewriting import REWRITING_STEPS, Rewritten, rewrite
from pipelines.text.tagging.taggers import load_tagger

# As in the recipe conceptual_captions.
HYPERNYMISING = tuple(name for name in REWRITING_STEPS if name != "person_token")


def rewritten(
    texts: Sequence[str], names: Sequence[str] = HYPERNYMISING, graph: Graph | None = None
) -> Rewritten:
    tagged = load_tagger("perceptron").tag(texts)
    return rewrite(texts, tagged, [REWRITING_STEPS[name] for name in names], graph or load_graph())


def one(text: str, *names: str, graph: Graph | None = None) -> str:
    """One caption after some steps; after all that hypernymise where none is named."""
    return rewritten([text], names or HYPERNYMISING, graph).texts[0]
