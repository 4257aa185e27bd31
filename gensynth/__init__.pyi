"""The types of the public names; `__init__.py` imports each when it is first used."""

from gensynth.api.assessing import PEERS as PEERS
from gensynth.api.campaigns import Campaign as Campaign
from gensynth.api.campaigns import load as load
from gensynth.api.comparing import compare as compare
from gensynth.api.comparing import setup_device as setup_device
from gensynth.api.drawing import Drawn as Drawn
from gensynth.api.evaluating import evaluate as evaluate
from gensynth.api.exporting import Exported as Exported
from gensynth.api.exporting import export as export
from gensynth.api.found_network import Found as Found
from gensynth.api.networks import check as check
from gensynth.api.networks import profile as profile
from gensynth.api.networks import score as score
from gensynth.api.plugins import NewPlugin as NewPlugin
from gensynth.api.plugins import check_plugin as check_plugin
from gensynth.api.plugins import installed_plugins as installed_plugins
from gensynth.api.plugins import new_plugin as new_plugin
from gensynth.api.predicting import Prediction as Prediction
from gensynth.api.predicting import predict as predict
from gensynth.api.searching import Interrupted as Interrupted
from gensynth.api.searching import preflight as preflight
from gensynth.api.searching import search as search
from gensynth.api.training import Trained as Trained
from gensynth.api.training import train as train
from gensynth.campaign.experiment import Experiment as Experiment
from gensynth.campaign.experiment import read_experiment as read_experiment
from gensynth.errors import InputError as InputError
from gensynth.evaluation.constraint import Candidate as Candidate
from gensynth.evaluation.constraint import Judgement as Judgement
from gensynth.evaluation.constraint import Stage as Stage
from gensynth.evaluation.constraint import Verdict as Verdict
from gensynth.evaluation.measurement import Measurement as Measurement
from gensynth.evaluation.outcome import Outcome as Outcome
from gensynth.evaluation.score import NetScore as NetScore
from gensynth.exports.folder import ExportError as ExportError
from gensynth.generators.optuna_sampler.sampler import (
    GenerativeSynthesisSampler as GenerativeSynthesisSampler,
)
from gensynth.generators.protocol import Generator as Generator
from gensynth.generators.protocol import Proposal as Proposal
from gensynth.genome import Decisions as Decisions
from gensynth.graph.profile import Profile as Profile
from gensynth.prediction.evaluation import Evaluation as Evaluation
from gensynth.report.assessment import Assessment as Assessment
from gensynth.space import Choose as Choose
from gensynth.space import SearchSpace as SearchSpace
from gensynth.space import Source as Source
from gensynth.space import Task as Task
from gensynth.training.job import Diverged as Diverged

_HOMES: dict[str, str]
__all__: list[str]
