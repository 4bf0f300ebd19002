"""The question: the study file as typed objects, input laws, units, seeds, provenance, table of kinds."""
