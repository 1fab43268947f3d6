"""The public Python API: what `dalle` does on the command line, and what a training job reads.

    import dalle

    result = dalle.run("dalle.yaml")
    rows = dalle.read_shards(dalle.list_shards(f"{result.directory}/encode"))

Names are loaded when they are first used, so that `import dalle` needs neither Beam nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dalle_model.data.cache import cached as cached
    from dalle_model.data.choice import Choice as Choice
    from dalle_model.data.order import FullOrder as FullOrder
    from dalle_model.data.order import WindowOrder as WindowOrder
    from dalle_model.data.reader import Text as Text
    from dalle_model.data.reader import TokenReader as TokenReader
    from dalle_model.data.source import TokenSource as TokenSource
    from dalle_model.data.source import open_source as open_source
    from dalle_model.data.torch import TokenLoader as TokenLoader
    from dalle_model.data.torch import TokenStream as TokenStream
    from dalle_model.errors import DalleError as DalleError
    from dalle_model.errors import UsageError as UsageError
    from dalle_model.evaluate.caption_scores import CaptionScore as CaptionScore
    from dalle_model.guide.settings import GuideSettings as GuideSettings
    from dalle_model.mini.settings import MiniDrawing as MiniDrawing
    from dalle_model.settings import SampleSettings as SampleSettings
    from dalle_model.shard_schema import ShardMetadata as ShardMetadata
    from dalle_model.shards import by_token_shape as by_token_shape
    from dalle_model.shards import image_tokens as image_tokens
    from dalle_model.shards import list_shards as list_shards
    from dalle_model.shards import read_metadata as read_metadata
    from dalle_model.shards import read_shards as read_shards
    from dalle_model.tokenizers.codec import Codec as Codec
    from dalle_model.tokenizers.codec import CodecFacts as CodecFacts
    from dalle_model.tokenizers.registry import load_codec as load_codec
    from dalle_model.vocab import CaptionTokenizer as CaptionTokenizer
    from orchestration.api import cancel as cancel
    from orchestration.api import clean as clean
    from orchestration.api import complete as complete
    from orchestration.api import convert as convert
    from orchestration.api import demo as demo
    from orchestration.api import encode as encode
    from orchestration.api import estimate as estimate
    from orchestration.api import estimate_training as estimate_training
    from orchestration.api import evaluate as evaluate
    from orchestration.api import explain as explain
    from orchestration.api import export as export
    from orchestration.api import grid as grid
    from orchestration.api import guide as guide
    from orchestration.api import human_study as human_study
    from orchestration.api import init as init
    from orchestration.api import keep as keep
    from orchestration.api import mini as mini
    from orchestration.api import plan as plan
    from orchestration.api import recipes as recipes
    from orchestration.api import remove as remove
    from orchestration.api import report as report
    from orchestration.api import run as run
    from orchestration.api import sample as sample
    from orchestration.api import score as score
    from orchestration.api import settings as settings
    from orchestration.api import shards as shards
    from orchestration.api import status as status
    from orchestration.api import train as train
    from orchestration.api import verify as verify
    from orchestration.commands.encoding import EncodeResult as EncodeResult
    from orchestration.commands.guiding import GuideResult as GuideResult
    from orchestration.commands.keeping import KeepResult as KeepResult
    from orchestration.drawing.sheet import Drawn as Drawn
    from orchestration.engine.cleaning import FreedStage as FreedStage
    from orchestration.engine.first_config import FirstConfig as FirstConfig
    from orchestration.engine.preview import PlannedStage as PlannedStage
    from orchestration.engine.preview import RunPlan as RunPlan
    from orchestration.engine.progress import Progress as Progress
    from orchestration.engine.settings_list import Setting as Setting
    from orchestration.engine.status import RunStatus as RunStatus
    from orchestration.engine.verify import Verification as Verification
    from orchestration.export.run import ExportResult as ExportResult
    from orchestration.removal.run import Removal as Removal
    from orchestration.report.explanation import Explanation as Explanation
    from orchestration.scale.plan import Estimate as Estimate
    from orchestration.scale.training import TrainingEstimate as TrainingEstimate
    from orchestration.scoring.scores import Scores as Scores
    from orchestration.work import Comparison as Comparison
    from orchestration.work import RunResult as RunResult

_HOMES = {
    "dalle_model.data.cache": ("cached",),
    "dalle_model.data.choice": ("Choice",),
    "dalle_model.data.order": ("FullOrder", "WindowOrder"),
    "dalle_model.data.reader": ("Text", "TokenReader"),
    "dalle_model.data.source": ("TokenSource", "open_source"),
    "dalle_model.data.torch": ("TokenLoader", "TokenStream"),
    "dalle_model.errors": ("DalleError", "UsageError"),
    "dalle_model.evaluate.caption_scores": ("CaptionScore",),
    "dalle_model.guide.settings": ("GuideSettings",),
    "dalle_model.mini.settings": ("MiniDrawing",),
    "dalle_model.settings": ("SampleSettings",),
    "dalle_model.shard_schema": ("ShardMetadata",),
    "dalle_model.shards": (
        "by_token_shape",
        "image_tokens",
        "list_shards",
        "read_metadata",
        "read_shards",
    ),
    "dalle_model.tokenizers.codec": ("Codec", "CodecFacts"),
    "dalle_model.tokenizers.registry": ("load_codec",),
    "dalle_model.vocab": ("CaptionTokenizer",),
    "orchestration.api": (
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
        "init",
        "keep",
        "mini",
        "plan",
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
    ),
    "orchestration.commands.encoding": ("EncodeResult",),
    "orchestration.commands.guiding": ("GuideResult",),
    "orchestration.commands.keeping": ("KeepResult",),
    "orchestration.drawing.sheet": ("Drawn",),
    "orchestration.engine.cleaning": ("FreedStage",),
    "orchestration.engine.first_config": ("FirstConfig",),
    "orchestration.engine.preview": ("PlannedStage", "RunPlan"),
    "orchestration.engine.progress": ("Progress",),
    "orchestration.engine.settings_list": ("Setting",),
    "orchestration.engine.status": ("RunStatus",),
    "orchestration.engine.verify": ("Verification",),
    "orchestration.export.run": ("ExportResult",),
    "orchestration.removal.run": ("Removal",),
    "orchestration.report.explanation": ("Explanation",),
    "orchestration.scoring.scores": ("Scores",),
    "orchestration.work": ("Comparison", "RunResult"),
    "orchestration.scale.plan": ("Estimate",),
    "orchestration.scale.training": ("TrainingEstimate",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'dalle' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
