"""How the files in ``rnastudy/data`` are made: ``python -m tools.build_data --help``, from the root of the repository."""
