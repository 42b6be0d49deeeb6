# Types of the compiled twin: the same functions as `reference`.
from bench.kernels.reference import joint_histogram as joint_histogram
from bench.kernels.reference import map_labels as map_labels
from bench.kernels.reference import unfilter as unfilter
