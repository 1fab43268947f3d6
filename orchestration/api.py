"""What the command line does, as functions: one a command, each with a result that is a value.

A notebook imports them from `dalle`. Settings are the path of a YAML file, a mapping with the same
keys, or a `RunConfig`; the relative paths of a mapping count from the working directory. Nothing is
printed: pass a `Progress` to follow a run. Commands of a group are functions of a module:
`evaluate`, `shards`.
"""

from orchestration.commands import evaluate as evaluate
from orchestration.commands import human_study as human_study
from orchestration.commands import shards as shards
from orchestration.commands.configs import estimate as estimate
from orchestration.commands.configs import estimate_training as estimate_training
from orchestration.commands.configs import init as init
from orchestration.commands.configs import settings as settings
from orchestration.commands.drawing import complete as complete
from orchestration.commands.drawing import sample as sample
from orchestration.commands.encoding import convert as convert
from orchestration.commands.encoding import encode as encode
from orchestration.commands.guiding import guide as guide
from orchestration.commands.keeping import keep as keep
from orchestration.commands.mini import mini as mini
from orchestration.commands.results import explain as explain
from orchestration.commands.results import export as export
from orchestration.commands.results import grid as grid
from orchestration.commands.results import remove as remove
from orchestration.commands.results import report as report
from orchestration.commands.results import status as status
from orchestration.commands.results import verify as verify
from orchestration.commands.runs import DEMO_CONFIG as DEMO_CONFIG
from orchestration.commands.runs import cancel as cancel
from orchestration.commands.runs import clean as clean
from orchestration.commands.runs import demo as demo
from orchestration.commands.runs import plan as plan
from orchestration.commands.runs import recipes as recipes
from orchestration.commands.runs import run as run
from orchestration.commands.runs import train as train
from orchestration.commands.scoring import score as score
