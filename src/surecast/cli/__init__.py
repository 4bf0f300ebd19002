"""The command `surecast`, the full schema, the plan of a study."""
