import numpy as np
import pytest

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.examples import ClassExamples, fake_examples
from keras_metahpo.fewshot.sampler import EpisodeDataset, EpisodeSampler, FixedEpisodeDataset

NUM_CLASSES, NUM_EXAMPLES = 7, 6


@pytest.fixture
def numbered() -> ClassExamples:
    """Every example is a number of its own: 100 times its class and its place."""
    arrays = [100.0 * c + np.arange(NUM_EXAMPLES)[:, None] for c in range(NUM_CLASSES)]
    return ClassExamples(tuple(arrays), tuple(str(c) for c in range(NUM_CLASSES)))


def test_support_and_query_are_disjoint_and_of_the_named_classes(numbered):
    sampler = EpisodeSampler(numbered, ways=4, shots=2, queries=3)
    for seed in range(50):
        episode = sampler.episode(np.random.default_rng(seed))
        both = np.concatenate([episode.support, episode.query], axis=1)[..., 0]
        assert both.shape == (4, 5)
        assert len(np.unique(both)) == both.size
        assert len(set(episode.classes)) == 4
        np.testing.assert_array_equal(both // 100, np.int64(episode.classes)[:, None] + 0 * both)


def test_all_classes_and_examples_are_drawn_equally_often(numbered):
    sampler = EpisodeSampler(numbered, ways=2, shots=1, queries=1)
    rng = np.random.default_rng(0)
    drawn = np.concatenate([sampler.episode(rng).support.ravel() for _ in range(4200)])
    counts = np.unique(drawn, return_counts=True)[1]
    assert len(counts) == NUM_CLASSES * NUM_EXAMPLES
    assert counts.min() > 140  # 200 expected, standard deviation 14.
    assert counts.max() < 260


def test_the_generator_decides_the_batch(numbered):
    sampler = EpisodeSampler(numbered, ways=3, shots=1, queries=2)
    first, second, other = (
        sampler.batch(np.random.default_rng(seed), num_episodes=4)[0]["query"] for seed in (1, 1, 2)
    )
    assert first.shape == (4, 6, 1)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_fixed_episodes_are_the_same_for_the_same_seed(numbered):
    sampler = EpisodeSampler(numbered, ways=3, shots=1, queries=1)
    episodes, again = sampler.fixed_episodes(5, seed=3), sampler.fixed_episodes(9, seed=3)
    assert len(episodes) == len(list(episodes)) == 5
    for one, two in zip(episodes, again[:5], strict=True):
        np.testing.assert_array_equal(one.support, two.support)
        assert one.classes == two.classes
    np.testing.assert_array_equal(episodes[-1].query, episodes[4].query)
    assert episodes[0].classes != episodes[1].classes or not np.array_equal(
        episodes[0].support, episodes[1].support
    )
    with pytest.raises(IndexError):
        episodes[5]


def test_batches_are_fresh_every_epoch_and_depend_on_the_seed_only(numbered):
    sampler = EpisodeSampler(numbered, ways=3, shots=1, queries=1)

    def epochs(seed):
        dataset = EpisodeDataset(sampler, num_batches=3, episodes_per_batch=2, seed=seed)
        drawn = []
        for _ in range(2):
            drawn += [dataset[i][0]["support"] for i in reversed(range(dataset.num_batches))]
            dataset.on_epoch_end()
        return np.stack(drawn)

    one = epochs(0)
    np.testing.assert_array_equal(one, epochs(0))
    assert len(np.unique(one.reshape(6, -1), axis=0)) == 6
    assert not np.array_equal(one, epochs(1))


def test_fit_draws_new_episodes_in_every_epoch(numbered):
    import keras

    seen = []

    class Recording(EpisodeSampler):
        def batch(self, rng, num_episodes):
            inputs, labels = super().batch(rng, num_episodes)
            seen.append(inputs["support"].ravel().tolist())
            return inputs["support"][:, 0, 0], labels[:, 0]

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    sampler = Recording(numbered, ways=3, shots=1, queries=1)
    model.fit(EpisodeDataset(sampler, num_batches=2), epochs=3, verbose=0)
    # Before these, Keras looks at some batches to learn their shapes.
    assert len({tuple(batch) for batch in seen[-6:]}) == 6


def test_fixed_dataset_has_every_episode_once(numbered):
    episodes = EpisodeSampler(numbered, ways=3, shots=1, queries=1).fixed_episodes(5, seed=0)
    dataset = FixedEpisodeDataset(episodes, episodes_per_batch=2)
    batches = [dataset[i][0]["support"] for i in range(dataset.num_batches)]
    assert [len(batch) for batch in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(batches), [e.support for e in episodes])


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ({"ways": NUM_CLASSES + 1, "shots": 1, "queries": 1}, "Lower `ways`"),
        ({"ways": 2, "shots": 3, "queries": 4}, "Lower `shots`"),
        ({"ways": 1, "shots": 1, "queries": 1}, "at least 2 ways"),
        ({"ways": 2, "shots": 0, "queries": 1}, "1 shot"),
        ({"ways": 2, "shots": 1, "queries": 0}, "1 query"),
    ],
)
def test_impossible_episodes_are_refused_with_a_remedy(numbered, arguments, remedy):
    with pytest.raises(FewShotError, match=remedy):
        EpisodeSampler(numbered, **arguments)


def test_the_class_with_too_few_examples_is_named():
    examples = ClassExamples((np.zeros((9, 1)), np.zeros((2, 1))), ("large", "small"))
    with pytest.raises(FewShotError, match="2 of 'small'"):
        EpisodeSampler(examples, ways=2, shots=1, queries=2)


def test_no_episodes_are_refused():
    sampler = EpisodeSampler(fake_examples(), ways=2, shots=1, queries=1)
    with pytest.raises(FewShotError, match="num_episodes=0"):
        sampler.fixed_episodes(0, seed=0)
