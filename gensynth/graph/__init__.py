"""A network as a graph of layers, and what can be read off it before any training.

`graph` holds the table of layers and its fingerprint, `trace` reads it off a PyTorch module,
`profile` counts costs, `columns` and `column_flow` recognise parallel columns, `gates` attention
gates, `downsampling` strides and low-pass filters (Tri-3).
"""

from gensynth.graph.graph import Graph as Graph
from gensynth.graph.graph import Kind as Kind
from gensynth.graph.graph import Layer as Layer
