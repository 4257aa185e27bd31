"""Running a campaign on Ray: Ray Tune distributes the trainings over cores, GPUs and nodes.

The campaign stays in the caller's thread and prepares its next proposal there, while Tune's event
loop runs in another thread, so that no worker waits for a slow generator. Tune's own state is never
restored: after a crash, the campaign's record and the jobs' folders determine how to continue.
"""

from collections.abc import Callable
from functools import partial
from threading import Thread

from gensynth.campaign.campaign import CampaignDriver, Done, Wait
from gensynth.campaign.experiment_tables import Resources
from gensynth.errors import InputError
from gensynth.executors.ray.cluster import (
    ControlGone,
    NodesGone,
    connected,
    require_room,
    short_folder,
)
from gensynth.executors.ray.control import CLUSTER_PATIENCE, OWN_PATIENCE, watched
from gensynth.executors.ray.elsewhere import require_resources, stopwatch
from gensynth.executors.ray.exchange import (
    ControlLost,
    Ended,
    Exchange,
    Measured,
    Message,
    StopRequested,
    TuneEnded,
)
from gensynth.executors.ray.memory import deaths_for_memory_survived
from gensynth.executors.ray.sharing import NOT_SHARED, require_shared
from gensynth.executors.resources import require_device
from gensynth.process import Interruption, Stopped, on_one_core, say
from gensynth.training.attempt import Result, attempt

CLUSTER_WITHOUT_NODES_S = 600.0
"""How long a cluster may have no node with room; new nodes may be starting."""
ABANDONED = "tune, abandoned"
OWN_WITHOUT_NODES_S = 10.0
"""The same for a Ray that was started here, whose only node never returns."""


def run_on_ray(
    campaign: CampaignDriver,
    address: str | None = None,
    changed: Callable[[], None] = lambda: None,
    interruption: Interruption | None = None,
) -> Done:
    """Run the campaign to its end, and return why it ended.

    `changed` is called after each step. `address` is the `HOST:PORT` of a Ray cluster. Without it,
    Ray is started on this machine's cores and stopped afterwards. After an interruption, the same
    call resumes the jobs that were running.

    Raises:
        InputError: nothing answers at `address`, no node has room for a training, no node offers
            the resource on which to measure latency, or a node does not share the folder.
        RuntimeError: Ray itself failed.
        KeyboardInterrupt: `interruption` was requested; running jobs have saved checkpoints.
    """
    if address is None:
        require_device(campaign.context.experiment.resources)
    restarts = 0
    while True:
        ended = len(campaign.outcomes)
        try:
            return _run(campaign, address, changed, interruption)
        except NodesGone as error:
            restarts = restarts + 1 if len(campaign.outcomes) == ended else 0
            if address is not None or restarts > error.restarts:
                place = "ray" if address is None else "--address"
                wait = "when nodes are available"
                if address is None:
                    wait = "when the machine is less busy, or with --executor inline"
                problem = f"{error}. Run the same command again {wait}; unfinished trainings resume"
                raise InputError(place, problem) from error
            say(f"ray: {error}; it is started anew")
            campaign.resume()


def _run(
    campaign: CampaignDriver,
    address: str | None,
    changed: Callable[[], None],
    interruption: Interruption | None,
) -> Done:
    resources = campaign.context.experiment.resources
    limit_s = OWN_WITHOUT_NODES_S if address is None else CLUSTER_WITHOUT_NODES_S
    with connected(address), on_one_core():
        require_room(resources)
        require_resources(campaign.evaluator)
        if address is not None:
            require_shared(campaign.folder)
        exchange = Exchange()
        if interruption is not None:
            interruption.install_again()  # Ray has set handlers of its own.
            interruption.listen(exchange.interrupt)
            interruption.heed()
        arguments = (exchange, resources, limit_s)
        tune = Thread(target=_tune, args=arguments, name="tune", daemon=True)
        tune.start()
        patience = OWN_PATIENCE if address is None else CLUSTER_PATIENCE
        with watched(lambda place: exchange.tell(ControlLost(place)), patience):
            try:
                return _converse(campaign, exchange, changed, interruption)
            except ControlGone:
                tune.name = ABANDONED  # It waits for the dead server until Ray is shut down.
                raise
            finally:
                exchange.halt()
                if tune.name != ABANDONED:
                    tune.join()


def _converse(
    campaign: CampaignDriver,
    exchange: Exchange,
    changed: Callable[[], None],
    interruption: Interruption | None,
) -> Done:
    """Pass all messages on to the campaign, then a job to Tune if it wants one, until the end."""
    wanted = False
    while True:
        for message in exchange.messages():
            if isinstance(message, StopRequested) and interruption is not None:
                interruption.heed()
            wanted = _take(campaign, exchange, message) or wanted
        changed()
        if not wanted:
            continue
        answer = campaign.ask(stopwatch)
        changed()
        if isinstance(answer, Done):
            return answer
        if not isinstance(answer, Wait):
            exchange.hand_out((answer, *campaign.companions(answer)))
            wanted = False


def _take(campaign: CampaignDriver, exchange: Exchange, message: Message) -> bool:
    """Enter one message into the campaign; return whether it asks for another job."""
    if isinstance(message, StopRequested):
        raise Stopped
    if isinstance(message, ControlLost):
        raise ControlGone(f"the control server at {message.address} does not answer any more")
    if isinstance(message, TuneEnded):
        if isinstance(message.error, NodesGone):
            raise message.error
        raise RuntimeError("Ray Tune ended before the campaign did") from message.error
    if isinstance(message, Measured):
        # All are entered, even after a stop: the early-stopping rule learns from every one.
        if not all([campaign.report(message.job, measured) for measured in message.measurements]):
            exchange.stop(message.job)
    elif isinstance(message, Ended):
        campaign.tell(message.job, _with_weights(campaign, message))
    else:
        return True
    return False


def _with_weights(campaign: CampaignDriver, ended: Ended) -> Result:
    """Train the exported network here if its node cannot save weights; nothing else runs then."""
    if ended.result.ending != "lost" or NOT_SHARED not in ended.result.detail:
        return ended.result
    return attempt(ended.job, partial(campaign.report, ended.job))


def _tune(exchange: Exchange, resources: Resources, limit_s: float) -> None:
    """Run Tune's loop, and report if it ends by itself."""
    from gensynth.executors.ray.tune_loop import fit

    try:
        with short_folder() as folder, deaths_for_memory_survived():
            fit(exchange, resources, folder, limit_s)
    except BaseException as error:
        exchange.tell(TuneEnded(error))
    else:
        exchange.tell(TuneEnded(None))
