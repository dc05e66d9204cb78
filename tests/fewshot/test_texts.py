from keras_metahpo.fewshot.texts import split_by_name


def test_split_depends_on_names_and_not_on_their_order():
    names = [f"intent {i}" for i in range(150)]
    split = split_by_name(names, 90, 30)
    assert split == split_by_name(reversed(names), 90, 30)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [90, 30, 30]
