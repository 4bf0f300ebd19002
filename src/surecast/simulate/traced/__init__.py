"""Plain Python functions of numbers, traced into terms and evaluated by NumPy, many equal terms and many runs at once.

`terms` are made by `trace`, which calls the function with symbols; `rewriting` keeps them simple as they are made, and
`kernel` evaluates them. No source is generated and nothing is executed but the function itself, once.
"""
