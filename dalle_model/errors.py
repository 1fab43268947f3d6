"""The root of every error that a person is meant to read.

DalleError
    ConfigError            orchestration.config    a setting is wrong: exit code 2
    ShardError             dalle_model.shards      a token shard cannot be used
    CheckpointError        dalle_model.train       a checkpoint cannot be used
    UnreadableShardError   pipelines.io.parquet    a shard of a stage cannot be read
    UnbalancedBooksError   pipelines.io.stage      rows were lost or made up
"""


class DalleError(RuntimeError):
    """Says what is wrong, where, why, and the command that mends it; shown without a traceback."""
