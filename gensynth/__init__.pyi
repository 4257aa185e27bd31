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
from gensynth.campaign.early_stopping import Curve as Curve
from gensynth.campaign.early_stopping import EarlyStopping as EarlyStopping
from gensynth.campaign.early_stopping import Running as Running
from gensynth.campaign.experiment import Experiment as Experiment
from gensynth.campaign.experiment import read_experiment as read_experiment
from gensynth.errors import InputError as InputError
from gensynth.evaluation.class_measures import precision as precision
from gensynth.evaluation.class_measures import sensitivity as sensitivity
from gensynth.evaluation.constraint import Candidate as Candidate
from gensynth.evaluation.constraint import Constraint as Constraint
from gensynth.evaluation.constraint import ConstraintError as ConstraintError
from gensynth.evaluation.constraint import Judgement as Judgement
from gensynth.evaluation.constraint import NeedsInt8Loss as NeedsInt8Loss
from gensynth.evaluation.constraint import NeedsReference as NeedsReference
from gensynth.evaluation.constraint import Stage as Stage
from gensynth.evaluation.constraint import Verdict as Verdict
from gensynth.evaluation.latency import AsksLatency as AsksLatency
from gensynth.evaluation.latency import Interval as Interval
from gensynth.evaluation.latency import Latency as Latency
from gensynth.evaluation.latency import Question as Question
from gensynth.evaluation.measurement import Measurement as Measurement
from gensynth.evaluation.outcome import Outcome as Outcome
from gensynth.evaluation.score import NetScore as NetScore
from gensynth.evaluation.score import Score as Score
from gensynth.exports.export_folder import ExportError as ExportError
from gensynth.formats import Deployment as Deployment
from gensynth.formats import Format as Format
from gensynth.formats import Run as Run
from gensynth.generators.optuna_sampler.sampler import (
    GenerativeSynthesisSampler as GenerativeSynthesisSampler,
)
from gensynth.generators.problem import Problem as Problem
from gensynth.generators.protocol import CountsRejections as CountsRejections
from gensynth.generators.protocol import Generator as Generator
from gensynth.generators.protocol import Proposal as Proposal
from gensynth.genome import Decisions as Decisions
from gensynth.graph.graph import Graph as Graph
from gensynth.graph.graph import Layer as Layer
from gensynth.graph.profile import Profile as Profile
from gensynth.graph.trace import trace as trace
from gensynth.latency.device import ComparesNetworks as ComparesNetworks
from gensynth.latency.device import Comparison as Comparison
from gensynth.latency.device import ConfirmsLatency as ConfirmsLatency
from gensynth.latency.device import Device as Device
from gensynth.latency.device import ForeseesLatency as ForeseesLatency
from gensynth.latency.device import NeedsSetup as NeedsSetup
from gensynth.latency.job import LatencyJob as LatencyJob
from gensynth.latency.reference import find_reference as find_reference
from gensynth.models.by_name import Model as Model
from gensynth.prediction.evaluation import Evaluation as Evaluation
from gensynth.report.assessment import Assessment as Assessment
from gensynth.space import Choose as Choose
from gensynth.space import GivesGraph as GivesGraph
from gensynth.space import Replay as Replay
from gensynth.space import SearchSpace as SearchSpace
from gensynth.space import Source as Source
from gensynth.space import Task as Task
from gensynth.space import build as build
from gensynth.training.job import Diverged as Diverged

_HOMES: dict[str, str]
__all__: list[str]
