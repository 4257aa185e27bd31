"""What a test needs of the operating system."""

import sys

import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: /proc, 127.0.0.2, unshare")
