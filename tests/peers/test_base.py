"""What an importer gives is a value: a pair of plan and bases, bound and handed to `attach` without further thought."""

import pytest

import calando
from calando.errors import BadValue, DoesNotFit, Frozen
from calando.peers import Converted

ONE = Converted([calando.cosine(), calando.cosine()], [0.1, 0.2], horizon=100)
TWO = Converted([calando.cosine(end=0.1), calando.cosine(end=0.01)], [0.1, 1.0], horizon=100)


def test_it_is_the_pair_of_plan_and_bases() -> None:
    plan, bases = ONE
    assert plan == ONE.plan == calando.cosine()
    assert bases == (0.1, 0.2)


def test_groups_with_plans_of_their_own_have_no_common_plan() -> None:
    with pytest.raises(DoesNotFit, match=r"converted\.plans"):
        _ = TWO.plan
    assert len(TWO.plans) == 2


def test_it_binds_to_its_own_horizon_or_to_another() -> None:
    assert [schedule.horizon for schedule in TWO.schedules()] == [100, 100]
    assert TWO.schedules(50)[0](50) == 0.1
    assert ONE.schedules()[0] is ONE.schedules()[0] or ONE.schedules()[0] == ONE.schedules()[1]


def test_a_peer_that_goes_on_for_ever_asks_for_a_horizon() -> None:
    endless = Converted([calando.step_decay(10)], [0.1])
    with pytest.raises(DoesNotFit, match="give horizon"):
        endless.schedules()
    assert endless.attach_arguments(30)["schedule"](10) == 0.1


def test_what_is_counted_in_epochs_is_bound_with_their_size() -> None:
    by_epoch = Converted([calando.hold(calando.cosine())], [0.1], horizon=10, per="epoch")
    assert by_epoch.schedules(steps_per_epoch=7)[0].horizon == 70
    with pytest.raises(DoesNotFit, match="steps_per_epoch"):
        by_epoch.schedules()


def test_attach_is_given_one_schedule_or_one_for_each_group() -> None:
    assert set(ONE.attach_arguments()) == {"schedule", "bases"}
    assert sorted(TWO.attach_arguments()["groups"]) == [0, 1]


def test_it_is_a_frozen_value() -> None:
    again = Converted([calando.cosine(), calando.cosine()], [0.1, 0.2], horizon=100)
    assert again == ONE
    assert hash(again) == hash(ONE)
    assert again != TWO
    with pytest.raises(Frozen):
        ONE.horizon = 5
    with pytest.raises(Frozen):
        del ONE.horizon
    assert repr(ONE) == "Converted(cosine(), bases=(0.1, 0.2), horizon=100)"


@pytest.mark.parametrize(("plans", "bases"), [([], []), ([calando.cosine()], [0.1, 0.2])])
def test_there_is_a_base_for_every_plan(plans: list[calando.Plan], bases: list[float]) -> None:
    with pytest.raises(BadValue, match="for each group"):
        Converted(plans, bases)


def test_a_run_that_ends_inside_the_peers_own_length_is_bound_to_that_length() -> None:
    long = Converted([calando.warmup(100) | calando.constant()], [0.1])
    assert long.schedules(40)[0](39) == 0.39
    assert long.schedules(400)[0].horizon == 400
