"""The tree of errors that are written for people to read.

DalleError
    ShardError            dalle_model.shards               a token shard cannot be used
    CheckpointError       dalle_model.checkpoint           a checkpoint cannot be used
    VocabError            dalle_model.vocab                a text tokenizer cannot be used
    ImagesError           dalle_model.train.images         there are too few images to train on
    TrainingDataError     dalle_model.train.data           there are no token rows to train on
    DivergedError         dalle_model.train.dvae           a loss is not finite
    UnreadableShardError  pipelines.io.parquet             a shard of a stage cannot be read
    UnbalancedBooksError  pipelines.io.task                rows were lost or made up
    PluginError           pipelines.plugins                what another package adds cannot be used
    ArchiveError          pipelines.web.replay             an archive cannot be replayed
    LanguageModelError    pipelines.text.language          the language identifier cannot be loaded
    LexiconError          pipelines.text.lexicons.sources  a word list cannot be read
    TaggerError           pipelines.text.tagging.tagged    a part-of-speech tagger cannot be used
    GraphError            pipelines.text.entities.graph    a table of entities cannot be used
    MissingInputError     pipelines.crawl.discovery        a source has no file
    ColumnError           pipelines.crawl.tables.columns   a table lacks a column, or has too many
    UnreadableInputError  pipelines.crawl.streams          the disk or the network failed
    ChangedInputError     pipelines.crawl.blobs            an input changed while it was read
    RecipeError           pipelines.captions.assembly      a recipe is wrong or unknown
    PillowVersionError    pipelines.images.pillow_version  Pillow is too old for images from the web
    ConfigError           orchestration.engine.config      a setting is wrong: exit code 2
    NoRunError            orchestration.engine.config      a directory is not one of a run
    StageError            orchestration.engine.registry    the stages of a run do not fit together
    RunError              orchestration.engine.plan        a run cannot start or continue
    VerificationError     orchestration.engine.verify      files are not what their manifests say
    RunnerError           orchestration.beam.runners       a Beam runner or option cannot be used
    BeamVersionError      orchestration.beam.private       another Beam than the supported one
    ExplainError          orchestration.report.trace       a row or a run cannot be explained
    NoPriorError          orchestration.report.sheets      a run has nothing to draw from
"""


class DalleError(RuntimeError):
    """Says what is wrong, where, why, and the command that fixes it; shown without a traceback."""
