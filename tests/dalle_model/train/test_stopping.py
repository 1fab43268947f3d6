from dalle_model.train.stopping import ask_to_stop, is_asked, stoppable


def test_only_a_training_that_is_on_can_be_asked_to_stop() -> None:
    assert not ask_to_stop()
    with stoppable():
        assert not is_asked()
        assert ask_to_stop()
        assert ask_to_stop()
        assert is_asked()
    assert not ask_to_stop()
    with stoppable():
        assert not is_asked()
