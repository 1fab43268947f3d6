"""The bpe stage as a value: a text tokenizer trained on the captions of the token shards."""

from dalle_model.progress import OnStep
from pipelines.bpe.config import BpeConfig
from pipelines.records import TEXT_VOCAB, TOKENIZER, TOKENS
from pipelines.stage import Job, LocalResult, LocalWork, Reads, Stage, Writes, versions

FILE = "bpe.json"


def _run(job: Job, _on_step: OnStep) -> LocalResult:
    from dalle_model.shards import list_shards
    from dalle_model.train.bpe import train_bpe_from_shards

    shards = list_shards(job.task.url(TOKENS))
    metrics = train_bpe_from_shards(shards, job.task.folder.file(FILE), job.config.vocab_size)
    return LocalResult((FILE,), {name: metrics[name] for name in metrics if name != "sha256"})


STAGE = Stage(
    name="bpe",
    about="a text tokenizer trained on the run's captions",
    config=BpeConfig,
    reads={TOKENS: Reads()},
    writes=Writes(TOKENIZER, file=FILE),
    work=LocalWork(_run),
    is_default=False,
    dependencies=versions("tokenizers"),
    facts=lambda config, _: {TEXT_VOCAB: config.vocab_size},
)
