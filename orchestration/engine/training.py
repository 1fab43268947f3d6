"""The models of a run: which there are, and which another one needs before it is trained."""

from orchestration.engine.config import ConfigError, RunConfig
from orchestration.engine.graph import Graph
from orchestration.engine.registry import registry
from pipelines.io.suggest import did_you_mean
from pipelines.stage import LocalWork


def with_model(config: RunConfig, model: str) -> tuple[RunConfig, list[str]]:
    """The config with a model's section, and the models that come between the data and it.

    Raises:
        ConfigError: there is no such model.
    """
    models = {
        stage.name: stage
        for stage in registry().values()
        if isinstance(stage.work, LocalWork) and stage.work.is_training
    }
    if model not in models:
        near = did_you_mean(model, models)
        meant = f"did you mean `{near}`?" if near else f"there are {', '.join(models)}"
        raise ConfigError(f"no model {model[:80]!r} to train; {meant}")
    stage = models[model]
    completed = config.with_section(stage, config.section(stage))
    graph = Graph.of(completed)
    data = {before.name for s in graph.stages if s.is_sharded for before in graph.ancestors(s)}
    before = [o.name for o in graph.ancestors(stage) if not (o.is_sharded or o.name in data)]
    return completed, [*before, model]
