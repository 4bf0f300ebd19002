"""Problems with known answers: what estimators are tested on, and what a study can name.

    from surecast.simulate.problems import problem
    borehole = problem("borehole")
    outputs = borehole.simulator(borehole.law.from_uniform(uniforms))

In a study file: ``simulator: {kind: problem, name: borehole}``; the problem states its own input laws.
"""

from surecast.simulate.problems.catalogue import names, problem
from surecast.simulate.problems.problem import Problem

__all__ = ["Problem", "names", "problem"]
