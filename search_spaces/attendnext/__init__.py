"""AttendNeXt: heterogeneous columnar networks with double-condensing attention condensers."""

from search_spaces.attendnext.space import AttendNeXt as AttendNeXt
