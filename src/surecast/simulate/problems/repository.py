"""Where the problems RP... come from."""

CITATION = (
    "A. Rozsas and A. Slobbe (2019). Repository and black-box reliability challenge. Netherlands Organisation for "
    "Applied Scientific Research (TNO). https://rprepo.readthedocs.io"
)
LICENCE = "written from the equation, as stated in otbenchmark (LGPL 3 or later; its code is not used)"
