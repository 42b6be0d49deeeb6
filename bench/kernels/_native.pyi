# Types of the compiled twin: the same functions as `reference`.
from bench.kernels.reference import joint_histogram as joint_histogram
from bench.kernels.reference import map_labels as map_labels
from bench.kernels.reference import unfilter as unfilter
from bench.kernels.reference_segments import edge_map as edge_map
from bench.kernels.reference_segments import pair_counts as pair_counts
