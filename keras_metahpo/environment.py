"""Environment variables by which processes of one search tell each other what to do."""

# Set by `metahpo search` for its workers: the process ends with the search.
ENDS_WITH_SEARCH = "METAHPO_WORKER_ENDS_WITH_SEARCH"
