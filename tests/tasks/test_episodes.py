"""Few-shot episodes as task data."""

import numpy as np
import pytest

from keras_metahpo.tasks import IntentEpisodes, OmniglotEpisodes, training_episodes

SOURCES = [OmniglotEpisodes(size=8), IntentEpisodes(length=6, vocabulary_size=40)]


@pytest.fixture(params=SOURCES, ids=lambda source: type(source).__name__)
def source(request):
    return request.param


def test_evaluation_episodes_are_fixed(source):
    first, second = source.fake(), source.fake()
    for split in ("validation", "test"):
        (inputs, labels), (again, _) = getattr(first, split), getattr(second, split)
        ways, queries = source.ways, source.queries
        assert inputs["support"].shape[1:] == (ways, source.shots, *source.input_shape)
        assert inputs["query"].shape[1:] == (ways * queries, *source.input_shape)
        assert np.bincount(labels[0]).tolist() == [queries] * ways
        for name in inputs:
            np.testing.assert_array_equal(inputs[name], again[name])
    assert not np.array_equal(first.validation[0]["query"], first.test[0]["query"])


@pytest.mark.parametrize(("ways", "queries", "episodes"), [(5, 1, 1), (10, 3, 2), (20, 5, 1)])
def test_every_grouping_costs_about_as_many_examples(source, ways, queries, episodes):
    prepared = training_episodes(source.fake(), ways, 1, queries, episodes, 2000)
    batches, labels = prepared.train
    assert labels is None
    inputs, targets = batches[0]
    assert inputs["support"].shape[:3] == (episodes, ways, 1)
    assert targets.shape == (episodes, ways * queries)
    seen = batches.num_batches * episodes * ways * (1 + queries)
    assert 1800 <= seen <= 2000


def test_more_ways_than_classes_become_all_classes():
    data = OmniglotEpisodes(size=8).fake()
    num_classes = int(data.train[1].max()) + 1
    inputs, _ = training_episodes(data, 1000, 1, 1, 1, 100).train[0][0]
    assert inputs["support"].shape[1] == num_classes


def test_turned_images_are_classes_of_their_own():
    data = OmniglotEpisodes(size=8).fake()
    batches, _ = training_episodes(data, 5, 1, 1, 1, 100, with_rotations=True).train
    assert len(batches.sampler.examples) == 4 * (int(data.train[1].max()) + 1)
