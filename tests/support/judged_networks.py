"""Networks of many kinds in one file, as a user would write them, for `nets:NAME`."""

NETWORKS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, run, **parts):
        super().__init__()
        self.parts = nn.ModuleDict(parts)
        self.run = run
    def forward(self, x):
        return self.run(x, **self.parts)

def grouped():
    convs = [nn.Conv2d(3, 16, 3, 2, 1)] + [nn.Conv2d(16, 16, 3, 1, 1, groups=4) for _ in "ab"]
    return nn.Sequential(*convs, nn.Conv2d(16, 8, 1))

def strange_name():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

def talking():
    print("built")
    def run(x, one):
        print("ran")
        return one(x)
    return Net(run, one=nn.Conv2d(3, 4, 3))

def leaving():
    def run(x):
        raise SystemExit(0)
    return Net(run)

def raising():
    def run(x, one):
        raise RuntimeError("no\\nway")
    return Net(run, one=nn.Conv2d(3, 4, 3))

def grey():
    return nn.Sequential(nn.Conv2d(1, 4, 3))

def lazy():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.LazyConv2d(4, 3))

class Transforming(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 4, 3, bias=False)
        self.transform = Net(lambda x: torch.fft.rfft(x).real)
    def forward(self, x):
        return self.transform(self.one(x))

def transforming():
    return Transforming()

def normed():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))

def reducing():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AvgPool2d(2), nn.MaxPool2d(2))

def weightless():
    return nn.AvgPool2d(2)

def number():
    return 3

def quits():
    raise SystemExit(5)

def broken():
    return nn.Conv2d(3, 4, 3, padding="sideways")

def huge():
    return nn.Linear(3 * 224 * 224, 10**12)
"""
