"""How short the proxy is where the experiment does not say it: by the number of images.

The cheapest proxy whose ranks agreed with those of long trainings about as well as a second long
training's did, on Fashion-MNIST (experiments/README.md): 8 epochs on 7,125 images. Fewer images are
seen more often, up to `LONGEST` epochs, so that as many pass.
"""

from dataclasses import replace

from gensynth.campaign.experiment import Experiment

IMAGES = 7_125
"""Training images of the measured proxy."""
SHORTEST = 8
"""Epochs of the measured proxy."""
LONGEST = 40
"""Epochs beyond which few images are not seen again and again."""


def settled(experiment: Experiment, images: int) -> Experiment:
    """Give the experiment with a proxy of stated length, for `images` images to train on."""
    if experiment.fidelity == "given":
        return experiment
    share = min(1.0, IMAGES / images)
    epochs = min(LONGEST, max(SHORTEST, round(SHORTEST * IMAGES / images)))
    proxy = replace(experiment.proxy, epochs=epochs, data_share=share)
    return replace(experiment, proxy=proxy, fidelity="given")


def as_before(experiment: Experiment, before: Experiment) -> Experiment:
    """Take the proxy's length from a campaign that has begun, where the experiment says none."""
    if experiment.fidelity == "given":
        return experiment
    known = before.proxy
    proxy = replace(experiment.proxy, epochs=known.epochs, data_share=known.data_share)
    return replace(experiment, proxy=proxy, fidelity="given")
