"""The tree of errors that are written for people to read.

DalleError: what was asked for has failed; exit code 1
    ShardError               dalle_model.shards               a token shard cannot be used
    CacheError               dalle_model.data.cache           a cache of rows cannot be used
    CheckpointError          dalle_model.checkpoint           a checkpoint cannot be used
      DamagedFileError       dalle_model.train.state_index    a file of one is not as it was written
    VocabError               dalle_model.vocab                a text tokenizer cannot be used
    ImageFileError           dalle_model.data.image_file      a file of images cannot be used
    ImagesError              dalle_model.train.images         there are too few images to train on
    TrainingDataError        dalle_model.train.data           there are no token rows to train on
    DivergedError            dalle_model.train.step           a loss is not finite
    UnreadableShardError     pipelines.io.parquet             a shard of a stage cannot be read
    ManifestError            pipelines.io.manifest_groups     the list of a stage's files is damaged
    UnbalancedBooksError     pipelines.io.finish              rows were lost or made up
    UnorderedBatchesError    pipelines.io.finish              a stage gave its rows out of order
    NotWantedError           pipelines.io.wanted              the job that does some work was ended
    PluginError              pipelines.plugins                another package adds what is wrong
    LanguageModelError       pipelines.text.language          no language can be told
    OpenFilesError           pipelines.web.connect            there may be no further connection
    UnreadableInputError     pipelines.crawl.streams          the disk or the network failed
    ChangedInputError        pipelines.crawl.blobs            an input changed while it was read
    BackendError             pipelines.fetch.backends.img2dataset  its library is not a known one
    PillowVersionError       pipelines.images.pillow_version  Pillow is too old for the web
    SandboxError             pipelines.images.sandbox.sandbox no process to decode in can be started
    EncodingMemoryError      pipelines.encode.encoder         the memory does not hold a batch
    WorkerError              pipelines.encode.alone.workers   a process that encodes was killed
    FailedWorkerError        pipelines.encode.alone.workers   one has failed, and has said why
    RunError                 orchestration.engine.plan        a run cannot start or continue
    NothingLeftError         orchestration.engine.limits      a stage has dropped every row
    VerificationError        orchestration.engine.verify      files are not what their manifests say
    BeamVersionError         orchestration.beam.private       another Beam than the supported one
    JobError                 orchestration.beam.runners       a job cannot be asked or cancelled
    NotReadyError            orchestration.beam.runners       a runner lacks a service or a library
    ExplainError             orchestration.report.trace       a row or a run cannot be explained
    ExportError              orchestration.export.run         a run cannot be exported
    FactsError               orchestration.token_formats.facts  what exported codes mean is damaged
    MissingTokensError       orchestration.commands.encoding  some images have no tokens
    BrokenImagesError        orchestration.evaluation.bench   too many images of a set are broken
    VotesError               orchestration.human_study.votes  votes of people are damaged
    NoPriorError             orchestration.drawing.sources    a run has nothing to draw from
    UsageError: the arguments or the config are wrong, whatever the data; exit code 2
        UnknownProtocolError dalle_model.files                a URL begins with no known protocol
        ChoiceError          dalle_model.data.choice          rows cannot be chosen so
        ReaderError          dalle_model.data.reader          rows cannot be read in an order
        KeepError            dalle_model.sample.keep          what is kept of an image is no part
        CodecError           dalle_model.tokenizers.codec     the codec of a config cannot be used
        ConversionError      dalle_model.tokenizers.pickles   a released file cannot be converted
        ScorerError          dalle_model.clip.scorer          a scorer cannot be found or used
        FeaturesError        dalle_model.evaluate.features    features are missing or do not compare
        PromptError          dalle_model.guide.prompts        prompts cannot be read
        FilmError            dalle_model.guide.film           a film cannot be made
        CompressionError     dalle_model.train.powersgd       gradients cannot be compressed so
        ParallelError        dalle_model.train.place          processes cannot train together so
        RecomputeError       dalle_model.train.recomputing    a model has no blocks
        OptionError          dalle_model.door.train           an option of training is wrong
        ScorerError          pipelines.quality.weights        a scorer of images cannot be used
        ArchiveError         pipelines.web.replay             an archive cannot be replayed
        LexiconError         pipelines.text.lexicons.sources  a word list cannot be read
        TaggerError          pipelines.text.tagging.tagged    a part-of-speech tagger cannot be used
        GraphError           pipelines.text.entities.graph    a table of entities cannot be used
        ListError            pipelines.select.lists           a file of a recipe is wrong
        EntriesError         pipelines.select.entries         a list of entries is empty
        FractionError        pipelines.select.scores          there are no rows to keep a part of
        DetectorError        pipelines.select.captions        a language identifier is not installed
        SelectColumnError    pipelines.select.run_rows        a recipe reads a missing column
        TableError           pipelines.select.tables          a table of metadata cannot be used
        KeepListError        pipelines.io.uids                a keep list cannot be used
        MissingInputError    pipelines.crawl.discovery        a source has no file
        ResizeError          pipelines.images.config          a filter's library is not installed
        NoHeldImagesError    pipelines.crawl.held             a source holds no images itself
        ColumnError          pipelines.crawl.tables.columns   a column is not there, or one too many
        BlocklistError       pipelines.fetch.blocklists       a block-list cannot be read
        LabelsError          pipelines.label_overlap.config   labels of images cannot be had
        ImageSetError        pipelines.image_sets.listing     a set of images cannot be read
        RecipeError          pipelines.captions.assembly      a recipe is wrong or unknown
        TrackerError         dalle_model.train.trackers       a tracker of a training is missing
        PriceError           orchestration.scale.prices       a file of prices cannot be read
        NoMarginsError       pipelines.encode.encoder         a codec gives no margins
        OneShapeError        pipelines.encode.shapes          a codec takes images of one shape
        LikeError            pipelines.encode.like            crops of other shards cannot be taken
        FinishedRunError     pipelines.dedupe.against         a run cannot be deduplicated against
        CopiedStageError     pipelines.encode.alone.stage_images  a copied stage is not whole
        OtherTokensError     pipelines.encode.alone.work      a folder has tokens of other work
        TakedownError        orchestration.removal.asked      what is to be removed is not said
        PictureError         orchestration.pictures           a named image cannot be used
        ConfigError          orchestration.engine.config      a setting or an argument is wrong
        NoRunError           orchestration.engine.config      a directory is not one of a run
        StageError           orchestration.engine.registry    the stages do not fit together
        RunnerError          orchestration.beam.runners       a Beam runner or option cannot be used
        ProfileError         orchestration.beam.profile       a profile is wrong or unknown
        ReplacingError       orchestration.engine.another     a finished run would be replaced
        OutputError          orchestration.token_sets.output  a folder holds something else
        JoinError            orchestration.token_sets.joining sets lack rows, or share columns
        SamplesError         orchestration.evaluation.sets    samples cannot be judged so
        CodecImagesError     orchestration.evaluation.codec   no image fits a codec
        OverlapError         orchestration.evaluation.training_images  a run has no images
        DecodeError          orchestration.token_sets.decoding another codec than that of the tokens
        PackError            orchestration.token_sets.packing  a set cannot be packed
        FormatError          orchestration.token_formats.format  tokens do not fit a format
        StudyError           orchestration.human_study.study  people cannot compare two models so
        FreeingError         orchestration.engine.cleaning    rows from the web would be freed
"""


class DalleError(RuntimeError):
    """Says what is wrong, where, why, and the command that fixes it; shown without a traceback."""


class UsageError(DalleError):
    """The arguments or the config are wrong: no data and no second try makes them right."""
