"""Linear systems that a run solves one after the other, and the solvers that learn from one to the next.

A simulator names one by its setting ``linear_solver``. What a solver has learnt lasts for one run: it starts the next
run knowing nothing, so that the bits of a run depend on its own inputs alone.
"""
