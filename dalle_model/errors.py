"""The tree of errors that are written for people to read.

DalleError
    ShardError             dalle_model.shards      a token shard cannot be used
    CheckpointError        dalle_model.checkpoint  a checkpoint cannot be used
    VocabError             dalle_model.vocab       a text tokenizer cannot be used
    ImagesError            dalle_model.train       there are too few images to train on
    TrainingDataError      dalle_model.train       there are no token rows to train on
    DivergedError          dalle_model.train       a loss is not finite
    UnreadableShardError   pipelines.io.parquet    a shard of a stage cannot be read
    UnbalancedBooksError   pipelines.io.task      rows were lost or made up
    MissingInputError      pipelines.crawl         a source has no file
    ColumnError            pipelines.crawl         a table lacks a column, or has too many
    UnreadableInputError   pipelines.crawl         the disk or the network failed
    ChangedInputError      pipelines.crawl         an input changed while it was read
    RecipeError            pipelines.captions      a recipe is wrong or unknown
    LexiconError           pipelines.captions      a word list cannot be read
    LanguageModelError     pipelines.captions      the language identifier cannot be loaded
    TaggerError            pipelines.captions      a tagger of parts of speech cannot be used
    GraphError             pipelines.captions      a table of entities cannot be used
    PillowVersionError     pipelines.images        Pillow is too old to decode images from the web
    ConfigError            orchestration.engine.config    a setting is wrong: exit code 2
    NoRunError             orchestration.engine.config    a directory is not one of a run
    RunnerError            orchestration.beam.runners   a Beam runner or option cannot be used
    RunError               orchestration.engine.plan      a run cannot start or go on
    ArchiveError           pipelines.web.replay    an archive cannot be replayed
    ExplainError           orchestration.report.explain   a row or a run cannot be explained
    NoPriorError           orchestration.report.pictures  a run has no prior to draw from
    VerificationError      orchestration.engine.verify    files are not what their manifests say
"""


class DalleError(RuntimeError):
    """Says what is wrong, where, why, and the command that fixes it; shown without a traceback."""
