"""Found by Python at its start in the processes that have this folder on ``PYTHONPATH``: measures from inside."""

import os

if "BENCH_ENCODES" in os.environ:
    import bench_counting

    bench_counting.start()
if "BENCH_PROFILE" in os.environ:
    import bench_sampling

    bench_sampling.start()
