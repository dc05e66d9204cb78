import numpy as np
import pytest

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.episode import Episode, stack_episodes


def test_numbers_of_an_episode():
    episode = Episode(np.zeros((3, 2, 4)), np.zeros((3, 5, 4)), ("a", "b", "c"))
    assert (episode.num_ways, episode.num_shots, episode.num_queries) == (3, 2, 5)


@pytest.mark.parametrize(
    ("support", "query"), [((3, 2, 4), (2, 2, 4)), ((3, 2, 4), (3, 2, 5)), ((3, 2), (3, 2))]
)
def test_sets_that_do_not_fit_are_refused(support, query):
    with pytest.raises(FewShotError, match="support"):
        Episode(np.zeros(support), np.zeros(query))


def test_labels_name_the_row_of_the_query():
    rows = np.arange(3.0)[:, None, None]
    episode = Episode(np.tile(rows, (1, 1, 2)), np.tile(rows, (1, 4, 2)))
    inputs, labels = stack_episodes([episode, episode])
    assert inputs["support"].shape == (2, 3, 1, 2)
    assert inputs["query"].shape == (2, 12, 2)
    np.testing.assert_array_equal(inputs["query"][..., 0], labels)


def test_unequal_episodes_make_no_batch():
    first = Episode(np.zeros((3, 1, 4)), np.zeros((3, 1, 4)))
    second = Episode(np.zeros((3, 2, 4)), np.zeros((3, 1, 4)))
    with pytest.raises(FewShotError, match="equal"):
        stack_episodes([first, second])
