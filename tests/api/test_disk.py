import errno
import os

import pytest

from gensynth.api.disk import writable
from gensynth.errors import InputError


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "fix this and run the same command again"),
        (errno.EEXIST, "fix this and run the same command again"),
        (errno.EIO, "fix this and run the same command again"),
        (errno.ESTALE, "fix this and run the same command again"),
        (errno.EMFILE, "raise their limit (ulimit -n)"),
    ],
)
def test_an_error_of_the_disk_is_one_line_with_the_remedy(number: int, remedy: str) -> None:
    with pytest.raises(InputError) as caught, writable("a file"):
        raise OSError(number, os.strerror(number), "/somewhere/file")
    assert str(caught.value).startswith(f"/somewhere/file: {os.strerror(number)}; ")
    assert remedy in str(caught.value)


def test_a_defect_of_ours_stays_one() -> None:
    with pytest.raises(FileNotFoundError), writable("a file"):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "x")
