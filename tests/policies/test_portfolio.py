"""The portfolio of earlier searches."""

import numpy as np

from keras_metahpo.history import FAILED_UTILITY, History, LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.policies import PortfolioPolicy, RandomPolicy
from keras_metahpo.policies.portfolio import greedy_order
from keras_metahpo.space import Hyperparameter, SearchSpace

SQUARE = SearchSpace([Hyperparameter(name, "float", 0.5, 0.0, 1.0) for name in "xy"])


def log_with_optimum(x, y, seed, num_trials=40, space=SQUARE):
    """A log whose best trial is planted at (x, y)."""
    configurations = space.decode(space.sample(num_trials - 1, np.random.default_rng(seed)))
    configurations.append({**space.default_configuration(), "x": x, "y": y})
    trials = []
    for n, c in enumerate(configurations):
        loss = (c["x"] - x) ** 2 + (c["y"] - y) ** 2
        trials.append(LoggedTrial(str(n), c, [{"loss": loss}]))
    return TrialLog.from_trials(TrialLogCard(f"log {seed}", "loss", "min"), space, trials)


def follow(policy, space, num_trials):
    suggestions = []
    for trial in range(num_trials):
        history = History([s.configuration for s in suggestions], np.zeros(trial))
        suggestions.append(policy.suggest(space, history, [], np.random.default_rng(trial)))
    return suggestions


def test_greedy_order_prefers_complements_to_the_runner_up():
    scores = np.array([[3.0, 2.9, 0.0], [3.0, 2.9, 0.0], [0.0, 0.0, 2.0]])
    assert greedy_order(scores, 3) == [0, 2, 1]
    assert greedy_order(scores, 1) == [0]


def test_planted_optima_come_first():
    logs = [log_with_optimum(0.2, 0.2, n) for n in range(3)] + [log_with_optimum(0.9, 0.9, 7)]
    portfolio = PortfolioPolicy(logs, RandomPolicy()).portfolio(SQUARE)
    found = [(c["x"], c["y"]) for c in SQUARE.decode(portfolio[:2])]
    assert found == [(0.2, 0.2), (0.9, 0.9)]


def test_a_used_up_portfolio_hands_over():
    policy = PortfolioPolicy([log_with_optimum(0.2, 0.2, 0)], RandomPolicy(), size=3)
    experts = [s.expert for s in follow(policy, SQUARE, 5)]
    assert experts == ["portfolio"] * 3 + ["random"] * 2


def test_tried_members_are_skipped():
    policy = PortfolioPolicy([log_with_optimum(0.2, 0.2, 0)], RandomPolicy())
    members = SQUARE.decode(policy.portfolio(SQUARE))
    history = History(members[1:2], np.zeros(1))
    suggestion = policy.suggest(SQUARE, history, members[:1], np.random.default_rng(0))
    assert suggestion.configuration == members[2]
    assert suggestion.reasons["place_in_portfolio"] == 3


def test_members_fit_a_space_that_changed_since():
    changed = SearchSpace(
        [
            Hyperparameter("y", "choice", 0.5, choices=(0.1, 0.5, 1.0)),
            Hyperparameter("x", "float", 0.6, 0.4, 1.0),
            Hyperparameter("new", "boolean", True, choices=(False, True)),
        ]
    )
    policy = PortfolioPolicy([log_with_optimum(0.2, 0.95, 0)], RandomPolicy())
    first = follow(policy, changed, 1)[0]
    assert first.configuration == {"y": 1.0, "x": 0.4, "new": True}


def test_a_reordered_space_gets_its_own_columns():
    reordered = SearchSpace(SQUARE.hyperparameters[::-1])
    policy = PortfolioPolicy([log_with_optimum(0.2, 0.95, 0)], RandomPolicy())
    assert SQUARE.decode(policy.portfolio(SQUARE)) == reordered.decode(policy.portfolio(reordered))


def test_logs_without_a_success_are_passed_over():
    failed = TrialLog.from_trials(
        TrialLogCard("failed", "loss", "min"),
        SQUARE,
        [LoggedTrial("0", {"x": 0.1, "y": 0.1}, [], status="FAILED")],
    )
    assert failed.history().utilities[0] == FAILED_UTILITY
    assert follow(PortfolioPolicy([failed], RandomPolicy()), SQUARE, 1)[0].expert == "random"
    mixed = PortfolioPolicy([failed, log_with_optimum(0.2, 0.2, 0)], RandomPolicy())
    assert follow(mixed, SQUARE, 1)[0].configuration == {"x": 0.2, "y": 0.2}


def test_long_logs_are_summarised():
    logs = [log_with_optimum(0.3, 0.6, seed, num_trials=300) for seed in range(2)]
    policy = PortfolioPolicy(logs, RandomPolicy())
    assert follow(policy, SQUARE, 1)[0].configuration == {"x": 0.3, "y": 0.6}
