"""Length of the proxy training, if the experiment does not state it: by the number of images.

On Fashion-MNIST (experiments/README.md), 8 epochs on 7,125 images was the cheapest proxy that
ranked networks about as consistently with long trainings as a second long training did. With fewer
images there are more epochs, up to `LONGEST`, so that as many images are processed.
"""

from dataclasses import replace

from gensynth.campaign.experiment import Experiment

IMAGES = 7_125
"""Training images of the measured proxy."""
SHORTEST = 8
"""Epochs of the measured proxy."""
LONGEST = 40
"""Most epochs, however few the images are."""


def with_proxy_length(experiment: Experiment, images: int) -> Experiment:
    """Return the experiment with a stated proxy length, for `images` training images."""
    share = min(1.0, IMAGES / images)
    epochs = min(LONGEST, max(SHORTEST, round(SHORTEST * IMAGES / images)))
    return _stated(experiment, epochs, share)


def with_recorded_length(experiment: Experiment, recorded: Experiment) -> Experiment:
    """Return the experiment with the proxy length of a campaign that has begun, if it has none."""
    return _stated(experiment, recorded.proxy.epochs, recorded.proxy.data_share)


def _stated(experiment: Experiment, epochs: int, data_share: float) -> Experiment:
    """Enter a proxy length unless the experiment states its own."""
    if experiment.fidelity == "given":
        return experiment
    proxy = replace(experiment.proxy, epochs=epochs, data_share=data_share)
    return replace(experiment, proxy=proxy, fidelity="given")
