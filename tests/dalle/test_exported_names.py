"""The public Python API, name by name: whoever changes it changes this list."""

import dalle

NAMES = [
    "CaptionScore",
    "CaptionTokenizer",
    "Choice",
    "Codec",
    "CodecFacts",
    "Comparison",
    "DalleError",
    "Drawn",
    "EncodeResult",
    "Estimate",
    "Explanation",
    "ExportResult",
    "FirstConfig",
    "FreedStage",
    "FullOrder",
    "GuideResult",
    "GuideSettings",
    "KeepResult",
    "MiniDrawing",
    "PlannedStage",
    "Progress",
    "Removal",
    "RunPlan",
    "RunResult",
    "RunStatus",
    "SampleSettings",
    "Scores",
    "Setting",
    "ShardMetadata",
    "Text",
    "TokenLoader",
    "TokenReader",
    "TokenSource",
    "TokenStream",
    "TrainingEstimate",
    "UsageError",
    "Verification",
    "WindowOrder",
    "by_token_shape",
    "cached",
    "cancel",
    "clean",
    "complete",
    "convert",
    "demo",
    "encode",
    "estimate",
    "estimate_training",
    "evaluate",
    "explain",
    "export",
    "grid",
    "guide",
    "human_study",
    "image_tokens",
    "init",
    "keep",
    "list_shards",
    "load_codec",
    "mini",
    "open_source",
    "plan",
    "read_metadata",
    "read_shards",
    "recipes",
    "remove",
    "report",
    "run",
    "sample",
    "score",
    "settings",
    "shards",
    "status",
    "train",
    "verify",
]


def test_the_exported_names_are_these():
    assert dalle.__all__ == NAMES
    assert dir(dalle) == NAMES


def test_each_name_is_there_with_its_documentation():
    for name in NAMES:
        assert getattr(dalle, name).__doc__, name


def test_type_checkers_see_the_same_names():
    """The names under `TYPE_CHECKING` are read off the source, since nothing imports them."""
    import ast
    from pathlib import Path

    tree = ast.parse(Path(dalle.__file__).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    homes = {alias.name: node.module for node in imports for alias in node.names}
    assert {name: homes[name] for name in NAMES} == dalle._HOME


def test_another_name_is_an_attribute_error():
    assert not hasattr(dalle, "runs")
