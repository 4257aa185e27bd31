"""Runs a campaign on Ray: Ray Tune distributes the trainings over cores, GPUs and nodes.

The campaign stays in the caller's thread and prepares its next proposal there, while Tune's event
loop runs in a thread beside it: no worker waits for a generator that thinks. Nothing of Tune's is
ever restored; after a crash the campaign's own record and the jobs' folders say how to go on.
"""

from collections.abc import Callable
from functools import partial
from threading import Thread

from gensynth.campaign.campaign import Campaign, Done, Wait
from gensynth.campaign.experiment import Resources
from gensynth.errors import InputError
from gensynth.executors.ray.cluster import NodesGone, connected, require_room, short_folder
from gensynth.executors.ray.elsewhere import require_resources, stopwatch
from gensynth.executors.ray.exchange import Broken, Ended, Exchange, Interrupted, Measured, News
from gensynth.executors.ray.memory import deaths_for_memory_survived
from gensynth.executors.ray.sharing import NOT_SHARED, require_shared
from gensynth.process import Interruption, on_one_core
from gensynth.training.attempt import Result, attempt

PATIENCE_S = 600.0
"""How long a cluster may be without a node that has room: others may be on their way."""
OWN_PATIENCE_S = 10.0
"""The same of a Ray of our own, whose one node never returns."""


def run(
    campaign: Campaign,
    address: str | None = None,
    changed: Callable[[], None] = lambda: None,
    interruption: Interruption | None = None,
) -> Done:
    """Run the campaign to its end; `changed` is called after each step.

    Without an `address` (`HOST:PORT` of a Ray cluster) Ray is started on this machine's cores and
    ended afterwards. An interruption leaves nothing but jobs to resume.

    Raises:
        InputError: nothing answers at `address`, no node has room for a training, none offers the
            resource on which latencies are to be measured, or one does not share the folder.
        RuntimeError: Ray itself failed.
        KeyboardInterrupt: `interruption` was asked for, and running jobs have their checkpoints.
    """
    while True:
        ended = len(campaign.outcomes)
        try:
            return _run(campaign, address, changed, interruption)
        except NodesGone as error:
            if address is not None or len(campaign.outcomes) == ended:
                place = "ray" if address is None else "--address"
                problem = f"{error}; what runs is resumed once the same command finds nodes again"
                raise InputError(place, problem) from error
            campaign.resume()  # On a Ray of our own that is started anew.


def _run(
    campaign: Campaign,
    address: str | None,
    changed: Callable[[], None],
    interruption: Interruption | None,
) -> Done:
    resources = campaign.context.experiment.resources
    patience_s = OWN_PATIENCE_S if address is None else PATIENCE_S
    with connected(address), on_one_core():
        require_room(resources)
        require_resources(campaign.evaluator)
        if address is not None:
            require_shared(campaign.ledger.folder)
        exchange = Exchange()
        if interruption is not None:
            interruption.listen(exchange.interrupt)
            interruption.heed()
        arguments = (exchange, resources, patience_s)
        tune = Thread(target=_tune, args=arguments, name="tune", daemon=True)
        tune.start()
        try:
            return _converse(campaign, exchange, changed)
        finally:
            exchange.halt()
            tune.join()


def _converse(campaign: Campaign, exchange: Exchange, changed: Callable[[], None]) -> Done:
    """Play the campaign's part until it is done: take all news first, then give what is wanted."""
    wanted = False
    while True:
        for news in exchange.news():
            wanted = _take(campaign, exchange, news) or wanted
        changed()
        if not wanted:
            continue
        answer = campaign.ask(stopwatch)
        changed()
        if isinstance(answer, Done):
            return answer
        if not isinstance(answer, Wait):
            exchange.hand_out(answer)
            wanted = False


def _take(campaign: Campaign, exchange: Exchange, news: News) -> bool:
    """Enter one piece of news into the campaign; say whether another job is wanted."""
    if isinstance(news, Interrupted):
        raise KeyboardInterrupt
    if isinstance(news, Broken):
        if isinstance(news.error, NodesGone):
            raise news.error
        raise RuntimeError("Ray Tune ended before the campaign did") from news.error
    if isinstance(news, Measured):
        # All of them are entered: the rule learns from those that a late stop does not undo.
        if not all([campaign.report(news.job, measured) for measured in news.measurements]):
            exchange.stop(news.job)
    elif isinstance(news, Ended):
        campaign.tell(news.job, _with_weights(campaign, news))
    else:
        return True
    return False


def _with_weights(campaign: Campaign, ended: Ended) -> Result:
    """Train here what has to leave its weights, where a node could not: nothing else runs then."""
    if ended.result.ending != "lost" or NOT_SHARED not in ended.result.detail:
        return ended.result
    return attempt(ended.job, partial(campaign.report, ended.job))


def _tune(exchange: Exchange, resources: Resources, patience_s: float) -> None:
    """Run Tune's loop, and say so should it end by itself."""
    from gensynth.executors.ray.tune_loop import fit

    try:
        with short_folder() as folder, deaths_for_memory_survived():
            fit(exchange, resources, folder, patience_s)
    except BaseException as error:
        exchange.tell(Broken(error))
    else:
        exchange.tell(Broken(None))
