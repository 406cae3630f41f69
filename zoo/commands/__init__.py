"""The commands of `python -m zoo`: the parser, and a module for each family, which is imported when it is needed."""
