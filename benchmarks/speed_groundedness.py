"""Answers that `groundedness` scores in a second of one core, on RAGTruth's QA answers.

OMP_NUM_THREADS=1 python benchmarks/speed_groundedness.py    # reads ../shared/data; seconds
"""

from __future__ import annotations

import time

from quality_groundedness import ragtruth

from evaluators.groundedness import Groundedness

RUNS = 3


def main() -> None:
    cases = [one.case for one in ragtruth()]
    if not cases:
        return
    judge = Groundedness()
    began = time.process_time()
    judge(cases[0])
    print(f"first answer, with loading: {1000 * (time.process_time() - began):.0f} ms of CPU")
    for run in range(RUNS):
        began = time.process_time()
        for case in cases:
            judge(case)
        print(f"run {run + 1}: {len(cases) / (time.process_time() - began):.0f} answers per CPU second ({len(cases)})")


if __name__ == "__main__":
    main()
